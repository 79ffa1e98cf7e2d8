"""Opting out by a link, which names nobody: its code leads to the recipient it was sent to."""

from __future__ import annotations

from psycopg.errors import LockNotAvailable

from campaigns import queries
from campaigns.audience import groups, pending
from campaigns.channels import ADDRESS_COLUMN
from campaigns.database import Connection
from campaigns.errors import Locked
from campaigns.links.clicks import Destination
from campaigns.links.codes import Code

SQL = queries.load("campaigns.links", "opt_outs.sql")


def opt_out(conn: Connection, code: Code, found: Destination) -> bool:
    """Send nothing more to whoever got ``code``; ``False`` if that was so before.

    It counts from the moment this returns, for runs that are under way too: each claim looks.

    Raises:
        Locked: an import of the same address did not end in time; nothing was recorded.
    """
    row = {
        "team_id": found.team_id,
        "group_id": found.group_id,
        "run_id": code.run_id,
        "seq": code.seq,
    }
    kind = ADDRESS_COLUMN[found.sending_type]
    query = SQL.by_address("opt_out", kind)
    with conn.transaction():
        conn.execute(groups.SQL["wait_longer"])
        try:
            done = conn.execute(query, row).fetchone()
        except LockNotAvailable:
            raise Locked("address: the opt-outs are being imported; try again shortly.") from None
        if done is None:
            return False
        pending.once_more(conn, done["group_id"], "add", [{kind: done["address"]}])
        return bool(done["added"])
