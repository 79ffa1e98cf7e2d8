"""Changes of groups that are asked for now and worked through afterwards.

Each function checks what can be told at once, stores a job and returns; :mod:`.jobs` does the rest.
What is no contact by its form is refused here, so that a job can only leave out numbers that no
numbering plan knows, which it counts and names by their place.

An addition to an opt-out group is made at once, because an opt-out counts from the moment at which
it is known. Where other changes of the group still wait it is made once more in its turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool

from campaigns.audience import addresses, groups, jobs, pending, push_keys
from campaigns.audience.addresses import KINDS, AddressKind
from campaigns.audience.contact import ContactIn
from campaigns.audience.fields import checked_fields
from campaigns.audience.groups import Group, GroupSummary
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.team.teams import Team
from campaigns.validation import REQUEST, LongList, Text, parse

#: Contacts in one request.
MOST_CONTACTS = 50_000


class AddRequest(BaseModel):
    """Contacts to add to a group, or to update there."""

    model_config = REQUEST

    contacts: Annotated[LongList[ContactIn], Field(min_length=1, max_length=MOST_CONTACTS)] = Field(
        repr=False
    )


class RemoveRequest(BaseModel):
    """Phone numbers to remove from a group."""

    model_config = REQUEST

    phone_numbers: Annotated[LongList[Text], Field(min_length=1, max_length=MOST_CONTACTS)] = Field(
        repr=False
    )


class BulkRequest(BaseModel):
    """A new group together with its contacts, of which there is nothing but a phone number."""

    model_config = REQUEST

    name: Text
    description: Text | None = None
    contacts: Annotated[LongList[Text], Field(min_length=1, max_length=MOST_CONTACTS)] = Field(
        repr=False
    )
    deletable: StrictBool = True
    kind: Text = "optin"
    uuid: Text | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was asked for: the group as it is now, and the job that is to be published.

    ``job`` is ``None`` where the change is made already.
    """

    summary: GroupSummary
    job: int | None


def add(conn: Connection, team: Team, group: str | UUID, body: object) -> Change:
    """Have contacts added to a group; ``body`` is an :class:`AddRequest`.

    Raises:
        Invalid: a contact is none by its form; nothing is stored.
        NotFound: there is no such group.
        Locked: a campaign is sending with this opt-in group.
    """
    entries = list(_entries(parse(AddRequest, body).contacts))
    return _add(conn, team, groups.find(conn, team.id, group), entries)


def remove(conn: Connection, team: Team, group: str | UUID, body: object) -> Change:
    """Have contacts removed from a group; ``body`` is a :class:`RemoveRequest`.

    A number that nobody has is no error.

    Raises:
        Invalid: an entry has not the form of a number; nothing is stored.
        NotFound: there is no such group.
        Locked: a campaign is sending with the group.
    """
    numbers = parse(RemoveRequest, body).phone_numbers
    entries = [{"phone": text} for text in _written("phone_numbers[{}]", numbers)]
    return _store(conn, groups.find(conn, team.id, group), "remove", entries)


def flush(conn: Connection, team: Team, group: str | UUID) -> Change:
    """Have all contacts removed from a group; raises like :func:`remove`."""
    return _store(conn, groups.find(conn, team.id, group), "flush")


def create_with_contacts(conn: Connection, team: Team, body: object) -> Change:
    """Create a group and have contacts added to it; ``body`` is a :class:`BulkRequest`.

    Raises:
        Invalid: a field breaks a rule; no group is created.
        Conflict: the name is taken, or the uuid is used for something else.
    """
    asked = parse(BulkRequest, body)
    entries = [{"phone": text} for text in _written("contacts[{}]", asked.contacts)]
    with conn.transaction():
        group = groups.create(
            conn,
            team.id,
            asked.name,
            asked.kind,
            asked.description or "",
            asked.deletable,
            uuid=asked.uuid,
        )
        return _add(conn, team, group, entries)


def _add(
    conn: Connection, team: Team, group: Group, entries: Sequence[Mapping[str, Any]]
) -> Change:
    if group.kind == "optin":
        return _store(conn, group, "add", entries)
    with conn.transaction():
        groups.lock_for_writing(conn, group, adding=True)
        outcome = jobs.add_entries(conn, group, team.default_region, entries)
        job = None
        if pending.any_in(conn, group.id):
            job = pending.store(conn, group.id, "add", entries)
        else:
            jobs.store_done(conn, group, outcome)
        return Change(groups.summary(conn, group), job)


def _store(
    conn: Connection,
    group: Group,
    kind: pending.JobKind,
    entries: Sequence[Mapping[str, Any]] = (),
) -> Change:
    with conn.transaction():
        groups.refuse_while_sending(conn, group, adding=False)
        names = push_keys.headers(name for entry in entries for name in entry.get("fields", ()))
        job = pending.store(conn, group.id, kind, entries, names)
        return Change(groups.summary(conn, group), job)


def _entries(contacts: Sequence[ContactIn]) -> Iterator[dict[str, Any]]:
    """What a job keeps of each contact: everything in its stored form but the phone number."""
    for index, contact in enumerate(contacts):
        written = contact.given()
        number = "phone_number" if "phone_number" in written else "phone"
        try:
            found: dict[str, Any] = {}
            keys: dict[str, str] = {}
            for name, text in written.items():
                kind: AddressKind = "phone" if name == number else _kind(name)
                if kind == "webpush":
                    text, keys = push_keys.read(text)
                found[kind] = addresses.check_form(kind, text)
            fields = push_keys.together(checked_fields(contact.custom_fields), keys)
            fields = push_keys.checked(fields, with_endpoint="webpush" in found)
        except Invalid as error:
            field = number if error.field == "phone" else error.field
            raise Invalid(f"contacts[{index}].{field}", None, error.rule) from None
        yield {**found, "fields": fields} if fields else found


def _kind(name: str) -> AddressKind:
    return next(kind for kind in KINDS if kind == name)


def _written(where: str, numbers: Iterable[str]) -> Iterator[str]:
    for index, text in enumerate(numbers):
        try:
            yield addresses.check_form("phone", text)
        except Invalid as error:
            raise Invalid(where.format(index), None, error.rule) from None
