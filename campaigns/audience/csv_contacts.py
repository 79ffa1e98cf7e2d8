"""From the records of a CSV file to the rows that are staged, line by line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from campaigns.audience import push_keys
from campaigns.audience.addresses import AddressKind
from campaigns.audience.contact import addressed, rows
from campaigns.audience.csv_columns import Columns
from campaigns.audience.csv_records import BadLine, Record
from campaigns.audience.fields import checked_value
from campaigns.audience.groups import GroupKind
from campaigns.errors import Invalid

#: line, identity, the five addresses in the order of KINDS, fields as JSON.
StagedRow = tuple[int, str, str | None, str | None, str | None, str | None, str | None, str]


@dataclass(slots=True)
class Reading:
    """How the records of one file are read, and how many there have been."""

    columns: Columns
    region: str | None
    kind: GroupKind
    lines: int = 0


def read_contacts(
    reading: Reading, found: Iterable[Record | BadLine], reject: Callable[[int, str], None]
) -> Iterator[StagedRow]:
    """The rows of each record that is a contact; the others go to ``reject``."""
    for record in found:
        reading.lines += 1
        if isinstance(record, BadLine):
            reject(record.line, f"the line {record.reason}")
            continue
        try:
            staged = _staged(reading, record)
        except Invalid as error:
            reject(record.line, f"{error.field} {error.rule}")
            continue
        yield from staged


def _staged(reading: Reading, record: Record) -> list[StagedRow]:
    line, cells = record
    columns = reading.columns
    if len(cells) != columns.width:
        rule = f"has {len(cells)} columns instead of {columns.width}"
        raise Invalid("the line", None, rule)
    given: dict[AddressKind, str] = {
        kind: text for index, kind in columns.addresses if (text := cells[index].strip())
    }
    found, keys = addressed(given, reading.region)
    if not found:
        raise Invalid("the line", None, "has no address")
    fields = {
        name: checked_value(name, text)
        for index, name in columns.fields
        if (text := cells[index].strip())
    }
    fields = push_keys.together(fields, keys)
    fields = push_keys.checked(fields, with_endpoint="webpush" in found)
    encoded = json.dumps(fields, ensure_ascii=False) if fields else "{}"
    return [
        (line, row.identity, row.phone, row.email, row.telegram, row.viber, row.webpush, encoded)
        for row in rows(found, fields, reading.kind)
    ]
