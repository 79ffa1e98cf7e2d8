"""From the outbox to messages: events are collected for a while, and the outbox stays bounded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns import failpoints, queries
from campaigns.callbacks import retries, windows
from campaigns.database import Connection

SQL = queries.load("campaigns.callbacks", "gathering.sql")

#: Events that one transaction looks at.
PORTION = 20_000

#: Messages that one transaction gives up, or forgets.
SWEPT = 2_000


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one call did."""

    events: int = 0
    messages: int = 0


def gather(
    conn: Connection,
    up_to: int,
    *,
    window: timedelta,
    keep_days: int,
    most: int = windows.MOST,
    now: datetime | None = None,
) -> Gathered | None:
    """Make messages of the events that are to go out; ``None`` if another process is at it.

    Args:
        up_to: the newest event in the outbox that the caller knows of. A message that is days old
            finds nothing left up to it.
        window: how long an event waits for others to go out with.
        keep_days: messages that were delivered or given up longer ago are forgotten.
        most: events that are told at once.
        now: PostgreSQL's own time unless a caller names it.
    """
    events = messages = 0
    while True:
        with conn.transaction():
            turn = conn.execute(SQL.lock_gathering, {"now": now}).fetchone()
            if turn is None or not turn["locked"]:
                return None
            moment = turn["now"]
            row = conn.execute(
                SQL.gather,
                {
                    "up_to": up_to, "portion": PORTION, "most": most, "now": moment,
                    "window": window.total_seconds(),
                },
            ).fetchone()  # fmt: skip
            assert row is not None
            failpoints.hit("gather.before_commit")
            _sweep(conn, moment, keep_days)
        events += row["taken"]
        messages += row["messages"]
        if row["looked_at"] < PORTION or not row["taken"]:
            return Gathered(events, messages)


def _sweep(conn: Connection, now: datetime, keep_days: int) -> None:
    portion = {"now": now, "amount": SWEPT}
    conn.execute(SQL.give_up_old, {**portion, "longest": retries.LONGEST.total_seconds()})
    conn.execute(SQL.forget_settled, {**portion, "days": keep_days})
