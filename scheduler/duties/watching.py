"""The watchdog: work that nobody does although it could be done.

What can be put right without sending anything twice is put right; all of it is written down for
`sluice doctor` (the table ``findings``). While everything is well this finds nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from campaigns import queries
from campaigns.database import Connection
from campaigns.providers import NO_PROVIDERS, Providers
from campaigns.run import doubt
from campaigns.run.doubt import Settled
from campaigns.run.explain import MISSING_AFTER
from campaigns.settings import LONGEST_WINDOW

log = logging.getLogger(__name__)

_SQL = queries.load("scheduler", "watch.sql")
_CALLBACKS = queries.load("scheduler", "callbacks.sql")

EVERY = timedelta(seconds=10)

#: A run is looked after if nothing was settled of it for so long.
QUIET = timedelta(seconds=60)

#: A batch is published again after 5, 10, 15 s and so on: so many times take about a minute.
PUBLICATIONS = 5

#: A receiver of callbacks may fail for so long before anybody is told.
DEAF = timedelta(minutes=5)

#: Events are gathered at the latest when the longest window of any process has passed.
UNGATHERED = timedelta(seconds=LONGEST_WINDOW) + QUIET

#: Of the messages for one receiver, so many are counted.
COUNTED = 1_000

#: Rows in one waiting slice.
SLICE = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with whom, in words without anybody's address."""

    kind: str
    subject: str
    detail: str
    repaired: bool = False


@dataclass(slots=True)
class Round:
    """When to look next. Lost with its process, and harmlessly so."""

    next_at: datetime | None = None
    #: From when on each account has been seen to send again what is in doubt.
    resending: dict[str, datetime] = field(default_factory=dict)

    def see(self, providers: Providers, now: datetime) -> None:
        """Notice which accounts send again what is in doubt."""
        accounts = {again.account for again in providers.resending()}
        self.resending = {name: self.resending.get(name, now) for name in accounts}


def run_once(
    conn: Connection, now: datetime, turn: Round, providers: Providers = NO_PROVIDERS
) -> list[Finding]:
    """What was found, and repaired where that is safe; nothing if it is not time yet."""
    if turn.next_at is not None and turn.next_at - EVERY <= now < turn.next_at:
        return []
    turn.next_at = now + EVERY
    turn.see(providers, now)
    found = [*_forsaken(conn, now, turn, providers), *_waiting(conn, now), *_deaf(conn, now)]
    for finding in found:
        log.warning("%s: %s", finding.subject, finding.detail)
        conn.execute(
            _SQL.find,
            {
                "kind": finding.kind,
                "subject": finding.subject,
                "detail": finding.detail,
                "repaired": finding.repaired,
                "now": now,
            },
        )
    conn.execute(_SQL.forget_findings, {"now": now})
    return found


def _forsaken(
    conn: Connection, now: datetime, turn: Round, providers: Providers
) -> Iterator[Finding]:
    wanted = {"now": now, "quiet": QUIET.total_seconds()}
    for row in conn.execute(_SQL.forsaken_runs, wanted).fetchall():
        run = {"run_id": row["id"], "now": now}
        settled = doubt.settle_forsaken(conn, row["id"], providers, turn.resending, now=now)
        recut = 0
        if row["status"] == "sending":
            cut = conn.execute(_SQL.recut_forsaken, {**run, "size": SLICE}).fetchone()
            recut = cut["recut"] if cut else 0
        recounted = conn.execute(_SQL.recount_forsaken, run).fetchone() is not None
        if any(settled) or recut or recounted:
            detail = _repair(settled, recut - settled.again, recounted)
            yield Finding("forsaken", f"run {row['id']}", detail, True)


def _repair(settled: Settled, recut: int, recounted: bool) -> str:
    done = []
    if settled.held:
        done.append(f"{settled.held:,} messages that nobody was sending are held as unknown")
    if settled.again:
        done.append(f"{settled.again:,} messages that nobody was sending are sent again")
    if recut:
        done.append(f"{recut:,} that nobody had are handed out again")
    if recounted:
        done.append("its counters were corrected")
    return ", ".join(done)


def _deaf(conn: Connection, now: datetime) -> Iterator[Finding]:
    """Receivers of callbacks that have not answered for a while, and failed again just now."""
    wanted = {
        "now": now, "since": EVERY.total_seconds(), "patience": DEAF.total_seconds(),
        "most": COUNTED,
    }  # fmt: skip
    for row in conn.execute(_CALLBACKS.dead_receivers, wanted).fetchall():
        what, name = ("webhook", row["endpoint_id"]) if row["endpoint_id"] else (
            "callback of campaign", row["campaign_id"])  # fmt: skip
        if row["disabled_reason"] == "gone":
            why = "its receiver says that it is gone for good, and is told nothing more"
        else:
            since = f"{row['failing_since']:%d %b %H:%M:%S} UTC"
            why = f"its receiver has not answered since {since} ({row['last_code']})"
        counts = f"{_about(row['waiting'])} messages wait, {_about(row['dead'])} were given up"
        yield Finding("dead receiver", f"{what} {name}", f"{why}; {counts}")


def _about(counted: int) -> str:
    return f"{counted:,}" if counted < COUNTED else f"{COUNTED:,} or more"


def _waiting(conn: Connection, now: datetime) -> Iterator[Finding]:
    wanted = {"now": now, "quiet": QUIET.total_seconds(), "publications": PUBLICATIONS}
    row = conn.execute(_SQL.waiting_work, wanted).fetchone()
    if row is not None:
        yield from idle_queues(row, now)


def idle_queues(row: Mapping[str, Any], now: datetime) -> Iterator[Finding]:
    """Queues that nobody takes work from, by what ``waiting_work`` in watch.sql says."""
    for kind, what, count in (
        ("send", "batches", row["batches"]),
        ("control", "runs", row["runs"]),
        ("callbacks", "receivers", row["receivers"]),
    ):
        if count:
            yield _idle(row, kind, f"{count:,} {what} wait", now)
    noted_at = row["noted_at"]
    if not row["receivers"] and noted_at is not None and now - noted_at > UNGATHERED:
        yield _idle(row, "callbacks", f"events wait since {noted_at:%d %b %H:%M:%S} UTC", now)


def _idle(row: Mapping[str, Any], kind: str, waiting: str, now: datetime) -> Finding:
    seen = row[f"{kind}_seen"]
    if seen is None or now - seen > MISSING_AFTER:
        why = f"no {kind} worker was seen" + ("" if seen is None else f" since {seen:%H:%M:%S} UTC")
    else:
        why = f"a {kind} worker is alive and takes none of them; restart it"
    return Finding("idle queue", f"queue of {kind}", f"{waiting}, and {why}")
