"""Teams: the tenants. Everything a person names belongs to exactly one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from campaigns import queries
from campaigns.audience import groups
from campaigns.database import Connection
from campaigns.errors import Conflict, NotFound
from campaigns.names import as_name, as_uuid, checked_name
from campaigns.team.model import parse_edit
from campaigns.team.region import checked_region

SQL = queries.load("campaigns.team", "teams.sql")

_CALENDAR = frozenset({"timezone", "sending_hours", "quiet_hours", "holidays"})


@dataclass(frozen=True, slots=True)
class Team:
    """A tenant, with the rules that hold for all of its campaigns."""

    id: UUID
    name: str
    #: ISO 3166 code of the phone numbers that come without a prefix.
    default_region: str | None
    #: IANA name of the zone in which the hours and holidays below are read.
    timezone: str
    #: When its campaigns may send, and when not (:mod:`campaigns.schedule.calendars`); ``None``:
    #: at any time.
    sending_hours: Sequence[Mapping[str, Any]] | None
    quiet_hours: Sequence[Mapping[str, Any]] | None
    #: Whole days without sending.
    holidays: Sequence[date]
    #: Ceiling over all accounts, such as ``"100/s"``; ``None``: no ceiling.
    rate: str | None
    #: Messages that one recipient may get from all campaigns in any 24 hours, and in any 7 times
    #: 24 hours. ``None``: any number; 0: none.
    frequency_cap_day: int | None
    frequency_cap_week: int | None
    #: How long groups that nobody uses are kept; ``None``: for ever (campaigns.audience.retention).
    retention_days: int | None
    created_at: datetime
    #: Moves with every edit.
    updated_at: datetime

    @property
    def has_caps(self) -> bool:
        """Whether what a recipient gets has to be counted."""
        return self.frequency_cap_day is not None or self.frequency_cap_week is not None


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


def edit(conn: Connection, team_id: UUID, body: Mapping[str, Any]) -> Team:
    """Change the settings that ``body`` names; the others stay (:class:`TeamEdit`).

    They count for runs that are under way, too. Once this returns, nothing is granted in hours that
    are closed by now; a new rate holds from the next tick on, a cap from the next claim.

    Raises:
        Invalid: a field breaks a rule; nothing is changed.
        NotFound: there is no such team.
    """
    given = parse_edit(body)
    with conn.transaction():
        if not given.keys().isdisjoint(_CALENDAR):
            # A tick that had read the team before would open the gates by the hours from before.
            conn.execute(SQL["hold_tick"])
        stored = conn.execute(SQL["lock_team"], {"id": team_id}).fetchone()
        if stored is None:
            raise NotFound("team", team_id, where="here")
        settings = {**stored, **given}
        for name in ("sending_hours", "quiet_hours"):
            settings[name] = None if settings[name] is None else Jsonb(settings[name])
        team = Team(**conn.execute(SQL["update_team"], settings).fetchone() or {})
        if team.has_caps:
            conn.execute(SQL["cap_batches"], {"id": team_id})
        if not given.keys().isdisjoint(_CALENDAR):
            conn.execute(SQL["close_gates"], {"id": team_id})
        return team
