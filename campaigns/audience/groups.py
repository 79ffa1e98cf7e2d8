"""Contact groups: who a campaign goes to, and who it must not go to.

Each team has one ``default_optouts`` group. It is created with the team, excluded from every
campaign, and cannot be deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg.errors import LockNotAvailable, UniqueViolation

from campaigns import queries
from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid, Locked, NotFound
from campaigns.names import as_name, as_uuid, checked_name, checked_uuid
from campaigns.validation import storable

SQL = queries.load("campaigns.audience", "groups.sql")

GroupKind = Literal["optin", "optout"]

DEFAULT_OPTOUTS = "default_optouts"
LONGEST_DESCRIPTION = 1000

#: A campaign in one of these may still resolve its audience, so its groups must stay.
_NEEDS_GROUP = ("draft", "scheduled", "sending")


@dataclass(frozen=True, slots=True)
class Group:
    """A contact group. ``headers`` are the names of the custom fields seen in its contacts."""

    id: UUID
    team_id: UUID
    name: str
    description: str
    kind: GroupKind
    is_default_optouts: bool
    deletable: bool
    headers: list[str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """A group, how many contacts it has, and what is still to be changed in it."""

    group: Group
    number_of_contacts: int
    #: Changes that were asked for and are not worked through yet.
    scheduled_jobs_number: int = 0
    #: Names of custom fields that only those changes bring.
    coming_headers: tuple[str, ...] = ()

    @property
    def status(self) -> Literal["Empty", "Ready", "Modifying"]:
        """Passona's word for it."""
        if self.scheduled_jobs_number:
            return "Modifying"
        return "Ready" if self.number_of_contacts else "Empty"

    @property
    def headers(self) -> list[str]:
        """The names of all custom fields, those that are about to come last."""
        known = self.group.headers
        return list(dict.fromkeys([*known, *self.coming_headers]))


def create(
    conn: Connection,
    team_id: UUID,
    name: str,
    kind: str = "optin",
    description: str = "",
    deletable: bool = True,
    uuid: str | UUID | None = None,
) -> Group:
    """Create a group, or return the one that a repeated request created before.

    ``deletable`` is about retention: whether an unused group may be removed by itself. It does not
    keep anybody from deleting the group.

    Raises:
        Invalid: a field breaks a rule.
        Conflict: the name is taken, or the uuid belongs to a group with other content.
    """
    row = {
        "id": uuid4() if uuid is None else checked_uuid("uuid", uuid),
        "team_id": team_id,
        "name": checked_name("name", name),
        "description": checked_description(description),
        "kind": _checked_kind(kind),
        "is_default_optouts": False,
        "deletable": deletable,
    }
    try:
        # A savepoint, so that a refusal leaves the caller's own transaction usable.
        with conn.transaction():
            created = conn.execute(SQL["insert_group"], row).fetchone()
    except UniqueViolation:
        raise Conflict(f"name: there is a group called {row['name']!r} already.") from None
    if created is not None:
        return Group(**created)
    existing = conn.execute(SQL["find_group_anywhere"], row).fetchone()
    if existing is None or any(existing[key] != row[key] for key in row):
        raise Conflict(f"uuid: there is a group {row['id']} already, with other content.")
    return Group(**existing)


def create_default_optouts(conn: Connection, team_id: UUID) -> Group:
    """The group that every team has from its first moment; part of creating the team."""
    row = {
        "id": uuid4(),
        "team_id": team_id,
        "name": DEFAULT_OPTOUTS,
        "description": "The default contact group created on team creation.",
        "kind": "optout",
        "is_default_optouts": True,
        "deletable": False,
    }
    return Group(**conn.execute(SQL["insert_group"], row).fetchone() or {})


def find(conn: Connection, team_id: UUID, name_or_uuid: str | UUID) -> Group:
    """The team's group of that uuid or name.

    Raises:
        NotFound: there is none.
    """
    row = conn.execute(
        SQL["find_group"],
        {"team_id": team_id, "id": as_uuid(name_or_uuid), "name": as_name(name_or_uuid)},
    ).fetchone()
    if row is None:
        raise NotFound("group", name_or_uuid)
    return Group(**row)


def find_default_optouts(conn: Connection, team_id: UUID) -> Group:
    """The group of the team's opt-outs, which every team has."""
    return Group(**conn.execute(SQL["find_default_optouts"], {"team_id": team_id}).fetchone() or {})


def summary(conn: Connection, group: Group) -> GroupSummary:
    """The group as it is by now, with the number of its contacts.

    Raises:
        NotFound: it has been deleted since it was looked up.
    """
    row = conn.execute(SQL["summary"], {"id": group.id}).fetchone()
    if row is None:
        raise NotFound("group", group.name)
    return as_summary(row)


def list_all(conn: Connection, team_id: UUID) -> list[GroupSummary]:
    """The team's groups with their sizes, ``default_optouts`` first, the others by name."""
    return [as_summary(row) for row in conn.execute(SQL["list_groups"], {"team_id": team_id})]


