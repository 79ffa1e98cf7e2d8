"""Campaigns whose time has come become runs; runs whose time is over are closed."""

from __future__ import annotations

from datetime import datetime

from campaigns import queries
from campaigns.database import Connection

_SQL = queries.load("scheduler", "tick.sql")


def run_once(conn: Connection, now: datetime) -> tuple[int, int]:
    """How many runs were started and how many began to close."""
    started = conn.execute(_SQL.start_due, {"now": now}).rowcount
    closed = conn.execute(_SQL.close_ended, {"now": now}).rowcount
    return started, closed
