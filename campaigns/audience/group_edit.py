"""Changing what a group is called and how long it is kept."""

from __future__ import annotations

from uuid import UUID

from psycopg.errors import UniqueViolation

from campaigns.audience import groups
from campaigns.audience.groups import Group
from campaigns.database import Connection
from campaigns.errors import Conflict, Locked
from campaigns.names import checked_name


def edit(
    conn: Connection,
    team_id: UUID,
    name_or_uuid: str | UUID,
    *,
    name: str | None = None,
    description: str | None = None,
    deletable: bool | None = None,
) -> Group:
    """Change what is given of a group; what is ``None`` stays.

    Raises:
        Invalid: a field breaks a rule.
        NotFound: there is no such group.
        Conflict: the name is taken.
        Locked: a campaign is sending with it, or it is the team's ``default_optouts``, of which
            only the description may change.
    """
    given = {
        "name": None if name is None else checked_name("name", name),
        "description": None if description is None else groups.checked_description(description),
        "deletable": deletable,
    }
    with conn.transaction():
        group = groups.find(conn, team_id, name_or_uuid)
        if group.is_default_optouts and (given["name"] not in (None, group.name) or deletable):
            raise Locked(f"group: {group.name!r} keeps its name and is never removed by itself.")
        groups.lock_for_writing(conn, group, adding=False)
        try:
            with conn.transaction():
                row = conn.execute(groups.SQL["update_group"], {"id": group.id, **given}).fetchone()
        except UniqueViolation:
            raise Conflict(f"name: there is a group called {given['name']!r} already.") from None
        return Group(**row or {})
