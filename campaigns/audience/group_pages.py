"""Pages of a team's groups, newest first."""

from __future__ import annotations

from uuid import UUID

from campaigns import paging
from campaigns.audience.groups import SQL, GroupSummary, as_summary
from campaigns.database import Connection


def read(
    conn: Connection, team_id: UUID, number: int, per_page: int
) -> tuple[list[GroupSummary], int]:
    """A page of the team's groups, newest first, and how many groups there are.

    Raises:
        Invalid: there is no such page, or it is too large or too deep (:mod:`campaigns.paging`).
    """
    team = {"team_id": team_id}
    total = (conn.execute(SQL["count_groups"], team).fetchone() or {})["groups"]
    part = paging.part(number, per_page, total)
    query = SQL["oldest_groups" if part.from_end else "newest_groups"]
    rows = conn.execute(query, {**team, "offset": part.offset, "limit": part.limit})
    return [as_summary(row) for row in rows], total
