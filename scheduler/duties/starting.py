"""Campaigns whose time is near become runs; runs whose time is over are closed."""

from __future__ import annotations

from datetime import datetime

from campaigns import queries
from campaigns.database import Connection

_SQL = queries.load("scheduler", "tick.sql")

#: How long before its start a run is created and its recipients are written, in seconds. Opt-outs
#: count until the moment of sending all the same.
LEAD = 5.0


def run_once(conn: Connection, now: datetime) -> tuple[int, int]:
    """How many runs were started and how many began to close."""
    started = conn.execute(_SQL.start_due, {"now": now, "lead": LEAD}).rowcount
    closed = conn.execute(_SQL.close_ended, {"now": now}).rowcount
    return started, closed
