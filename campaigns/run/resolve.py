"""Rows of whom nobody knows whether the message arrived: the operator gives up on them.

To send to them once more is :func:`campaigns.run.again.send`.
"""

from __future__ import annotations

from datetime import datetime

from campaigns import queries
from campaigns.database import Connection
from campaigns.run.again import Choice

SQL = queries.load("campaigns.run", "resolve.sql")


def fail(conn: Connection, run_id: int, chosen: Choice, *, now: datetime) -> int:
    """Give up on those of the chosen rows that are held as unknown.

    Returns:
        how many there were; their error code is ``failed_by_operator``.
    """
    with conn.transaction():
        conn.execute("SET LOCAL statement_timeout = '10min'")
        where = {"run_id": run_id, "now": now, **chosen.parameters()}
        row = conn.execute(SQL.fail_unknown, where).fetchone()
        assert row is not None
        return int(row["n"])
