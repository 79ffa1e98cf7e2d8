"""Pages of a group's contacts, by number or from a position; those added first come first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from campaigns import paging
from campaigns.audience import groups
from campaigns.audience.contacts import SQL, Contact
from campaigns.database import Connection
from campaigns.errors import Invalid


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Some contacts of a group, and how many it has."""

    contacts: tuple[Contact, ...]
    total: int


def read(
    conn: Connection,
    team_id: UUID,
    group: str | UUID,
    *,
    page: int,
    per_page: int,
    after: int | None = None,
    before: int | None = None,
) -> ContactPage:
    """The page with this number; or the contacts next ``after``, or ``before``, one with this id.

    From a position a page costs the same wherever it lies.

    Raises:
        Invalid: there is no such page, it is too large, or too deep to be counted to.
        NotFound: there is no such group.
    """
    found = groups.summary(conn, groups.find(conn, team_id, group))
    total = found.number_of_contacts
    paging.checked(page, per_page)
    where: dict[str, Any] = {"group_id": found.group.id, "limit": per_page}
    if after is not None and before is not None:
        raise Invalid("before", before, "must not be given together with after")
    if after is not None:
        return _page(conn, "list_contacts", {**where, "after": _position("after", after)}, total)
    if before is not None:
        return _page(
            conn, "contacts_before", {**where, "before": _position("before", before)}, total
        )
    part = paging.part(page, per_page, total)
    query = "newest_first" if part.from_end else "newest_last"
    return _page(conn, query, {**where, "offset": part.offset, "limit": part.limit}, total)


def _page(conn: Connection, query: str, where: Mapping[str, Any], total: int) -> ContactPage:
    return ContactPage(tuple(Contact(**row) for row in conn.execute(SQL[query], where)), total)


def _position(field: str, value: int) -> int:
    if not 0 <= value < 2**63:
        raise Invalid(field, value, "must be the position that a link names")
    return value
