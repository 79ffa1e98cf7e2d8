"""One contact: what a request says about it, and the row that it becomes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, Field, Strict, model_validator

from campaigns.audience import addresses, push_keys
from campaigns.audience.addresses import KINDS, AddressKind
from campaigns.audience.fields import checked_fields
from campaigns.audience.groups import GroupKind
from campaigns.errors import Invalid
from campaigns.validation import REQUEST, LongList, Text

#: Contacts in one request; longer lists are what the CSV import is for.
MOST_CONTACTS = 10_000


def _chat_id(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _subscription(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict) else value


class ContactIn(BaseModel):
    """A contact as a request describes it: at least one address, and custom fields.

    ``phone_number`` and ``phone`` are two names of the same field. ``webpush`` is an endpoint, or
    a browser's whole subscription (:mod:`campaigns.audience.push_keys`).
    """

    model_config = REQUEST

    phone_number: Text | None = Field(default=None, repr=False)
    phone: Text | None = Field(default=None, repr=False)
    email: Text | None = Field(default=None, repr=False)
    telegram: Annotated[Text | None, BeforeValidator(_chat_id)] = Field(default=None, repr=False)
    viber: Text | None = Field(default=None, repr=False)
    webpush: Annotated[Text | None, BeforeValidator(_subscription)] = Field(
        default=None, repr=False
    )
    custom_fields: dict[Annotated[str, Strict()], Text] = Field(default_factory=dict, repr=False)

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if self.phone is not None and self.phone_number is not None:
            raise ValueError("has both phone and phone_number; give one of them")
        if not self.given():
            raise ValueError(f"has no address; give at least one of {', '.join(KINDS)}")
        return self

    def given(self) -> dict[str, str]:
        """The addresses that were given, as they were written, by the name they were given under.

        A blank text is no address.
        """
        names = ("phone_number", *KINDS)
        return {name: text for name in names if (text := getattr(self, name)) and text.strip()}


class ContactList(BaseModel):
    """The body of a request that adds contacts."""

    model_config = REQUEST

    contacts: LongList[ContactIn] = Field(max_length=MOST_CONTACTS, repr=False)


class Row(NamedTuple):
    """A contact as the table holds it. ``identity`` is what the table's own column will say."""

    identity: str
    phone: str | None
    email: str | None
    telegram: str | None
    viber: str | None
    webpush: str | None
    fields: dict[str, str]

    def __repr__(self) -> str:
        return "Row(...)"


def row(found: Mapping[AddressKind, str], fields: dict[str, str]) -> Row:
    """The row of a contact with these normalised addresses; there is at least one."""
    kind = next(kind for kind in KINDS if kind in found)
    return Row(
        identity=f"{kind}:{found[kind]}",
        phone=found.get("phone"),
        email=found.get("email"),
        telegram=found.get("telegram"),
        viber=found.get("viber"),
        webpush=found.get("webpush"),
        fields=fields,
    )


def rows(found: Mapping[AddressKind, str], fields: dict[str, str], kind: GroupKind) -> list[Row]:
    """The rows of a contact in a group of this kind.

    In an opt-out group every address stands alone: were two of them one contact, a later update
    of its e-mail would take back the opt-out of the former one.
    """
    if kind == "optin":
        return [row(found, fields)]
    return [row({one: found[one]}, fields) for one in KINDS if one in found]


def normalised(
    contacts: Sequence[ContactIn], region: str | None, kind: GroupKind
) -> Iterator[list[Row]]:
    """The rows of each contact.

    Raises:
        Invalid: an address or custom field breaks a rule; the field names its index.
    """
    for index, contact in enumerate(contacts):
        try:
            given = {_kind_of(name): text for name, text in contact.given().items()}
            found, keys = addressed(given, region)
            fields = push_keys.together(checked_fields(contact.custom_fields), keys)
            fields = push_keys.checked(fields, with_endpoint="webpush" in found)
        except Invalid as error:
            field = "phone_number" if _wrote_number(contact, error.field) else error.field
            raise Invalid(f"contacts[{index}].{field}", None, error.rule) from None
        yield rows(found, fields, kind)


def as_entry(row: Row) -> dict[str, Any]:
    """What a job keeps of a contact: the addresses that it has, by kind, and its fields."""
    found: dict[str, Any] = {kind: one for kind in KINDS if (one := getattr(row, kind))}
    return {**found, "fields": row.fields} if row.fields else found


def addressed(
    written: Mapping[AddressKind, str], region: str | None
) -> tuple[dict[AddressKind, str], dict[str, str]]:
    """The addresses in their stored form, and the fields that came along with a subscription.

    Raises:
        Invalid: one of them is none.
    """
    given = dict(written)
    keys: dict[str, str] = {}
    if "webpush" in given:
        given["webpush"], keys = push_keys.read(given["webpush"])
    return {kind: addresses.normalise(kind, text, region) for kind, text in given.items()}, keys


def _kind_of(name: str) -> AddressKind:
    return "phone" if name == "phone_number" else next(kind for kind in KINDS if kind == name)


def _wrote_number(contact: ContactIn, field: str) -> bool:
    return field == "phone" and contact.phone_number is not None
