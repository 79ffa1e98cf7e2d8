"""Messages that may have arrived: sent again at their own account, or held for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from campaigns import queries
from campaigns.database import Connection
from campaigns.providers import Providers

SQL = queries.load("campaigns.run", "doubt.sql")


class Settled(NamedTuple):
    """How many rows that may have arrived became what."""

    held: int
    #: Sent again, by an account that recognises the repetition.
    again: int


def settle_lost(
    conn: Connection, batch_ids: Sequence[int], providers: Providers, *, now: datetime
) -> Settled:
    """Settle what the lost workers of these batches had claimed.

    Before ``hand_back`` in handback.sql, in its transaction.
    """
    turns = [turn._asdict() for turn in providers.resending()]
    where = {"batch_ids": list(batch_ids), "turns": json.dumps(turns), "now": now}
    return _settled(conn, SQL.settle_lost, where)


def settle_forsaken(
    conn: Connection,
    run_id: int,
    providers: Providers,
    since: Mapping[str, datetime],
    *,
    now: datetime,
) -> Settled:
    """Settle what was claimed of a run that no batch belongs to any more.

    ``since``: from when on each account has been known to send again what is in doubt.
    """
    turns = [
        {**turn._asdict(), "since": since[turn.account].isoformat()}
        for turn in providers.resending()
        if turn.account in since
    ]
    where = {"run_id": run_id, "turns": json.dumps(turns), "now": now}
    return _settled(conn, SQL.settle_forsaken, where)


def give_up(conn: Connection, providers: Providers, *, now: datetime) -> int:
    """Hold for a person what waits for an account that sends nothing again any more; how many."""
    again = sorted({turn.account for turn in providers.resending()})
    return _settled(conn, SQL.give_up_bound, {"resending": again, "now": now}).held


def _settled(conn: Connection, query: str, where: Mapping[str, Any]) -> Settled:
    row = conn.execute(query, where).fetchone()
    assert row is not None, "a count is always answered"
    return Settled(row["held"], row["again"])
