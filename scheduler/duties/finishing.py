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
    done: list[int] = []
    for row in conn.execute(_SQL.maybe_finished).fetchall():
        if row["total"] > 0:
            check = conn.execute(_SQL.unsettled_rows, {"run_id": row["id"]}).fetchone()
            if check is None or check["unsettled"]:
                log.error("run %d: its counters say settled, its rows do not", row["id"])
                continue
        done.append(row["id"])
    if done:
        conn.execute(_SQL.finish_runs, {"run_ids": done, "now": now})
        conn.execute(_SQL.drop_slices, {"run_ids": done})
    return len(done)
