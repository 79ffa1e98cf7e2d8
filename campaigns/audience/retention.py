"""Groups that nobody uses are removed after as many days as their team keeps them.

Passona, "Create Contact Group": a deletable group goes when it is empty and was created longer ago
than that, or when it has not been used for longer. It is used whenever it is changed, and until the
last campaign that names it has ended.

Finding one is a duty of the tick, removing it a job of the group: its contacts may be many.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from campaigns import queries
from campaigns.audience.groups import Group
from campaigns.database import Connection

SQL = queries.load("campaigns.audience", "retention.sql")

#: Groups that are retired at once.
AT_ONCE = 50


def find_due(conn: Connection, now: datetime, *, amount: int = AT_ONCE) -> list[int]:
    """Store a job for each of some groups whose time is over; the ids of these jobs."""
    wanted = {"now": now, "amount": amount}
    conn.execute(SQL["note_uses"], wanted)
    return [row["id"] for row in conn.execute(SQL["retire_due"], wanted)]


def retire(conn: Connection, group: Group, *, now: datetime | None = None) -> bool:
    """Remove a group with its contacts, if its time is still over; whether it was.

    The caller has locked it and is in a transaction.
    """
    conn.execute("SET LOCAL statement_timeout = 0")
    wanted: dict[str, UUID | datetime | None] = {"id": group.id, "now": now}
    # Waits for a campaign that is being stored with the group, and keeps others from it.
    conn.execute(SQL["lock_group"], wanted)
    return conn.execute(SQL["delete_if_due"], wanted).rowcount == 1
