"""What the columns of a CSV file mean: an address of a kind, a custom field, or nothing."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from campaigns.audience.addresses import KINDS, AddressKind
from campaigns.audience.fields import MOST_FIELDS, field_name
from campaigns.errors import Invalid
from campaigns.names import may_be_address

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

#: The target of a mapping that leaves a column out.
IGNORE = "-"

#: Header names that are recognised without a mapping, in the form of :func:`field_name`.
KNOWN_NAMES: Mapping[str, AddressKind] = {
    "phone": "phone",
    "phone_number": "phone",
    "phonenumber": "phone",
    "phone_no": "phone",
    "mobile": "phone",
    "mobile_number": "phone",
    "mobile_phone": "phone",
    "mobile_no": "phone",
    "msisdn": "phone",
    "number": "phone",
    "contact_number": "phone",
    "cell": "phone",
    "cell_phone": "phone",
    "cellphone": "phone",
    "telephone": "phone",
    "tel": "phone",
    "email": "email",
    "e_mail": "email",
    "mail": "email",
    "email_address": "email",
    "e_mail_address": "email",
    "emailaddress": "email",
    "telegram": "telegram",
    "telegram_id": "telegram",
    "telegram_chat_id": "telegram",
    "chat_id": "telegram",
    "viber": "viber",
    "viber_id": "viber",
    "webpush": "webpush",
    "web_push": "webpush",
    "webpush_endpoint": "webpush",
    "endpoint": "webpush",
}

_SHOWN_COLUMNS = 20
_SHOWN_CHARACTERS = 30

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a record what stands: position and kind, position and custom field name."""

    width: int
    addresses: tuple[tuple[int, AddressKind], ...]
    fields: tuple[tuple[int, str], ...]


def sniff_delimiter(header: str) -> str:
    """The delimiter of a file, by its header alone.

    The one that makes an address column recognisable, then the one that makes the most columns,
    then the first of :data:`DELIMITERS`.
    """

    def merit(delimiter: str) -> tuple[bool, int]:
        cells = _split(header, delimiter)
        return any(_recognised(cell) for cell in cells), len(cells)

    return max(DELIMITERS, key=merit)


def checked_delimiter(delimiter: str) -> str:
    """One of :data:`DELIMITERS`, by itself or by its name.

    Raises:
        Invalid: it is none of them.
    """
    for one, name in DELIMITER_NAMES.items():
        if delimiter in (one, name) or (one == "\t" and delimiter == "\\t"):
            return one
    raise Invalid("delimiter", delimiter, "must be one of comma, semicolon, tab, vertical bar")


def understand(header: Sequence[str], mapping: Mapping[str, str] | None, delimiter: str) -> Columns:
    """What each column of the header means.

    ``mapping`` goes from a column's name to an address kind, a custom field name or
    :data:`IGNORE`, and goes before what is recognised. A column without a name is left out.

    Raises:
        Invalid: no column is an address, two are the same thing, or a mapped one does not exist.
    """
    wanted = _mapped(header, mapping or {})
    addresses: dict[AddressKind, int] = {}
    fields: dict[str, int] = {}
    for index, name in enumerate(header):
        target = wanted.get(index, name).strip()
        if not target or target == IGNORE:
            continue
        kind = _recognised(target)
        if kind is not None:
            _claim(addresses, kind, index)
        else:
            _claim(fields, _field(target, index), index)
    if not addresses:
        raise _no_address(header, delimiter)
    if len(fields) > MOST_FIELDS:
        raise Invalid("file", None, f"has more than {MOST_FIELDS} columns of custom fields")
    return Columns(
        width=len(header),
        addresses=tuple((index, kind) for kind, index in addresses.items()),
        fields=tuple((index, name) for name, index in fields.items()),
    )


def _mapped(header: Sequence[str], mapping: Mapping[str, str]) -> dict[int, str]:
    """The targets of the mapping by the position of their columns."""
    positions = {name.strip().casefold(): index for index, name in enumerate(header)}
    found: dict[int, str] = {}
    for source, target in mapping.items():
        index = positions.get(source.strip().casefold())
        if index is None:
            raise Invalid("map", source, f"is not a column of the file; {_columns_found(header)}")
        if not target.strip():
            raise Invalid("map", source, f"needs a target; {IGNORE!r} leaves the column out")
        found[index] = target
    return found


def _claim(taken: dict[Name, int], name: Name, index: int) -> None:
    if name in taken:
        raise Invalid(
            "file",
            None,
            f"columns {taken[name] + 1} and {index + 1} both mean {name!r}; "
            f"map one of them to another name, or to {IGNORE!r}",
        )
    taken[name] = index


def _recognised(name: str) -> AddressKind | None:
    try:
        return KNOWN_NAMES.get(field_name(name))
    except Invalid:
        return None


def _field(name: str, index: int) -> str:
    try:
        return field_name(name)
    except Invalid as error:
        raise Invalid(
            "file", None, f"column {index + 1}: {error.rule}; map it to another, or to {IGNORE!r}"
        ) from None


def _no_address(header: Sequence[str], delimiter: str) -> Invalid:
    if any(may_be_address(name) for name in header):
        rule = "begins with a contact; its first line must name the columns, for example phone"
        return Invalid("file", None, rule)
    others = [
        DELIMITER_NAMES[one]
        for one in DELIMITERS
        if one != delimiter and any(_recognised(cell) for cell in _split(header[0], one))
    ]
    if len(header) == 1 and others:
        used = DELIMITER_NAMES[delimiter]
        return Invalid("file", None, f"has one column with delimiter {used}; try {others[0]}")
    return Invalid(
        "file",
        None,
        f"has no column for an address ({', '.join(KINDS)}); {_columns_found(header)}; "
        "map one of them, for example 'Handset=phone'",
    )


def _columns_found(header: Sequence[str]) -> str:
    """The names of the columns, unless they may be somebody's addresses."""
    if any(may_be_address(name) for name in header):
        return "its first line looks like a contact instead of a header"
    shown = [ascii(name.strip()[:_SHOWN_CHARACTERS]) for name in header[:_SHOWN_COLUMNS]]
    more = len(header) - len(shown)
    return f"found are {', '.join(shown)}" + (f" and {more} more" if more else "")


def _split(header: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:
        # A line end inside of the only column: nothing to be recognised in it.
        return []
