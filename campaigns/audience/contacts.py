"""Contacts of a group: added, removed, opted out, listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import LockNotAvailable
from psycopg.types.json import Jsonb

from campaigns import queries
from campaigns.audience import addresses, gone, groups, pending
from campaigns.audience.addresses import KINDS, AddressKind
from campaigns.audience.contact import MOST_CONTACTS, ContactList, Row, as_entry, normalised
from campaigns.audience.groups import Group
from campaigns.audience.push_keys import headers
from campaigns.database import Connection
from campaigns.errors import Invalid, Locked
from campaigns.team.teams import Team
from campaigns.validation import parse

SQL = queries.load("campaigns.audience", "contacts.sql")

#: Contacts on one page of a listing, at most.
MOST_LISTED = 1000


@dataclass(frozen=True, slots=True)
class AddResult:
    """What adding a list did. In an opt-out group each address counts as a contact.

    ``duplicates`` are contacts that stood earlier in the same list; they were left out.
    """

    added: int
    updated: int
    unchanged: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Contact:
    """A stored contact."""

    id: int
    phone: str | None = field(repr=False)
    email: str | None = field(repr=False)
    telegram: str | None = field(repr=False)
    viber: str | None = field(repr=False)
    webpush: str | None = field(repr=False)
    fields: dict[str, str] = field(repr=False)
    created_at: datetime
    updated_at: datetime


def add(
    conn: Connection, team: Team, group: str | UUID, contacts: Sequence[Mapping[str, Any]]
) -> AddResult:
    """Add contacts to a group, or update those that are there already.

    Each contact has the fields of :class:`campaigns.audience.contact.ContactIn`. An address that
    an update leaves out stays, and so does a custom field.

    Raises:
        Invalid: a contact breaks a rule; nothing of the list was stored.
        NotFound: there is no such group.
        Locked: a campaign is sending with this opt-in group.
    """
    checked = parse(ContactList, {"contacts": contacts}).contacts
    found = groups.find(conn, team.id, group)
    listed = [row for own in normalised(checked, team.default_region, found.kind) for row in own]
    with conn.transaction():
        groups.lock_for_writing(conn, found, adding=True)
        result = put(conn, found, listed)
        pending.once_more(conn, found.id, "add", [as_entry(row) for row in listed])
    return result


def put(conn: Connection, group: Group, listed: Sequence[Row]) -> AddResult:
    """Write rows into a group that the caller has locked. Of several equal ones the first wins."""
    # Reversed, it is the last one to be kept.
    unique = list(reversed({row.identity: row for row in reversed(listed)}.values()))
    stored = _upsert(conn, group.id, unique)
    if group.kind == "optin":
        gone.bring_back(conn, group.team_id, _addresses(unique))
    groups.add_headers(conn, group, _headers(unique))
    groups.touch(conn, group)
    return AddResult(
        added=stored["added"],
        updated=stored["updated"],
        unchanged=len(unique) - stored["added"] - stored["updated"],
        duplicates=len(listed) - len(unique),
    )


def remove(
    conn: Connection,
    team: Team,
    group: str | UUID,
    contacts: Sequence[str],
    kind: AddressKind | None = None,
) -> int:
    """Remove the contacts with these addresses, and say how many there were.

    Without a ``kind`` each address is taken for what it looks like: with an @ an e-mail address,
    with https:// a push endpoint, else a phone number. An address nobody has is no error.

    Raises:
        Invalid: an address is none; nothing was removed.
        NotFound: there is no such group.
        Locked: a campaign that names the group is sending.
    """
    if not isinstance(contacts, list | tuple):
        raise Invalid("contacts", None, "must be a list of addresses")
    if len(contacts) > MOST_CONTACTS:
        raise Invalid("contacts", None, f"must have at most {MOST_CONTACTS} entries")
    wanted: dict[AddressKind, list[str]] = {}
    for index, text in enumerate(contacts):
        one = _normalised(f"contacts[{index}]", text, kind, team)
        wanted.setdefault(one[0], []).append(one[1])
    found = groups.find(conn, team.id, group)
    with conn.transaction():
        groups.lock_for_writing(conn, found, adding=False)
        entries: list[Mapping[str, Any]] = [
            {one: text} for one, texts in wanted.items() for text in texts
        ]
        pending.once_more(conn, found.id, "remove", entries)
        return take(conn, found, wanted)


def take(conn: Connection, group: Group, wanted: Mapping[AddressKind, Sequence[str]]) -> int:
    """Remove the contacts with these normalised addresses from a group that the caller has locked.

    Returns:
        how many there were.
    """
    groups.touch(conn, group)
    return sum(
        conn.execute(
            SQL.by_address("remove_contacts", kind),
            {"group_id": group.id, "addresses": list(texts)},
        ).rowcount
        for kind, texts in wanted.items()
    )


def flush(conn: Connection, team: Team, group: str | UUID) -> int:
    """Remove all contacts of a group, and say how many there were.

    Raises:
        NotFound: there is no such group.
        Locked: a campaign that names the group is sending.
    """
    found = groups.find(conn, team.id, group)
    with conn.transaction():
        groups.lock_for_writing(conn, found, adding=False)
        pending.once_more(conn, found.id, "flush")
        conn.execute("SET LOCAL statement_timeout = 0")
        removed = conn.execute(SQL["flush_contacts"], {"group_id": found.id}).rowcount
        conn.execute(groups.SQL["clear_headers"], {"id": found.id})
        return removed


def opt_out(conn: Connection, team: Team, address: str, kind: AddressKind | None = None) -> bool:
    """Record that nothing may be sent to an address any more; ``False`` if it was known.

    It counts from the moment this returns, for runs that are under way too. Without a ``kind`` the
    address is taken for what it looks like, as in :func:`remove`.

    Raises:
        Invalid: it is no address.
        Locked: an import of the same address did not end in time; nothing was recorded.
    """
    one, value = _normalised("address", address, kind, team)
    with conn.transaction():
        conn.execute(groups.SQL["wait_longer"])
        try:
            done = conn.execute(
                SQL.by_address("opt_out", one), {"team_id": team.id, "value": value}
            )
        except LockNotAvailable:
            raise Locked("address: the opt-outs are being imported; try again shortly.") from None
        group = groups.find_default_optouts(conn, team.id)
        pending.once_more(conn, group.id, "add", [{one: value}])
        return done.rowcount == 1


def list_page(
    conn: Connection, team: Team, group: str | UUID, *, after: int = 0, limit: int = 100
) -> list[Contact]:
    """A page of a group's contacts, in the order in which they were added.

    ``after`` is the id of the last contact of the page before. A page with fewer than ``limit``
    contacts is the last one.

    Raises:
        Invalid: ``limit`` is out of range.
        NotFound: there is no such group.
    """
    if not 1 <= limit <= MOST_LISTED:
        raise Invalid("limit", limit, f"must be 1 to {MOST_LISTED}")
    found = groups.find(conn, team.id, group)
    page = conn.execute(
        SQL["list_contacts"], {"group_id": found.id, "after": after, "limit": limit}
    )
    return [Contact(**row) for row in page]


def _upsert(conn: Connection, group_id: UUID, rows: Sequence[Row]) -> dict[str, int]:
    columns: dict[str, Any] = {kind: [getattr(row, kind) for row in rows] for kind in KINDS}
    columns["fields"] = [Jsonb(row.fields) for row in rows]
    return conn.execute(SQL["upsert_contacts"], {"group_id": group_id, **columns}).fetchone() or {
        "added": 0,
        "updated": 0,
    }


def _addresses(rows: Sequence[Row]) -> dict[str, list[str]]:
    return {kind: [one for row in rows if (one := getattr(row, kind))] for kind in KINDS}


def _headers(rows: Sequence[Row]) -> list[str]:
    return headers(name for row in rows for name in row.fields)


def _normalised(
    field_path: str, text: object, kind: AddressKind | None, team: Team
) -> tuple[AddressKind, str]:
    if not isinstance(text, str):
        raise Invalid(field_path, None, "must be a text")
    one = kind or addresses.guess_kind(text)
    if one not in KINDS:
        raise Invalid("kind", one, f"must be one of {', '.join(KINDS)}")
    try:
        return one, addresses.normalise(one, text, team.default_region)
    except Invalid as error:
        raise Invalid(field_path, None, error.rule) from None
