"""The specification itself, by examples: each condition, each operator, each field."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from campaigns.segmentation import parsing
from campaigns.segmentation.evaluator import Person, matches
from tests.support.segmentation import one, query, rule

TODAY = date(2026, 5, 16)
GROUP, OTHER = UUID(int=1), UUID(int=2)

ANN = Person(
    fields={
        "first_name": "Ann",
        "birthday": "1990-05-17",
        "zip": " 8000 ",
        "city": "  ",
        "b_phone": "+41 (0)44-123",
    },
    phone="447785856985",
    email="ann@example.com",
    groups=frozenset({GROUP}),
)


def holds(name: str, condition: str, value: Any = "", person: Person = ANN) -> bool:
    return matches(parsing.parse(one(name, condition, value)), person, TODAY)


@pytest.mark.parametrize(
    ("name", "condition", "value", "expected"),
    [
        ("first_name", "eq", "ANN", True),
        ("first_name", "eq", " ann ", True),
        ("first_name", "eq", "An", False),
        ("last_name", "eq", "Smith", False),
        ("first_name", "neq", "ann", False),
        ("first_name", "neq", "Ben", True),
        ("last_name", "neq", "Smith", True),
        ("city", "neq", "Bern", True),
        ("last_name", "isnull", "", True),
        ("city", "isnull", "", True),
        ("zip", "isnull", "", False),
        ("city", "isnotnull", "", False),
        ("zip", "isnotnull", "", True),
        ("first_name", "in", ["Ben", "aNN"], True),
        ("last_name", "in", ["Ben", "aNN"], False),
        ("first_name", "notin", ["Ben", "aNN"], False),
        ("last_name", "notin", ["Ben", "aNN"], True),
        ("first_name", "startswith", "aN", True),
        ("first_name", "startswith", "nn", False),
        ("first_name", "endswith", "N", True),
        ("first_name", "contains", "nN", True),
        ("first_name", "contains", "%", False),
        ("first_name", "startswith", "_", False),
        ("last_name", "contains", "a", False),
        ("zip", "gt", "900", True),
        ("zip", "gte", "8000.0", True),
        ("zip", "lt", "8000", False),
        ("zip", "lte", "8000", True),
        ("zip", "lt", "x", True),
        ("last_name", "lt", "x", False),
        ("last_name", "gte", "0", False),
        ("birthday", "lt", "18.5.1990", True),
        ("birthday", "gte", "1990-05-17T12:00", True),
        ("birthday", "gt", "1990-05-17", False),
        ("first_name", "gt", "2000-01-01", True),
        ("birthday", "ann_in_days", "1", True),
        ("birthday", "ann_in_days", "+1", True),
        ("birthday", "ann_in_days", "0", False),
        ("birthday", "ann_in_days", "-364", True),
        ("zip", "ann_in_days", "1", False),
        ("last_name", "ann_in_days", "1", False),
        ("mobile", "eq", "+44 7785 856985", True),
        ("phone", "startswith", "+44", True),
        ("b_phone", "eq", "41044123", True),
        ("email", "endswith", "@EXAMPLE.com", True),
        ("b_email", "isnull", "", True),
        ("subscription_options_in", "in", [str(GROUP), str(OTHER)], True),
        ("subscription_options_in", "in", [str(OTHER)], False),
        ("subscription_options_in", "notin", [str(OTHER)], True),
        ("subscription_options_out", "notin", [str(GROUP), str(OTHER)], False),
    ],
)
def test_conditions(name: str, condition: str, value: Any, expected: bool) -> None:
    assert holds(name, condition, value) is expected


def test_a_custom_field_goes_before_the_address_of_its_kind() -> None:
    person = Person(fields={"phone": "+41 44 1", "email": " "}, phone="447", email="a@b.com")
    assert holds("phone", "eq", "41441", person)
    assert holds("mobile", "eq", "447", person)
    assert holds("email", "eq", "a@b.com", person)


YES, NO = rule("first_name", "eq", "Ann"), rule("first_name", "eq", "Ben")


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([("OR", [YES])], True),
        ([("OR NOT", [YES])], False),
        ([("AND NOT", [YES])], False),
        ([("AND NOT", [NO])], True),
        ([("OR NOT", [NO])], True),
        ([("OR", [NO]), ("OR", [YES])], True),
        ([("OR", [YES]), ("AND NOT", [YES])], False),
        ([("OR", [YES]), ("AND NOT", [NO])], True),
        ([("OR", [NO]), ("AND NOT", [NO])], False),
        ([("OR", [NO]), ("OR NOT", [NO])], True),
        # From left to right: AND does not go before OR.
        ([("OR", [YES]), ("OR", [YES]), ("AND NOT", [YES])], False),
        ([("OR", [YES]), ("AND NOT", [YES]), ("OR", [YES])], True),
        ([("OR", [YES, NO])], False),
        ([("OR", [{**YES, "operator": "OR"}, {**NO, "operator": "OR"}])], True),
    ],
)
def test_groups_are_read_from_left_to_right(groups: list[Any], expected: bool) -> None:
    assert matches(query(*groups), ANN, TODAY) is expected
    # An equal group at another place is judged by its own place.
    assert matches(query(*groups, ("AND NOT", [NO])), ANN, TODAY) is expected
