"""Messages that may have arrived and are sent again at their own account: their rows and slices."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from campaigns import queries
from campaigns.database import Connection
from campaigns.providers import Providers

SQL = queries.load("campaigns.run", "doubt.sql")


def send_again(
    conn: Connection, batch_ids: Sequence[int], providers: Providers, *, now: datetime
) -> int:
    """Let what a lost worker left be tried again, as far as its account may; how many.

    Before ``hold_in_doubt`` and ``hand_back`` in handback.sql, in their transaction.
    """
    turns = [turn._asdict() for turn in providers.resending()]
    if not turns:
        return 0
    where = {"batch_ids": list(batch_ids), "turns": json.dumps(turns), "now": now}
    row = conn.execute(SQL.send_again, where).fetchone()
    return int(row["n"]) if row else 0


def give_up(conn: Connection, providers: Providers, *, now: datetime) -> int:
    """Hold for a person what waits for an account that sends nothing again any more; how many."""
    again = sorted({turn.account for turn in providers.resending()})
    row = conn.execute(SQL.give_up_bound, {"resending": again, "now": now}).fetchone()
    return int(row["held"]) if row else 0