def delete(conn: Connection, team_id: UUID, name_or_uuid: str | UUID) -> Group:
    """Delete a group with its contacts. What past campaigns record about it stays.

    Raises:
        NotFound: there is no such group.
        Locked: it is the team's ``default_optouts``, or a campaign or a segment may still need it.
        Conflict: a keyword or an opt-out link leads into it.
    """
    with conn.transaction():
        group = find(conn, team_id, name_or_uuid)
        if group.is_default_optouts:
            raise Locked(
                f"group: {group.name!r} cannot be deleted, because it holds the team's opt-outs."
            )
        conn.execute("SET LOCAL statement_timeout = 0")
        conn.execute(SQL["lock_group_for_delete"], {"id": group.id})
        refuse_while_used(conn, group, _NEEDS_GROUP)
        _refuse_while_asked_for(conn, group)
        _refuse_while_attached(conn, group)
        conn.execute(SQL["delete_group"], {"id": group.id})
        return group


def _refuse_while_attached(conn: Connection, group: Group) -> None:
    """Passona: a group with keywords attached is in a conflicted state."""
    attached = conn.execute(SQL["attached"], {"id": group.id}).fetchone() or {}
    for what in ("keyword", "link"):
        if attached.get(what) is not None:
            raise Conflict(
                f"group: {group.name!r} has the {what} {attached[what]!r} attached; "
                "delete that first."
            )


def lock_for_writing(conn: Connection, group: Group, *, adding: bool) -> None:
    """Take the group for this transaction, so that its writers take turns.

    Contacts of a group are not changed while a campaign that includes or excludes it is sending.
    Adding to an opt-out group is the exception: an opt-out counts from the moment it is known.

    Raises:
        NotFound: the group has been deleted since it was looked up.
        Locked: a campaign is sending with it.
    """
    conn.execute(SQL["wait_longer"])
    try:
        found = conn.execute(SQL["lock_group"], {"id": group.id}).fetchone()
    except LockNotAvailable:
        raise Locked(f"group: {group.name!r} is being written; try again in a minute.") from None
    if found is None:
        raise NotFound("group", group.name)
    refuse_while_sending(conn, group, adding=adding)


def refuse_while_sending(conn: Connection, group: Group, *, adding: bool) -> None:
    """The rule of :func:`lock_for_writing` without the lock, to find out early.

    Raises:
        Locked: a campaign is sending with the group.
    """
    if not (adding and group.kind == "optout"):
        refuse_while_used(conn, group, ("sending",))


def refuse_while_used(conn: Connection, group: Group, statuses: tuple[str, ...]) -> None:
    """Refuse what would pull the group from under a campaign in one of ``statuses``.

    Raises:
        Locked: there is such a campaign; the message names it.
    """
    used = conn.execute(
        SQL["campaign_using"], {"id": group.id, "statuses": list(statuses)}
    ).fetchone()
    if used is not None:
        raise Locked(
            f"group: {group.name!r} is locked, because campaign {used['name']!r} ({used['id']}), "
            f"which is {used['status']}, uses it."
        )


def _refuse_while_asked_for(conn: Connection, group: Group) -> None:
    wanted = {"id": group.id, "team_id": group.team_id, "statuses": list(_NEEDS_GROUP)}
    named = conn.execute(SQL["query_naming"], wanted).fetchone()
    if named is not None:
        raise Locked(
            f"group: {group.name!r} is locked, because the query of {named['what']} "
            f"{named['name']!r} ({named['id']}) asks for its members."
        )


def add_headers(conn: Connection, group: Group, headers: list[str]) -> None:
    """Remember custom field names that were seen in the group's contacts."""
    conn.execute(SQL["add_headers"], {"id": group.id, "headers": headers})


def as_summary(row: dict[str, Any]) -> GroupSummary:
    """A row of one of the queries that count a group's contacts."""
    counted = {
        "number_of_contacts": row.pop("contacts"),
        "scheduled_jobs_number": row.pop("jobs"),
        "coming_headers": tuple(row.pop("coming_headers")),
    }
    return GroupSummary(Group(**row), **counted)


def touch(conn: Connection, group: Group) -> None:
    """Note that the group, which the caller has locked, was changed."""
    conn.execute(SQL["touch_group"], {"id": group.id})


def _checked_kind(kind: str) -> str:
    if kind not in ("optin", "optout"):
        raise Invalid("kind", kind, "must be 'optin' or 'optout'")
    return kind


def checked_description(description: str) -> str:
    """What a group may be described as; raises ``Invalid``."""
    if len(description) > LONGEST_DESCRIPTION:
        raise Invalid(
            "description", description, f"must have at most {LONGEST_DESCRIPTION} characters"
        )
    try:
        return storable(description)
    except ValueError as error:
        raise Invalid("description", None, str(error)) from None
