"""Teams: the tenants. Everything a person names belongs to exactly one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import phonenumbers
from psycopg.errors import UniqueViolation

from campaigns import queries
from campaigns.audience import groups
from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid, NotFound
from campaigns.names import as_name, as_uuid, checked_name

SQL = queries.load("campaigns.team", "teams.sql")


@dataclass(frozen=True, slots=True)
class Team:
    """A tenant. ``default_region`` is the ISO 3166 code of its national phone numbers."""

    id: UUID
    name: str
    default_region: str | None
    created_at: datetime


def create(conn: Connection, name: str, default_region: str | None = None) -> Team:
    """Create a team together with its ``default_optouts`` group.

    Raises:
        Invalid: the name is empty or too long, or no phone numbers exist for the region.
        Conflict: there is a team of that name.
    """
    row = {
        "id": uuid4(),
        "name": checked_name("name", name),
        "default_region": checked_region(default_region),
    }
    try:
        with conn.transaction():
            team = Team(**conn.execute(SQL["insert_team"], row).fetchone() or {})
            groups.create_default_optouts(conn, team.id)
            return team
    except UniqueViolation:
        raise Conflict(f"name: there is a team called {row['name']!r} already.") from None


def find(conn: Connection, name_or_uuid: str | UUID) -> Team:
    """The team of that uuid or name.

    Raises:
        NotFound: there is none.
    """
    row = conn.execute(
        SQL["find_team"], {"id": as_uuid(name_or_uuid), "name": as_name(name_or_uuid)}
    ).fetchone()
    if row is None:
        raise NotFound("team", name_or_uuid, where="here")
    return Team(**row)


def list_all(conn: Connection) -> list[Team]:
    """All teams by name."""
    return [Team(**row) for row in conn.execute(SQL["list_teams"])]


def checked_region(region: str | None) -> str | None:
    """The region in upper case.

    Raises:
        Invalid: libphonenumber knows no numbering plan for it.
    """
    if region is None:
        return None
    code = region.strip().upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise Invalid("default_region", region, "is not an ISO 3166 code such as GB")
    return code
