"""What nobody asks for any more is removed: signs of processes that are gone, old touches, where
message ids led, reports that nobody could place, changes of groups that are done, and groups whose
team keeps them no longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from campaigns import queries
from campaigns.audience import pending, retention
from campaigns.campaign import store
from campaigns.database import Connection
from campaigns.run import reports

_SQL = queries.load("scheduler", "tick.sql")
_SIGNS = queries.load("campaigns.run", "signs.sql")

#: How often a portion of each is looked through, and how large it is.
EVERY = timedelta(seconds=5)
PORTION = 2_000

#: How often groups are looked through for those that nobody uses.
GROUPS_EVERY = timedelta(minutes=1)


@dataclass(slots=True)
class Sweep:
    """How far all has been looked through. Lost with its process, and harmlessly so."""

    next_at: datetime | None = None
    after_team: Any = None
    after_address: Any = None
    groups_at: datetime | None = None
    strays: Mapping[str, Any] = field(default_factory=lambda: reports.START)


def run_once(conn: Connection, now: datetime, sweep: Sweep) -> None:
    """Remove a bounded amount of each."""
    conn.execute(_SQL.forget_heartbeats, {"now": now})
    if not _is_due(sweep.next_at, now, EVERY):
        return
    sweep.next_at = now + EVERY
    place = {"after_team": sweep.after_team, "after_address": sweep.after_address}
    row = conn.execute(_SIGNS.forget_touches, {**place, "amount": PORTION, "now": now}).fetchone()
    sweep.after_team = row["after_team"] if row else None
    sweep.after_address = row["after_address"] if row else None
    sweep.strays = reports.sweep_strays(conn, sweep.strays, PORTION, now=now)
    reports.forget_message_ids(conn, PORTION, now=now)
    pending.fold_tallies(conn, PORTION)
    store.fold_tallies(conn, PORTION)
    pending.forget(conn, now, PORTION)
    if _is_due(sweep.groups_at, now, GROUPS_EVERY):
        sweep.groups_at = now + GROUPS_EVERY
        retention.find_due(conn, now)


def _is_due(next_at: datetime | None, now: datetime, every: timedelta) -> bool:
    # A clock that is set back must not put it off by as much.
    return next_at is None or not next_at - every <= now < next_at
