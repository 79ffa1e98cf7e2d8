"""Queries and contacts, made by hand and made up, for tests of segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from campaigns.segmentation import parsing
from campaigns.segmentation.evaluator import Person
from campaigns.segmentation.query import (
    CONDITIONS,
    CUSTOM_FIELDS,
    GROUP_OPERATORS,
    MEMBERSHIP,
    OF_A_LIST,
    RULE_OPERATORS,
    WITHOUT_VALUE,
    Query,
)


def rule(name: str, condition: str, value: Any = "", operator: str = "AND") -> dict[str, Any]:
    return {"field": name, "condition": condition, "value": value, "operator": operator}


def body(*groups: tuple[str, Sequence[dict[str, Any]]]) -> dict[str, Any]:
    """A query of groups, each its operator and its rules."""
    return {"segmentation": [{"operator": op, "rules": list(rules)} for op, rules in groups]}


def one(name: str, condition: str, value: Any = "") -> dict[str, Any]:
    """A query of one rule."""
    return body(("OR", [rule(name, condition, value)]))


def query(*groups: tuple[str, Sequence[dict[str, Any]]]) -> Query:
    return parsing.parse(body(*groups))


#: Few fields, so that rules and contacts meet: plain ones, phones, addresses.
NAMES = ("first_name", "birthday", "zip", "mobile", "email", "b_phone")

#: Few characters, so that texts meet: case, wildcards, quotes, blanks, marks of phone numbers, and
#: characters whose lower case is another one than it seems.
_CHARACTERS = "aAbß%_\\'\"+-(). 01\tİıσςΣé,/{}"

#: What people, other programs and attackers write into fields.
ODD = [
    "1990-02-28", "1990-02-29", "2024-02-29", "29.2.2024", "29.02.1992", "28.2.1990",
    "2023-02-30", "0000-01-01", "2000-13-01", "1990-05-17T10:00:00Z", "1990-05-17 99:99",
    "17.5.1990", "31.4.1990", "9999-12-31", "17/05/1990", "1900-02-29",
    "1", "01", "1.0", "-1", "+1", "1e400", "1,5", ".5", "5.", "9" * 40, "9" * 41, "9" * 300,
    "NaN", "Infinity", "-0", "0", "0x10", "1_000", "٣",
    "ÉCOLE", "école", "İ", "i", "ΣΣ", "σς", "ß", "SS", "ss",
    "JOHN", "john", "Johnny", "%", "_", "a%", "'; DROP TABLE contacts; --",
    "%(run_id)s", "{address}",
    "+44 7785 856985", "447785856985", "(0)44-7785", "Ann@Example.com", "ann@example.com",
]  # fmt: skip

_odd = st.sampled_from(ODD)
texts = st.text(_CHARACTERS, max_size=4) | _odd | _odd.map(lambda text: f" {text}\n")


@st.composite
def rules(draw: st.DrawFn, groups: Sequence[UUID], operator: str) -> dict[str, Any]:
    name = draw(st.sampled_from((*NAMES, *MEMBERSHIP) if groups else NAMES))
    if name in MEMBERSHIP:
        chosen = draw(st.lists(st.sampled_from(groups), min_size=1, max_size=2))
        condition = draw(st.sampled_from(sorted(OF_A_LIST)))
        return rule(name, condition, list(map(str, chosen)), operator)
    condition = draw(st.sampled_from(sorted(CONDITIONS)))
    # What is blank, also for a phone number, is refused.
    value = texts.filter(lambda text: bool(text.strip(" \t\r\n+-()./")))
    if condition in WITHOUT_VALUE:
        return rule(name, condition, operator=operator)
    if condition in OF_A_LIST:
        return rule(name, condition, draw(st.lists(value, min_size=1, max_size=12)), operator)
    if condition == "ann_in_days":
        return rule(name, condition, str(draw(st.integers(-2, 2))), operator)
    return rule(name, condition, draw(value), operator)


@st.composite
def queries(draw: st.DrawFn, groups: Sequence[UUID] = ()) -> dict[str, Any]:
    """Any query; rules about membership name some of ``groups``."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        operator = draw(st.sampled_from(RULE_OPERATORS))
        of_group = draw(st.lists(rules(groups, operator), min_size=1, max_size=3))
        found.append((draw(st.sampled_from(GROUP_OPERATORS)), of_group))
    return body(*found)


@st.composite
def people(draw: st.DrawFn, groups: Sequence[UUID] = ()) -> Person:
    """Any contact, in some of ``groups``."""
    names = st.sampled_from(NAMES)
    return Person(
        fields=draw(st.dictionaries(names, texts, max_size=4)),
        phone=draw(st.none() | st.sampled_from(["447785856985", "1", "01"])),
        email=draw(st.none() | st.sampled_from(["ann@example.com", "a@b.com"])),
        groups=frozenset(draw(st.sets(st.sampled_from(groups)))) if groups else frozenset(),
    )


assert set(NAMES) <= set(CUSTOM_FIELDS)
