"""Rows of whom nobody knows whether the message arrived: the operator sends again or gives up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from campaigns import queries
from campaigns.campaign import state, times
from campaigns.database import Connection
from campaigns.errors import Invalid, Locked

SQL = queries.load("campaigns.run", "resolve.sql")

#: Rows in one waiting slice: what a worker takes at once.
SLICE = 500

_LARGEST_SEQ = 2**31 - 1


def fail(conn: Connection, run_id: int, *, now: datetime, seqs: Sequence[int] | None = None) -> int:
    """Give up on the rows that are held as unknown, or on those of them in ``seqs``.

    Returns:
        how many there were; their error code is ``failed_by_operator``.

    Raises:
        Invalid: a number in ``seqs`` cannot be one of a row.
    """
    with conn.transaction():
        conn.execute("SET LOCAL statement_timeout = '10min'")
        return _changed(conn, "fail_unknown", run_id=run_id, seqs=_checked(seqs), now=now)


def resend(
    conn: Connection, run_id: int, *, now: datetime, seqs: Sequence[int] | None = None
) -> int:
    """Send to the rows that are held as unknown, or to those of them in ``seqs``, once more.

    Whoever did get the message gets it twice, except where the provider has reported the delivery:
    those rows stay as they are. Frequency caps do not count what is sent again. A run that was
    finished goes on, and with it its campaign.

    Returns:
        how many will be sent.

    Raises:
        Invalid: a number in ``seqs`` cannot be one of a row.
        Locked: the run has expired, was stopped, or its campaign was deleted; nothing changed.
    """
    with conn.transaction():
        conn.execute("SET LOCAL statement_timeout = '10min'")
        chosen = _checked(seqs)
        conn.execute(SQL.give_touches_back, {"run_id": run_id, "seqs": chosen})
        count = _changed(conn, "resend_unknown", run_id=run_id, seqs=chosen, now=now, size=SLICE)
        run = conn.execute(SQL.lock_run, {"run_id": run_id}).fetchone()
        assert run is not None, "runs are never removed"
        _check_sendable(run_id, run, now)
        if count and run["status"] == "finished":
            _reopen(conn, run_id, run, now)
        return count


def _reopen(conn: Connection, run_id: int, run: Mapping[str, Any], now: datetime) -> None:
    conn.execute(SQL.reopen_run, {"run_id": run_id})
    if run["campaign_status"] == "sending":
        return
    if not state.move(conn, run["campaign_id"], "reopen", now):
        raise Locked(f"run: {run_id} cannot be resumed, because its campaign is being changed.")
    conn.execute(SQL.campaign_reopened, {"campaign_id": run["campaign_id"]})


def _check_sendable(run_id: int, run: Mapping[str, Any], now: datetime) -> None:
    ends = [run["expires_at"], run["finishes_at"] if run["leftover"] == "expire" else None]
    over = [end for end in ends if end is not None and end <= now]
    if over:
        raise Locked(
            f"run: {run_id} expired at {times.render(min(over))}, "
            "so what is unknown in it can only be failed."
        )
    if run["campaign_status"] in ("stopped", "failed", "deleted"):
        raise Locked(
            f"run: {run_id} cannot go on, because its campaign is {run['campaign_status']}; "
            "what is unknown in it can only be failed."
        )
    if run["status"] == "closing":
        raise Locked(f"run: {run_id} is closing; what is unknown in it can only be failed.")


def _checked(seqs: Sequence[int] | None) -> list[int] | None:
    for seq in seqs or ():
        if not 0 <= seq <= _LARGEST_SEQ:
            raise Invalid("seq", seq, "must be the number of a recipient, as the report shows it")
    return None if seqs is None else list(seqs)


def _changed(conn: Connection, name: str, **parameters: object) -> int:
    row = conn.execute(SQL[name], parameters).fetchone()
    assert row is not None
    return int(row["n"])
