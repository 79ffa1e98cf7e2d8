"""Sending once more to recipients of a run that is settled for them, because a person wants it.

The one way back to ``pending``, whatever a row was before: held as unknown, or failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns import queries
from campaigns.campaign import control, state, store, times
from campaigns.database import Connection
from campaigns.errors import Invalid, Locked
from campaigns.run import lookup

SQL = queries.load("campaigns.run", "again.sql")

#: Rows in one waiting slice: what a worker takes at once.
SLICE = 500

#: The kinds of failure that can be named to be sent again (``deliveries.error_class``).
FAILURES = ("transient", "permanent", "content", "unreported", "poisoned", "operator")

_LARGEST_SEQ = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Choice:
    """Rows of a run: those that are one of ``statuses``, narrowed down by what is not ``None``.

    Raises:
        Invalid: a number in ``seqs`` cannot be one of a row.
    """

    statuses: tuple[str, ...]
    error_class: str | None = None
    code: str | None = None
    seqs: Sequence[int] | None = None

    def __post_init__(self) -> None:
        for seq in self.seqs or ():
            if not 0 <= seq <= _LARGEST_SEQ:
                raise Invalid(
                    "seq", seq, "must be the number of a recipient, as the report shows it"
                )

    def parameters(self) -> dict[str, Any]:
        """As the statements take them."""
        return {
            "statuses": list(self.statuses),
            "error_class": self.error_class,
            "code": self.code,
            "seqs": None if self.seqs is None else list(self.seqs),
        }


def unknown(*, code: str | None = None, seqs: Sequence[int] | None = None) -> Choice:
    """What is held as unknown."""
    return Choice(("unknown",), None, code, seqs)


def failed(error_class: str | None = None) -> Choice:
    """What failed; what was refused for good only where its class is named.

    Raises:
        Invalid: there is no such class.
    """
    if error_class is None:
        return Choice(("failed",))
    if error_class not in FAILURES:
        raise Invalid("error_class", error_class, f"must be one of {', '.join(FAILURES)}")
    return Choice(("failed", "rejected"), error_class)


def count(conn: Connection, run_id: int, chosen: Choice) -> int:
    """To how many :func:`send` would send right now."""
    row = conn.execute(SQL.count_chosen, {"run_id": run_id, **chosen.parameters()}).fetchone()
    assert row is not None
    return int(row["n"])


def send(conn: Connection, run_id: int, chosen: Choice, *, now: datetime) -> int:
    """Send to the chosen rows once more, each with a fresh set of attempts.

    What the provider has reported as delivered is left as it is. Frequency caps do not count what
    is sent again. A run that was finished goes on, and with it its campaign.

    Returns:
        how many will be sent.

    Raises:
        Locked: the run has expired, was stopped, or its campaign was deleted; nothing changed.
    """
    with conn.transaction():
        conn.execute("SET LOCAL statement_timeout = '10min'")
        where = {"run_id": run_id, **chosen.parameters()}
        conn.execute(SQL.give_touches_back, where)
        row = conn.execute(SQL.send_again, {**where, "now": now, "size": SLICE}).fetchone()
        assert row is not None
        go_on(conn, run_id, now=now)
        conn.execute(SQL.uncover, {"run_id": run_id})
        return int(row["n"])


def go_on(conn: Connection, run_id: int, *, now: datetime) -> None:
    """Let a run go on in which rows are pending again, even if it was finished.

    Belongs into the transaction that changed the rows, and behind that.

    Raises:
        Locked: the run has expired, was stopped, or its campaign was deleted.
    """
    run = conn.execute(SQL.lock_run, {"run_id": run_id}).fetchone()
    assert run is not None, "runs are never removed"
    _check_sendable(run_id, run, now)
    if run["status"] == "finished" and run["pending"]:
        _reopen(conn, run_id, run, now)


def resume_failed(
    conn: Connection,
    team_id: UUID,
    campaign_id: UUID,
    *,
    now: datetime,
    error_class: str | None = None,
) -> int:
    """Let the campaign go on, and send once more to whom its latest run failed.

    ``error_class`` narrows it down to one of :data:`FAILURES`.

    Returns:
        how many will be sent again; 0 too where the campaign has not begun.

    Raises:
        Invalid: there is no such class.
        NotFound: the team has no such campaign.
        Locked: as :func:`send` says.
    """
    chosen = failed(error_class)
    with conn.transaction():
        run_id = lookup.latest_run(conn, team_id, campaign_id)
        count = 0 if run_id is None else send(conn, run_id, chosen, now=now)
        if store.get(conn, team_id, campaign_id).manually_paused:
            control.resume(conn, team_id, campaign_id, now=now)
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
            f"run: {run_id} expired at {times.render(min(over))}, so nothing of it is sent again."
        )
    if run["campaign_status"] in ("stopped", "failed", "deleted"):
        raise Locked(
            f"run: {run_id} cannot go on, because its campaign is {run['campaign_status']}; "
            "nothing of it is sent again."
        )
    if run["status"] == "closing":
        raise Locked(f"run: {run_id} is closing; nothing of it is sent again.")
