"""Rows of whom nobody knows whether the message arrived: the operator sends again or gives up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from campaigns import queries
from campaigns.database import Connection
from campaigns.run import again

SQL = queries.load("campaigns.run", "resolve.sql")


def fail(
    conn: Connection,
    run_id: int,
    *,
    now: datetime,
    code: str | None = None,
    seqs: Sequence[int] | None = None,
) -> int:
    """Give up on the rows that are held as unknown, or on those of them with ``code``, in ``seqs``.

    Returns:
        how many there were; their error code is ``failed_by_operator``.

    Raises:
        Invalid: a number in ``seqs`` cannot be one of a row.
    """
    chosen = again.unknown(code=code, seqs=seqs)
    with conn.transaction():
        conn.execute("SET LOCAL statement_timeout = '10min'")
        where = {"run_id": run_id, "now": now, **chosen.parameters()}
        row = conn.execute(SQL.fail_unknown, where).fetchone()
        assert row is not None
        return int(row["n"])


def resend(
    conn: Connection,
    run_id: int,
    *,
    now: datetime,
    code: str | None = None,
    seqs: Sequence[int] | None = None,
) -> int:
    """Send to the rows that are held as unknown, or to those of them with ``code``, in ``seqs``.

    Whoever did get the message may get it twice, except where the provider has reported the
    delivery or recognises the repetition. See :func:`campaigns.run.again.send`.

    Returns:
        how many will be sent.

    Raises:
        Invalid: a number in ``seqs`` cannot be one of a row.
        Locked: the run has expired, was stopped, or its campaign was deleted; nothing changed.
    """
    return again.send(conn, run_id, again.unknown(code=code, seqs=seqs), now=now)
