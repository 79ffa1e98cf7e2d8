"""Domains: host names of a team that lead to this installation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID, uuid4

from campaigns import queries
from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid, Locked, NotFound
from campaigns.links import urls
from campaigns.names import as_name, as_uuid, checked_uuid

SQL = queries.load("campaigns.links", "domains.sql")

Purpose = Literal["links", "bounce"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

#: What PostgreSQL's bigint holds.
LARGEST_NUMBER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of a team, and what it is used for."""

    id: UUID
    #: What the Callback API calls it.
    number: int
    team_id: UUID
    name: str
    purposes: tuple[Purpose, ...]
    created_at: datetime


def create(
    conn: Connection,
    team_id: UUID,
    name: str,
    purposes: Sequence[str] = ("links",),
    *,
    now: datetime,
    uuid: str | UUID | None = None,
) -> Domain:
    """Take a domain for a team, or return the one that a repeated request took before.

    That the name leads here, by DNS and a certificate, is the operator's to see to.

    Raises:
        Invalid: a field breaks a rule.
        Conflict: the domain is taken, or the uuid belongs to another one.
    """
    row = {
        "id": uuid4() if uuid is None else checked_uuid("uuid", uuid),
        "team_id": team_id,
        "name": _checked_name(name),
        "purposes": _checked_purposes(purposes),
        "now": now,
    }
    created = conn.execute(SQL["insert_domain"], row).fetchone()
    if created is not None:
        return _domain(created)
    found = conn.execute(SQL["find_domain_anywhere"], row).fetchone()
    same = found is not None and all(
        found[part] == row[part] for part in ("team_id", "name", "purposes")
    )
    if found is None or not same or (uuid is not None and found["id"] != row["id"]):
        # Of whom it is, if not of this team, is nobody's business.
        raise Conflict(f"name: the domain {row['name']!r} cannot be taken, choose another one.")
    return _domain(found)


def find(
    conn: Connection, team_id: UUID, domain: str | int | UUID, *, purpose: Purpose | None = None
) -> Domain:
    """The team's domain of that name, uuid or number.

    Raises:
        NotFound: there is none.
        Invalid: it is not for that ``purpose``.
    """
    wanted = {
        "team_id": team_id,
        "name": None if isinstance(domain, int) else _as_name(domain),
        "id": None if isinstance(domain, int) else as_uuid(domain),
        "number": as_number(domain),
    }
    row = conn.execute(SQL["find_domain"], wanted).fetchone()
    if row is None:
        raise NotFound("domain", domain)
    found = _domain(row)
    if purpose is not None and purpose not in found.purposes:
        raise Invalid("domain", found.name, f"is not for {purpose}")
    return found


def list_all(conn: Connection, team_id: UUID) -> list[Domain]:
    """The team's domains by name."""
    return [_domain(row) for row in conn.execute(SQL["list_domains"], {"team_id": team_id})]


def delete(conn: Connection, team_id: UUID, domain: str | int | UUID) -> Domain:
    """Give a domain up, with the links on it. Links in messages that are out lead nowhere then.

    Raises:
        NotFound: there is none.
        Locked: a campaign that is not over uses it.
    """
    with conn.transaction():
        found = find(conn, team_id, domain)
        row = {"id": found.id, "team_id": team_id, "name": found.name}
        conn.execute(SQL["lock_domain"], row)
        used = conn.execute(SQL["campaign_using_domain"], row).fetchone()
        if used is not None:
            raise Locked(
                f"domain: {found.name!r} is locked, because campaign {used['name']!r} "
                f"({used['id']}), which is {used['status']}, uses it."
            )
        conn.execute(SQL["delete_links_on"], row)
        conn.execute(SQL["delete_domain"], row)
        return found


def as_number(text: object) -> int | None:
    """The number that ``text`` is or spells, if it can be one of ours; else ``None``."""
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 20:
        text = int(text)
    if isinstance(text, bool) or not isinstance(text, int):
        return None
    return text if 0 < text <= LARGEST_NUMBER else None


def _as_name(domain: str | UUID) -> str | None:
    found = as_name(domain)
    return None if found is None else found.strip().lower().removesuffix(".")


def _checked_name(name: str) -> str:
    try:
        return urls.host_name(name)
    except ValueError as error:
        raise Invalid("name", name, str(error)) from None


def _checked_purposes(purposes: Sequence[str]) -> list[str]:
    if not purposes or not set(purposes) <= set(PURPOSES):
        raise Invalid("purposes", None, f"must be one or both of {', '.join(PURPOSES)}")
    return [purpose for purpose in PURPOSES if purpose in purposes]


def _domain(row: dict[str, Any]) -> Domain:
    return Domain(**{**row, "purposes": tuple(row["purposes"])})
