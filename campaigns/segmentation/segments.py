"""Segments: parts of a contact group, by a stored query. Who is in one is asked anew each time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from campaigns import queries
from campaigns.audience import groups
from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid, Locked, NotFound
from campaigns.names import as_name, as_uuid, checked_name, checked_uuid
from campaigns.segmentation import parsing, references
from campaigns.segmentation.query import Query

SQL = queries.load("campaigns.segmentation", "segments.sql")

#: A campaign in one of these may still select its recipients, so its segments must stay.
_NEEDS_SEGMENT = ("draft", "scheduled", "sending")

#: The largest number that a segment can have: a bigint of PostgreSQL.
LARGEST_NUMBER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment. Its query may hold addresses, and is left out of its ``repr``."""

    id: UUID
    #: Unique in the installation, and looked up with the team all the same.
    number: int
    team_id: UUID
    group_id: UUID
    name: str
    #: In its normal form (:meth:`campaigns.segmentation.query.Query.as_json`).
    query: dict[str, Any] = field(repr=False)
    created_at: datetime
    updated_at: datetime

    def parsed(self) -> Query:
        """The query, to be evaluated."""
        return parsing.parse(self.query)


def create(
    conn: Connection,
    team_id: UUID,
    group: str | UUID,
    name: str,
    query: object,
    *,
    now: datetime,
    uuid: str | UUID | None = None,
) -> Segment:
    """Create a segment of a group, or return the one that a repeated request created before.

    ``query`` is an object or a text (:func:`campaigns.segmentation.parsing.parse`).

    Raises:
        Invalid: a field breaks a rule, or the query asks for a group that the team does not have.
        NotFound: there is no such group.
        Conflict: the name is taken, or the uuid belongs to a segment with other content.
    """
    with conn.transaction():
        row: dict[str, Any] = {
            "id": uuid4() if uuid is None else checked_uuid("uuid", uuid),
            "team_id": team_id,
            "group_id": groups.find(conn, team_id, group).id,
            "name": _checked_name(name),
            "query": _checked_query(conn, team_id, query),
        }
        try:
            with conn.transaction():
                stored = {**row, "query": Jsonb(row["query"]), "now": now}
                created = conn.execute(SQL["insert_segment"], stored).fetchone()
        except UniqueViolation:
            raise _name_taken(row["name"]) from None
        if created is not None:
            return Segment(**created)
        existing = conn.execute(SQL["find_segment_anywhere"], row).fetchone()
        if existing is None or existing["team_id"] != team_id:
            raise Conflict(f"uuid: {row['id']} cannot be used, choose another one.")
        if any(existing[key] != row[key] for key in row):
            raise Conflict(f"uuid: there is a segment {row['id']} already, with other content.")
        return Segment(**existing)


def find(conn: Connection, team_id: UUID, named: str | int | UUID) -> Segment:
    """The team's segment of that uuid, number or name.

    Raises:
        NotFound: there is none.
    """
    text = str(named)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
    row = conn.execute(
        SQL["find_segment"],
        {
            "team_id": team_id,
            "id": as_uuid(text),
            "number": number if number is not None and number <= LARGEST_NUMBER else None,
            "name": as_name(text),
        },
    ).fetchone()
    if row is None:
        raise NotFound("segment", named)
    return Segment(**row)


def list_all(conn: Connection, team_id: UUID, group_id: UUID | None = None) -> list[Segment]:
    """The team's segments by name, or those of one group."""
    rows = conn.execute(SQL["list_segments"], {"team_id": team_id, "group_id": group_id})
    return [Segment(**row) for row in rows]


def edit(
    conn: Connection,
    team_id: UUID,
    named: str | int | UUID,
    *,
    now: datetime,
    name: str | None = None,
    query: object = None,
) -> Segment:
    """Change the name or the query of a segment; what is ``None`` stays.

    Runs that begin afterwards go by the new query.

    Raises:
        Invalid: a field breaks a rule.
        NotFound: there is no such segment.
        Conflict: the name is taken.
    """
    with conn.transaction():
        segment = find(conn, team_id, named)
        conn.execute(SQL["lock_segment"], {"id": segment.id})
        segment = find(conn, team_id, segment.id)
        wanted = segment.query if query is None else _checked_query(conn, team_id, query)
        changed: dict[str, Any] = {
            "id": segment.id,
            "name": segment.name if name is None else _checked_name(name),
            "query": Jsonb(wanted),
            "now": now,
        }
        try:
            with conn.transaction():
                row = conn.execute(SQL["update_segment"], changed).fetchone()
        except UniqueViolation:
            raise _name_taken(changed["name"]) from None
        return Segment(**row or {})


def delete(conn: Connection, team_id: UUID, named: str | int | UUID) -> Segment:
    """Delete a segment; its contacts stay. Past campaigns go on naming it.

    Raises:
        NotFound: there is no such segment.
        Locked: a campaign may still need it; the message names it.
    """
    with conn.transaction():
        segment = find(conn, team_id, named)
        conn.execute(SQL["lock_segment"], {"id": segment.id})
        wanted = {"id": segment.id, "statuses": list(_NEEDS_SEGMENT)}
        used = conn.execute(SQL["campaign_using_segment"], wanted).fetchone()
        if used is not None:
            raise Locked(
                f"segment: {segment.name!r} is locked, because campaign {used['name']!r} "
                f"({used['id']}), which is {used['status']}, uses it."
            )
        conn.execute(SQL["delete_segment"], {"id": segment.id})
        return segment


def _checked_query(conn: Connection, team_id: UUID, query: object) -> dict[str, Any]:
    found = parsing.parse(query)
    references.check_groups(conn, team_id, found)
    return found.as_json()


def _checked_name(name: str) -> str:
    found = checked_name("name", name)
    if found.isdigit():
        raise Invalid("name", name, "must not be a number")
    return found


def _name_taken(name: str) -> Conflict:
    return Conflict(f"name: there is a segment called {name!r} already.")
