"""Delivery reports: what providers say about messages after they took them.

They come twice, out of order, before the answer to their request was stored, for one part of many,
and for ids that nobody knows. All of that is right: a report is appended to the history of its row,
or kept until somebody knows its id, and the row is what its history says
(:mod:`campaigns.run.events`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns import failpoints, queries
from campaigns.audience import gone
from campaigns.database import Connection
from campaigns.run.events import ReportKind, report_key

_SQL = queries.load("campaigns.run", "reports.sql")
_EVENTS = queries.load("campaigns.run", "events.sql")

#: Reports that one transaction takes.
PORTION = 1_000

#: Beginning of a walk over the reports that nobody knows where to put.
START: Mapping[str, str | None] = dict.fromkeys(
    ("after_provider", "after_message_id", "after_kind", "after_key")
)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """One word of a provider about one delivery, or about one part of it.

    Either ``run_id`` and ``seq`` say which, from a reference that came back, or ``provider`` and
    ``message_id`` do.
    """

    kind: ReportKind
    at: datetime
    run_id: int | None = None
    seq: int | None = None
    provider: str | None = None
    message_id: str | None = None
    #: It speaks of one part of the message, the one with this ``message_id``.
    part: bool = False
    code: str | None = None
    #: The provider's own id of an opening or a click, of which there may be many.
    event_id: str | None = None
    #: The address is dead: later runs of the channel leave it out. Needs ``run_id`` and ``seq``.
    gone: bool = False

    @property
    def place(self) -> tuple[int | None, int | None]:
        """Run and number, where the reference came back."""
        return self.run_id, self.seq

    @property
    def key(self) -> str:
        """Tells it from others of its kind about the same delivery; a repetition has the same."""
        detail = ""
        if self.kind in ("opened", "clicked"):
            detail = self.event_id or str(int(self.at.timestamp() * 1_000_000))
        return report_key(self.message_id, part=self.part, detail=detail)


def record(conn: Connection, reports: Sequence[DeliveryReport]) -> int:
    """Write reports to the ledger; returns how many of them were new.

    One about a row that does not exist, or that was never handed to a provider, is dropped; one
    with a message id that nobody knows is kept for seven days.
    """
    return sum(
        _record_portion(conn, reports[start : start + PORTION])
        for start in range(0, len(reports), PORTION)
    )


def _record_portion(conn: Connection, reports: Sequence[DeliveryReport]) -> int:
    given = {
        "run_ids": [r.run_id for r in reports],
        "seqs": [r.seq for r in reports],
        "providers": [r.provider for r in reports],
        "message_ids": [r.message_id for r in reports],
        "kinds": [r.kind for r in reports],
        "keys": [r.key for r in reports],
        "ats": [r.at for r in reports],
        "codes": [r.code for r in reports],
    }
    with conn.transaction():
        noted = conn.execute(_SQL.note_reports, given).fetchall()
        _refold(conn, (row for row in noted if row["run_id"] is not None))
        new = {(row["run_id"], row["seq"]) for row in noted}
        # An old one that comes again must not bury who was brought back.
        gone.note(conn, [(r.run_id, r.seq, r.code) for r in reports if r.gone and r.place in new])
        failpoints.hit("report.before_commit")
    failpoints.hit("report.committed")
    return sum(row["n"] for row in noted)


def sweep_strays(
    conn: Connection, after: Mapping[str, Any], amount: int, *, now: datetime
) -> Mapping[str, Any]:
    """Take in kept reports whose message id is known by now, and forget those of seven days ago.

    Walks all of them, ``amount`` at a time, and waits for nobody. Needs a transaction.

    Returns:
        from where to go on: ``after`` of the next call.
    """
    portion = {**after, "amount": amount, "now": now}
    taken = conn.execute(_SQL.take_in_strays, portion).fetchall()
    _refold(conn, taken)
    last = conn.execute(_SQL.forget_strays, portion).fetchone()
    return START if last is None else last


def forget_message_ids(conn: Connection, amount: int, *, now: datetime) -> None:
    """Forget up to ``amount`` message ids of more than 30 days ago."""
    conn.execute(_SQL.forget_message_ids, {"amount": amount, "now": now})


def _refold(conn: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    if keys := [(row["run_id"], row["seq"]) for row in rows]:
        run_ids, seqs = map(list, zip(*keys, strict=True))
        conn.execute(_EVENTS.refold, {"run_ids": run_ids, "seqs": seqs, "now": None})
