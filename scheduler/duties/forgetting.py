"""What nobody asks for any more is removed: signs of processes that are gone, old touches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from campaigns import queries
from campaigns.database import Connection

_SQL = queries.load("scheduler", "tick.sql")
_SIGNS = queries.load("campaigns.run", "signs.sql")

#: How often a portion of the touches is looked through, and how large it is.
EVERY = timedelta(seconds=5)
PORTION = 2_000


@dataclass(slots=True)
class Sweep:
    """How far the touches have been looked through. Lost with its process, and harmlessly so."""

    next_at: datetime | None = None
    after_team: Any = None
    after_address: Any = None


def run_once(conn: Connection, now: datetime, sweep: Sweep) -> None:
    """Remove a bounded amount of both."""
    conn.execute(_SQL.forget_heartbeats, {"now": now})
    if sweep.next_at is not None and now < sweep.next_at:
        return
    sweep.next_at = now + EVERY
    place = {"after_team": sweep.after_team, "after_address": sweep.after_address}
    row = conn.execute(_SIGNS.forget_touches, {**place, "amount": PORTION, "now": now}).fetchone()
    sweep.after_team = row["after_team"] if row else None
    sweep.after_address = row["after_address"] if row else None
