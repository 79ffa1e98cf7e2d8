"""Contacts that come with a campaign: read from its request, kept in a group of their own.

The group is none of the team's groups. It belongs to its campaign, and is removed with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from campaigns import paging, queries
from campaigns.audience import addresses, contacts, gone, groups
from campaigns.audience.contact import MOST_CONTACTS
from campaigns.audience.fields import checked_value
from campaigns.database import Connection
from campaigns.errors import Invalid, InvalidEntries, NotFound
from campaigns.team.teams import Team

SQL = queries.load("campaigns.audience", "given.sql")

#: More than fit into a request.
MOST_GIVEN = 250_000
#: Faults that are told one by one.
MOST_FAULTS = 1000
#: Groups of the team that the contacts of one request are filed in.
MOST_GROUPS = 100

#: The custom fields of such a contact. A message may use each of them, whoever has it.
FIELDS = ("name", "custom1", "custom2")

Order = Literal["id", "phone", "-phone"]
#: The query of each order, and the one that is the same from the other end.
_ORDERS: Mapping[Order, tuple[str, str]] = {
    "id": ("by_id", "by_id_down"),
    "phone": ("by_phone", "by_phone_down"),
    "-phone": ("by_phone_down", "by_phone"),
}


class Given(NamedTuple):
    """A contact as a request describes it. ``group_id`` is a group of the team to file it in."""

    phone: str | None
    #: Without those that are not known.
    fields: dict[str, str]
    group_id: UUID | None = None

    def __repr__(self) -> str:
        return "Given(...)"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in a list of contacts."""

    #: By their number, each once: the first of several wins.
    contacts: dict[str, Given] = field(repr=False)
    faults: tuple[Invalid, ...]
    #: Beyond :data:`MOST_FAULTS`.
    more_faults: int

    def require_no_fault(self) -> None:
        """Raises ``InvalidEntries`` unless all contacts were valid."""
        if self.faults:
            raise InvalidEntries(self.faults, more=self.more_faults)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which contacts: patterns of LIKE, all of which must fit."""

    phones: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


EVERYBODY = Chosen()


@dataclass(frozen=True, slots=True)
class GivenContact:
    """A stored contact."""

    id: int
    phone: str = field(repr=False)
    fields: dict[str, str] = field(repr=False)


def read(given: Sequence[Given], region: str | None) -> Reading:
    """The contacts by their numbers in the stored form, and what is wrong with the others. Pure."""
    found: dict[str, Given] = {}
    faults: list[Invalid] = []
    more = 0
    for index, one in enumerate(given):
        try:
            phone = addresses.phone(one.phone or "", region)
            for name, value in one.fields.items():
                checked_value(name, value)
        except Invalid as error:
            name = "phone_number" if error.field == "phone" else "custom_fields"
            if len(faults) < MOST_FAULTS:
                faults.append(Invalid(f"contacts[{index}].{name}", None, error.rule))
            else:
                more += 1
        else:
            found.setdefault(phone, one)
    return Reading(found, tuple(faults), more)


def store(conn: Connection, team: Team, campaign_id: UUID, found: Mapping[str, Given]) -> UUID:
    """Keep the contacts for a campaign that is about to be stored, and return their group.

    Part of the transaction that stores the campaign.
    """
    group_id = uuid4()
    conn.execute(
        SQL["insert_group"],
        {
            "id": group_id,
            "team_id": team.id,
            "name": f"Contacts of {campaign_id}",
            "headers": list(FIELDS),
            "campaign_id": campaign_id,
        },
    )
    with conn.cursor() as cursor, cursor.copy(SQL["copy_contacts"]) as copy:
        for phone, one in found.items():
            copy.write_row((group_id, phone, Jsonb(one.fields)))
    gone.bring_back(conn, team.id, {"phone": list(found)})
    return group_id


def note_number(conn: Connection, campaign_id: UUID, number: int) -> None:
    """Keep how many contacts came with the campaign, for lists of many campaigns."""
    conn.execute(SQL["note_number"], {"campaign_id": campaign_id, "contacts": number})


def check_filing(conn: Connection, team: Team, given: Sequence[Given]) -> None:
    """Check the groups of the team that contacts are to be filed in.

    Raises:
        Invalid: one is not in this team or holds opt-outs, or there are too many.
    """
    named: dict[UUID, int] = {}
    for index, one in enumerate(given):
        if one.group_id is not None:
            named.setdefault(one.group_id, index)
    if len(named) > MOST_GROUPS:
        raise Invalid("contacts", None, f"must not name more than {MOST_GROUPS} contact groups")
    for group_id, index in named.items():
        where = f"contacts[{index}].contact_group_id"
        try:
            kind = groups.find(conn, team.id, group_id).kind
        except NotFound:
            raise Invalid(where, None, "is not a contact group of this team") from None
        if kind == "optout":
            raise Invalid(where, None, "is an opt-out group; contacts cannot be filed there")


def file(conn: Connection, team: Team, found: Mapping[str, Given]) -> None:
    """File the contacts in the groups of the team that they name.

    Raises:
        Locked: a campaign is sending with one of the groups.
    """
    filed: dict[UUID, list[Mapping[str, object]]] = {}
    for phone, one in found.items():
        if one.group_id is not None:
            contact = {"phone": f"+{phone}", "custom_fields": one.fields}
            filed.setdefault(one.group_id, []).append(contact)
    # In one order, whoever files: two requests must not wait for each other.
    for group_id in sorted(filed):
        for begin in range(0, len(filed[group_id]), MOST_CONTACTS):
            contacts.add(conn, team, group_id, filed[group_id][begin : begin + MOST_CONTACTS])


def remove(conn: Connection, campaign_id: UUID) -> None:
    """Remove the contacts that came with a campaign; part of deleting it."""
    conn.execute("SET LOCAL statement_timeout = 0")
    conn.execute(SQL["remove_group"], {"campaign_id": campaign_id})


def page(
    conn: Connection,
    team_id: UUID,
    campaign_id: UUID,
    chosen: Chosen = EVERYBODY,
    *,
    order: Order = "id",
    number: int = 1,
    per_page: int = 10,
) -> tuple[list[GivenContact], int]:
    """Some of the contacts that came with a campaign, and how many there are; none where the team
    has no such campaign.

    Raises:
        Invalid: there is no such page, or it is too large or too deep (:mod:`campaigns.paging`).
    """
    paging.checked(number, per_page)
    own = {"team_id": team_id, "campaign_id": campaign_id}
    said = {"phones": list(chosen.phones) or None, "names": list(chosen.names) or None}
    counting = "number_noted" if chosen == EVERYBODY else "count_contacts"
    row = conn.execute(SQL[counting], {**own, **said}).fetchone() or {}
    part = paging.part(number, per_page, row["contacts"])
    given = {**own, **said, "offset": part.offset, "limit": part.limit}
    rows = conn.execute(SQL[_ORDERS[order][part.from_end]], given)
    found = [GivenContact(**row) for row in rows]
    if part.from_end:
        found.reverse()
    return found, row["contacts"]
