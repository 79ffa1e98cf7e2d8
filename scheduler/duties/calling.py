"""Who is to be told of events: the outbox is to be gathered, receivers are due.

The tick only says so; processes of their own do it (queue ``sluice.callbacks``), so that no
receiver ever holds up a message or a pause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns import queries
from campaigns.database import Connection
from campaigns.messaging import TASK_CALL, TASK_GATHER

_SQL = queries.load("scheduler", "callbacks.sql")

#: How often the outbox is gathered while something is in it, and while nothing is: old messages
#: have to be forgotten too.
EVERY = timedelta(seconds=2)
SWEEP = timedelta(minutes=1)

#: After how many seconds without a lease a receiver's message counts as lost.
AGAIN_AFTER = 5.0

#: Receivers that are told something at once; of them those that failed last time; those of a host.
PLACES = 64
FAILING_PLACES = 16
PER_HOST = 4


@dataclass(slots=True)
class Calls:
    """When the outbox was last gathered. Lost with its process, and harmlessly so."""

    gathered_at: datetime | None = None

    def is_time(self, now: datetime, pause: timedelta) -> bool:
        """Whether ``pause`` has passed; a clock that was set back must not put it off."""
        last = self.gathered_at
        return last is None or not last <= now < last + pause


def run_once(conn: Connection, now: datetime, calls: Calls) -> list[tuple[str, int]]:
    """Pairs of task name and id."""
    found = [(TASK_GATHER, last) for last in _outbox(conn, now, calls)]
    wanted = {
        "now": now, "again_after": AGAIN_AFTER, "places": PLACES,
        "failing_places": FAILING_PLACES, "per_host": PER_HOST,
    }  # fmt: skip
    due = conn.execute(_SQL.publish_receivers, wanted).fetchall()
    return found + [(TASK_CALL, row["id"]) for row in due]


def _outbox(conn: Connection, now: datetime, calls: Calls) -> Iterator[int]:
    if not calls.is_time(now, EVERY):
        return
    row = conn.execute(_SQL.outbox).fetchone()
    if row is None:
        return
    if row["last"] is not None or (row["keeps"] and calls.is_time(now, SWEEP)):
        calls.gathered_at = now
        yield row["last"] or 0


def take_back(conn: Connection, messages: Sequence[tuple[str, int]]) -> None:
    """The broker did not take these: the next tick publishes them again."""
    ids = [row_id for task, row_id in messages if task == TASK_CALL]
    conn.execute(_SQL.take_back_receivers, {"ids": ids})
