"""The verdict on one run: the ledger's rows against what the carrier got. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from campaigns.database import Connection

#: A message is claimed, sent and recorded within this time, unless there is a fault.
UNDER_WAY = timedelta(seconds=5)

#: A fault that is over may still be felt for so long: connections that were broken while idle.
AFTERMATH = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was done to the installation, from its begin to its end."""

    name: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """What the ledger says of one recipient."""

    seq: int
    status: str
    code: str | None
    claimed_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Numbers of recipients; those of several runs are added."""

    recipients: int = 0
    accepted: int = 0
    #: Held for the operator, because nobody can know whether they got it.
    unknown: int = 0
    #: Of those, the ones who did.
    unknown_received: int = 0
    #: Got it, and their row says something else than accepted or unknown.
    lost: int = 0
    #: Got it more than once.
    doubled: int = 0
    #: Did not get it, and their row is not unknown.
    missing: int = 0
    #: Unknown without a fault while their message was under way.
    unexplained: int = 0

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            *(getattr(self, one.name) + getattr(other, one.name) for one in fields(Verdict))
        )

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing doubled, nothing missing, and every doubt has its reason."""
        return not (self.lost or self.doubled or self.missing or self.unexplained)


def judge(rows: Collection[Row], arrived: Mapping[int, int], faults: Iterable[Fault]) -> Verdict:
    """``arrived`` says how often the carrier got the message of each sequence."""
    known = list(faults)
    unknown = [row for row in rows if row.status == "unknown"]
    status = {row.seq: row.status for row in rows}
    return Verdict(
        recipients=len(rows),
        accepted=sum(row.status == "accepted" for row in rows),
        unknown=len(unknown),
        unknown_received=sum(row.seq in arrived for row in unknown),
        lost=sum(status.get(seq) not in ("accepted", "unknown") for seq in arrived),
        doubled=sum(times > 1 for times in arrived.values()),
        missing=sum(row.seq not in arrived and row.status != "unknown" for row in rows),
        unexplained=sum(not is_explained(row, known) for row in unknown),
    )


def is_explained(row: Row, faults: Iterable[Fault]) -> bool:
    """Whether there was a fault while the message of an unknown row was under way."""
    if row.claimed_at is None:
        return False
    until = row.claimed_at + UNDER_WAY
    return any(fault.begin <= until and row.claimed_at <= fault.end + AFTERMATH for fault in faults)


def rows_of(conn: Connection, run_id: int) -> list[Row]:
    """The rows of a run."""
    query = (
        "SELECT seq, status, error_code AS code, claimed_at, settled_at "
        "FROM deliveries WHERE run_id = %s"
    )
    return [_row(found) for found in conn.execute(query, (run_id,))]


def _row(found: Mapping[str, Any]) -> Row:
    return Row(
        found["seq"], found["status"], found["code"], found["claimed_at"], found["settled_at"]
    )
