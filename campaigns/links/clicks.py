"""Following a link: where it leads, and that it was followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from campaigns import queries
from campaigns.database import Connection
from campaigns.links.codes import Code
from campaigns.run import reports
from campaigns.run.events import ReportKind
from campaigns.run.reports import DeliveryReport

SQL = queries.load("campaigns.links", "clicks.sql")

#: A link of an e-mail that is followed within so many seconds of its handing over was followed by
#: a scanner on the way.
TOO_SOON = 5.0


@dataclass(frozen=True, slots=True)
class Destination:
    """What a code is good for."""

    team_id: UUID
    sending_type: str
    kind: Literal["redirect", "opt_out", "open"]
    #: Of a redirect, as it was when the campaign was saved.
    target: str | None = field(repr=False)
    title: str | None
    group_id: UUID | None


class Visit(NamedTuple):
    """Somebody, or something, asked for a code."""

    code: Code
    at: datetime
    #: It says of itself that it is no person, or does what people do not.
    by_machine: bool


@dataclass(frozen=True, slots=True)
class LinkCount:
    """How often one link of a run was followed."""

    number: int
    source: str
    kind: str
    target: str | None = field(repr=False)
    #: By how many, and how often in all.
    recipients: int
    times: int
    #: By machines, which are in neither.
    bot_times: int


def destination(conn: Connection, host: str, code: Code) -> Destination | None:
    """What ``code`` is good for on ``host``; ``None``: nothing."""
    row = conn.execute(
        SQL["find_destination"], {"run_id": code.run_id, "link": code.link, "host": host}
    ).fetchone()
    return None if row is None else Destination(**row)


def plain_target(conn: Connection, host: str, path: str) -> str | None:
    """Where the link of a team at that path leads, for somebody without a code."""
    row = conn.execute(SQL["find_plain"], {"host": host, "path": path}).fetchone()
    return None if row is None else row["target"]


def record(conn: Connection, visits: Sequence[Visit]) -> None:
    """Count visits; the first one by a person to each link is an event of the delivery."""
    if not visits:
        return
    given = {
        "run_ids": [visit.code.run_id for visit in visits],
        "seqs": [visit.code.seq for visit in visits],
        "links": [visit.code.link for visit in visits],
        "ats": [visit.at for visit in visits],
        "by_machine": [visit.by_machine for visit in visits],
        "too_soon": TOO_SOON,
    }
    with conn.transaction():
        rows = conn.execute(SQL["count_clicks"], given).fetchall()
        followed = [
            DeliveryReport(
                _EVENTS[row["kind"]],
                row["first_at"],
                row["run_id"],
                row["seq"],
                # One event for each link, however often it is followed.
                event_id=f"link {row['link']}",
            )
            for row in rows
            if row["kind"] in _EVENTS
        ]
        if followed:
            reports.record(conn, followed)


def count_by_link(conn: Connection, run_id: int) -> list[LinkCount]:
    """How often each link of a run was followed."""
    return [LinkCount(**row) for row in conn.execute(SQL["count_by_link"], {"run_id": run_id})]


#: An opt-out link that is looked at is none of both.
_EVENTS: dict[str, ReportKind] = {"redirect": "clicked", "open": "opened"}
