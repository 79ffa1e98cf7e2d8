"""Runs whose window is over, and whose rest waits for the next one, are moved on to it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from campaigns import queries
from campaigns.database import Connection
from campaigns.schedule.stored import next_window
from campaigns.schedule.windows import Window
from scheduler.active_times import UNREADABLE

log = logging.getLogger(__name__)

_SQL = queries.load("scheduler", "occurrences.sql")


def run_once(conn: Connection, now: datetime) -> int:
    """How many runs were moved; those without another window expire."""
    runs: list[dict[str, Any]] = []
    for row in conn.execute(_SQL.windows_over, {"now": now}).fetchall():
        try:
            window = _window_after(row, now)
        except UNREADABLE as error:
            log.error(
                "run %d: its next window cannot be read (%s)", row["id"], type(error).__name__
            )
            window = None
        runs.append(
            {
                "id": row["id"],
                "window_at": window.start.isoformat() if window else None,
                "finishes_at": window.finish.isoformat() if window and window.finish else None,
            }
        )
    if runs:
        conn.execute(_SQL.move_windows, {"runs": json.dumps(runs), "now": now})
    return len(runs)


def _window_after(row: Mapping[str, Any], now: datetime) -> Window | None:
    window = next_window(row, row["window_at"])
    while window is not None and window.finish is not None and window.finish <= now:
        # A window that passed while nobody looked is over too.
        window = next_window(row, window.start)
    return window
