"""What a segmentation query means: the specification of what the database selects. Pure.

- A value that is missing, empty or blank is no value. Blanks around one do not count.
- Texts are equal whatever their case. In phone numbers only digits count.
- ``neq`` and ``notin`` hold where there is no value; every other condition but ``isnull`` does not.
- ``lt``, ``lte``, ``gt``, ``gte`` go by number where both sides are numbers, by day where both are
  days, and otherwise by the folded text, character by character.
- ``startswith``, ``endswith`` and ``contains`` know no wildcards.
- ``ann_in_days`` N: the anniversary of the day is N days from today, whatever the years.
- Groups are read from left to right. What the operator of the first one joins it to is nothing at
  all: only its NOT counts.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from campaigns.segmentation import values
from campaigns.segmentation.query import (
    ADDRESS_FIELDS,
    MEMBERSHIP,
    ORDERING,
    PHONES,
    Group,
    Query,
    Rule,
)

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Person:
    """A contact as rules see it."""

    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    #: The contact groups in which its address stands, of whichever team.
    groups: frozenset[UUID] = frozenset()


def matches(query: Query, person: Person, today: date) -> bool:
    """Whether the query selects the contact on that day."""
    selected = False
    for index, group in enumerate(query.groups):
        holds = _group_holds(group, person, today)
        match group.operator:
            case "OR":
                selected = selected or holds
            case "OR NOT":
                selected = selected or not holds
            case "AND NOT":
                selected = (selected or index == 0) and not holds
    return selected


def _group_holds(group: Group, person: Person, today: date) -> bool:
    found = (_rule_holds(rule, person, today) for rule in group.rules)
    return all(found) if group.joined_by == "AND" else any(found)


def _rule_holds(rule: Rule, person: Person, today: date) -> bool:
    if rule.field in MEMBERSHIP:
        return person.groups.isdisjoint(rule.groups) == (rule.condition == "notin")
    found = value_of(person, rule.field)
    match rule.condition:
        case "isnull":
            return found is None
        case "isnotnull":
            return found is not None
        case "neq" | "notin":
            return found is None or values.folded(found) not in compared(rule)
    return found is not None and _value_fits(rule, found, today)


def _value_fits(rule: Rule, found: str, today: date) -> bool:
    wanted = compared(rule)
    text = values.folded(found)
    match rule.condition:
        case "startswith":
            return text.startswith(wanted[0])
        case "endswith":
            return text.endswith(wanted[0])
        case "contains":
            return wanted[0] in text
        case "ann_in_days":
            on = values.day(found)
            return on is not None and on % 10_000 in values.anniversaries(today, int(wanted[0]))
    if rule.condition not in ORDERING:
        return text in wanted
    for read in (values.number, values.day):
        left, right = read(found), read(bare(rule))
        if left is not None and right is not None:
            return _ORDER[rule.condition](left, right)
    return _ORDER[rule.condition](text, wanted[0])


def value_of(person: Person, name: str) -> str | None:
    """What a contact has in a field: the custom field, or else the address of that kind."""
    address = ADDRESS_FIELDS.get(name)
    for text in (person.fields.get(name), address and getattr(person, address)):
        if text and (found := _read(name, text)):
            return found
    return None


def compared(rule: Rule) -> list[str]:
    """The values of a rule in the form in which they are compared."""
    as_written = rule.condition in ("startswith", "endswith", "contains")
    return [
        values.folded(text if as_written and rule.field not in PHONES else _read(rule.field, text))
        for text in rule.values
    ]


def bare(rule: Rule) -> str:
    """The only value of a rule as it is read for a number or a day."""
    return _read(rule.field, rule.values[0])


def _read(name: str, text: str) -> str:
    return values.trimmed(values.digits(text) if name in PHONES else text)
