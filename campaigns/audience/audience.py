"""The audience of a campaign: who gets it, each address once.

    union of the included groups - union of the excluded groups - the team's default_optouts

Addresses are compared in their stored, normalised form, in the column of the campaign's channel
(:data:`campaigns.channels.ADDRESS_COLUMN`). A contact without an address for the channel is not
part of it. With a segmentation (``selected``) only the contacts that it selects are: an address of
which any included group has a contact that is selected, with the fields of the first such contact.

What looks ahead (:func:`count`, :func:`count_by_zone`, :func:`sample`) leaves out the addresses
that providers called dead as well. A run has a row for each of them, so that its report says why
they got nothing (:mod:`campaigns.audience.gone`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from campaigns import queries
from campaigns.channels import ADDRESS_COLUMN
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.schedule.calendars import known_zones
from campaigns.segmentation.condition import Condition

SQL = queries.load("campaigns.audience", "audience.sql")

INCLUDED = "included_contact_groups"
EXCLUDED = "excluded_contact_groups"


@dataclass(frozen=True, slots=True)
class ZoneShare:
    """The recipients of a run who live in one time zone: a contiguous stretch of its rows."""

    zone: str
    recipients: int
    #: Those of them who name no zone that exists; they were given this one.
    fallbacks: int


def check_groups(
    conn: Connection,
    team_id: UUID,
    included: Sequence[UUID],
    excluded: Sequence[UUID],
    *,
    campaign_id: UUID | None = None,
) -> None:
    """Check the groups of the campaign ``campaign_id`` that is about to be stored.

    Inside a transaction it also keeps them from being deleted until that ends. A group may stand
    in both lists; being excluded wins.

    Raises:
        Invalid: nothing is included, a group does not exist in this team or is listed twice, or
            an opt-out group is included.
    """
    if not included:
        raise Invalid(INCLUDED, None, "must name at least one contact group")
    for field, ids in ((INCLUDED, included), (EXCLUDED, excluded)):
        given = {"team_id": team_id, "ids": list(ids), "campaign_id": campaign_id}
        found = conn.execute(SQL["find_groups"], given)
        _check_list(field, ids, {row["id"]: row["kind"] for row in found})


def count(
    conn: Connection,
    team_id: UUID,
    channel: str,
    included: Sequence[UUID],
    excluded: Sequence[UUID],
    *,
    selected: Condition | None = None,
) -> int:
    """How many people a message over ``channel`` would be sent to right now."""
    with conn.transaction():
        groups = _groups(conn, team_id, included, excluded)
        given = {"channel": channel, **groups}
        query = _query("count_audience", ADDRESS_COLUMN[channel], selected, given)
        row = conn.execute(*query).fetchone()
        return int((row or {})["recipients"])


def materialise(
    conn: Connection,
    run_id: int,
    column: str,
    team_id: UUID,
    included: Sequence[UUID],
    excluded: Sequence[UUID],
    *,
    selected: Condition | None = None,
) -> int:
    """Write the run's recipients into ``deliveries`` and return how many there are.

    ``seq`` runs from 0 without gaps: by the precedence of the included groups, then in the order
    in which the contacts were added. Custom fields come from the first included group that has
    the address.
    """
    with conn.transaction():
        groups = _groups(conn, team_id, included, excluded)
        given = {"run_id": run_id, **groups}
        written = conn.execute(*_query("materialise_audience", column, selected, given))
        return written.rowcount


def materialise_by_zone(
    conn: Connection,
    run_id: int,
    column: str,
    team_id: UUID,
    included: Sequence[UUID],
    excluded: Sequence[UUID],
    *,
    fallback: str,
    selected: Condition | None = None,
) -> list[ZoneShare]:
    """Like :func:`materialise`, but ``seq`` goes by the recipients' time zones first.

    The zone is the contact's custom field ``timezone``, in upper or lower case, ``fallback`` where
    it is missing or names none. Zones come in the order of their stretches; an empty audience has
    none.
    """
    with conn.transaction():
        groups = _groups(conn, team_id, included, excluded)
        given = {"run_id": run_id, **_zones(fallback), **groups}
        written = conn.execute(*_query("materialise_by_zone", column, selected, given))
        return [ZoneShare(**row) for row in written]


def count_by_zone(
    conn: Connection,
    team_id: UUID,
    channel: str,
    included: Sequence[UUID],
    excluded: Sequence[UUID],
    *,
    fallback: str,
    selected: Condition | None = None,
) -> list[ZoneShare]:
    """Those of :func:`count` by time zone, as :func:`materialise_by_zone` would part them."""
    with conn.transaction():
        groups = _groups(conn, team_id, included, excluded)
        given = {"channel": channel, **_zones(fallback), **groups}
        query = _query("count_by_zone", ADDRESS_COLUMN[channel], selected, given)
        found = conn.execute(*query)
        return [ZoneShare(**row) for row in found]


def sample(
    conn: Connection,
    team_id: UUID,
    channel: str,
    included: Sequence[UUID],
    excluded: Sequence[UUID],
    *,
    most: int,
    selected: Condition | None = None,
) -> list[dict[str, str]]:
    """The custom fields of at most so many of :func:`count`; the same people each time."""
    with conn.transaction():
        groups = _groups(conn, team_id, included, excluded)
        given = {"channel": channel, "most": most, **groups}
        query = _query("sample_audience", ADDRESS_COLUMN[channel], selected, given)
        found = conn.execute(*query)
        return [row["fields"] for row in found]


def unique(
    conn: Connection,
    team_id: UUID,
    column: str,
    included: Sequence[UUID],
    excluded: Sequence[UUID],
    *,
    offset: int,
    limit: int,
) -> list[dict[str, Any]]:
    """Recipients by ``address``, with ``created_at`` and the ``total`` of all of them.

    There is always a row; behind the last recipient it has no address.
    """
    with conn.transaction():
        groups = _groups(conn, team_id, included, excluded)
        page = {**groups, "offset": offset, "limit": limit}
        return conn.execute(SQL.by_address("unique_contacts", column), page).fetchall()


def known_groups(conn: Connection, team_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the ids that are groups of the team."""
    wanted = {"team_id": team_id, "ids": list(ids), "campaign_id": None}
    return {row["id"] for row in conn.execute(SQL["find_groups"], wanted)}


