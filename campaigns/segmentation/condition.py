"""A query as a condition in SQL, with nothing of what anybody wrote in its text. Pure.

The text is put together from constants in here; names of fields are looked up in a fixed table, and
values are bound. It is about a row ``c`` of ``contacts`` and is never NULL. ``{address}`` in it
stands for the address column of the channel. What it means is said by
:mod:`campaigns.segmentation.evaluator`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any
from uuid import UUID

from campaigns.segmentation import values
from campaigns.segmentation.evaluator import bare, compared
from campaigns.segmentation.query import (
    ADDRESS_FIELDS,
    CUSTOM_FIELDS,
    MEMBERSHIP,
    ORDERING,
    PHONES,
    Group,
    Query,
    Rule,
)

_COMPARISONS = MappingProxyType({"lt": "<", "lte": "<=", "gt": ">", "gte": ">="})


@dataclass(frozen=True, slots=True)
class Selection:
    """Contacts that a query selects; ``group_id``: in that contact group only."""

    query: Query
    group_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition for the statements of ``audience.sql``, and what its parameters are bound to."""

    text: str
    parameters: Mapping[str, Any] = field(repr=False)


def compiled(selections: Sequence[Selection], today: date) -> Condition:
    """The condition of contacts that any of ``selections`` selects; without any, nobody."""
    parameters = _Parameters()
    found = [_selection(each, today, parameters) for each in selections]
    return Condition(" OR ".join(found) or "false", MappingProxyType(parameters))


class _Parameters(dict[str, Any]):
    """Values under names that nothing else in a statement has."""

    def bind(self, value: object, kind: str) -> str:
        """The place of a value of that PostgreSQL type."""
        name = f"selected_{len(self)}"
        self[name] = value
        return f"%({name})s::{kind}"


def _selection(selection: Selection, today: date, parameters: _Parameters) -> str:
    text = _query(selection.query, today, parameters)
    if selection.group_id is None:
        return f"({text})"
    return f"(c.group_id = {parameters.bind(selection.group_id, 'uuid')} AND ({text}))"


def _query(query: Query, today: date, parameters: _Parameters) -> str:
    text = ""
    for group in query.groups:
        of_group = _group(group, today, parameters)
        if text:
            text = f"({text}) {group.operator} ({of_group})"
        else:
            text = of_group if group.operator == "OR" else f"NOT ({of_group})"
    return text


def _group(group: Group, today: date, parameters: _Parameters) -> str:
    return f" {group.joined_by} ".join(_rule(rule, today, parameters) for rule in group.rules)


def _rule(rule: Rule, today: date, parameters: _Parameters) -> str:
    if rule.field in MEMBERSHIP:
        member = (
            "EXISTS (SELECT FROM contacts m WHERE m.group_id = ANY("
            f"{parameters.bind(list(rule.groups), 'uuid[]')}) AND m.{{address}} = c.{{address}})"
        )
        return member if rule.condition == "in" else f"NOT {member}"
    value = _VALUES[rule.field]
    match rule.condition:
        case "isnull":
            return f"{value} IS NULL"
        case "isnotnull":
            return f"{value} IS NOT NULL"
        case "neq" | "notin":
            wanted = parameters.bind(compared(rule), "text[]")
            return f"coalesce(text_folded({value}) <> ALL ({wanted}), true)"
    return f"coalesce({_fits(rule, value, today, parameters)}, false)"


def _fits(rule: Rule, value: str, today: date, parameters: _Parameters) -> str:
    """A condition that is NULL where there is no value."""
    wanted = compared(rule)
    text = f"text_folded({value})"
    match rule.condition:
        case "startswith":
            return f"starts_with({text}, {parameters.bind(wanted[0], 'text')})"
        case "endswith":
            end = parameters.bind(wanted[0], "text")
            return f"right({text}, {parameters.bind(len(wanted[0]), 'integer')}) = {end}"
        case "contains":
            return f"strpos({text}, {parameters.bind(wanted[0], 'text')}) > 0"
        case "ann_in_days":
            days = values.anniversaries(today, int(wanted[0]))
            return f"mod(text_date({value}), 10000) = ANY ({parameters.bind(days, 'integer[]')})"
    if rule.condition not in ORDERING:
        return f"{text} = ANY ({parameters.bind(wanted, 'text[]')})"
    sign = _COMPARISONS[rule.condition]
    by_text = f'{text} COLLATE "C" {sign} {parameters.bind(wanted[0], "text")}'
    if (amount := values.number(bare(rule))) is not None:
        read, right = f"text_number({value})", parameters.bind(amount, "numeric")
    elif (day := values.day(bare(rule))) is not None:
        read, right = f"text_date({value})", parameters.bind(day, "integer")
    else:
        return by_text
    # It is NULL where the contact's side is none; reading it once more would cost as much again.
    return f"coalesce({read} {sign} {right}, {by_text})"


def _value_sql(name: str) -> str:
    """What a contact has in a field, NULL where that is blank; ``name`` is a constant of ours."""
    written = f"c.fields ->> '{name}'"
    if name in PHONES:
        written = f"translate({written}, '{values.PHONE_MARKS}', '')"
    own = rf"nullif(btrim({written}, E' \t\r\n'), '')"
    address = ADDRESS_FIELDS.get(name)
    return own if address is None else f"coalesce({own}, c.{address})"


_VALUES = MappingProxyType({name: _value_sql(name) for name in CUSTOM_FIELDS})
