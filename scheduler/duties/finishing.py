"""What workers counted is added up; runs whose every row is settled are finished."""

from __future__ import annotations

import logging
from datetime import datetime

from campaigns import queries
from campaigns.database import Connection

log = logging.getLogger(__name__)

_SQL = queries.load("scheduler", "tick.sql")


def run_once(conn: Connection, now: datetime) -> int:
    """How many runs were finished, and with them their campaigns."""
    conn.execute(_SQL.add_up_tallies, {"now": now})
    ended = {row["id"]: row["total"] for row in conn.execute(_SQL.maybe_finished)}
    filled = [run_id for run_id, total in ended.items() if total > 0]
    if filled:
        for row in conn.execute(_SQL.unsettled_runs, {"run_ids": filled}).fetchall():
            log.error("run %d: its counters say settled, its rows do not", row["run_id"])
            del ended[row["run_id"]]
    done = list(ended)
    if done:
        conn.execute(_SQL.finish_runs, {"run_ids": done, "now": now})
        conn.execute(_SQL.drop_slices, {"run_ids": done})
    return len(done)