def suppression_groups(conn: Connection, team_id: UUID, excluded: Sequence[UUID]) -> list[UUID]:
    """The opt-out groups a run looks at again with every claim: the default one comes first."""
    found = conn.execute(
        SQL["suppression_groups"], {"team_id": team_id, "excluded": list(excluded)}
    )
    return [row["id"] for row in found]


def fields_known(conn: Connection, team_id: UUID, group_ids: Sequence[UUID]) -> set[str]:
    """The custom field names seen in any of these groups."""
    found = conn.execute(SQL["headers"], {"team_id": team_id, "ids": list(group_ids)})
    return {row["name"] for row in found}


def has_contacts(conn: Connection, team_id: UUID, group_ids: Sequence[UUID]) -> bool:
    """Whether any of these groups has a contact at all."""
    row = conn.execute(SQL["has_contacts"], {"team_id": team_id, "ids": list(group_ids)}).fetchone()
    return bool((row or {})["found"])


def _check_list(field: str, ids: Sequence[UUID], kinds: Mapping[UUID, str]) -> None:
    for index, group_id in enumerate(ids):
        where = f"{field}[{index}]"
        if group_id not in kinds:
            raise Invalid(where, group_id, "is not a contact group of this team")
        if group_id in ids[:index]:
            raise Invalid(where, group_id, f"is listed already, as {field}[{ids.index(group_id)}]")
        if field == INCLUDED and kinds[group_id] == "optout":
            raise Invalid(where, group_id, "is an opt-out group; it can only be excluded")


def _groups(
    conn: Connection, team_id: UUID, included: Sequence[UUID], excluded: Sequence[UUID]
) -> dict[str, Any]:
    """The groups that count, and a planner set up for them until the transaction ends."""
    given = {"team_id": team_id, "included": list(included), "excluded": list(excluded)}
    groups = conn.execute(SQL["team_groups"], given).fetchone() or {}
    conn.execute(SQL["plan_for_millions"])
    return {"team_id": team_id, **groups}


def _query(
    name: str, column: str, selected: Condition | None, given: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """A statement with its parameters; without a segmentation nothing in it is about one."""
    if selected is None:
        return SQL.by_address(name, column), dict(given)
    return SQL.by_address(name, column, selected.text), {**given, **selected.parameters}


def _zones(fallback: str) -> dict[str, Any]:
    """The zones that exist, as contacts may write them and as they are called."""
    zones = sorted(known_zones())
    spellings = [zone.lower() for zone in zones]
    return {"fallback": fallback, "spellings": spellings, "zones": zones}
