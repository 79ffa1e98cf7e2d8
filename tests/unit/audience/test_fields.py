"""Custom fields: names that a template can ask for, and texts that can be stored."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.audience.fields import checked_fields, field_name
from campaigns.errors import Invalid


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("first_name", "first_name"),
        (" First Name ", "first_name"),
        ("Last-Name", "last_name"),
        ("Price (EUR)", "price_eur"),
        ("Größe", "grosse"),
        ("2nd phone", "_2nd_phone"),
    ],
)
def test_name_is_what_a_template_asks_for(written: str, name: str) -> None:
    assert field_name(written) == name


@given(written=st.text(max_size=80))
def test_any_name_is_refused_or_fits_into_a_template(written: str) -> None:
    try:
        name = field_name(written)
    except Invalid:
        return
    assert re.fullmatch(r"[a-z_][a-z0-9_]*", name)
    assert field_name(name) == name or name.startswith("_")


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"": "x"}, "a name needs at least one letter a-z or digit"),
        ({"姓名": "x"}, "a name needs at least one letter a-z or digit"),
        ({"n" * 61: "x"}, "a name has more than 60 characters"),
        ({"a": "x" * 1001}, "'a' has more than 1000 characters"),
        ({"a": "x\0"}, "'a' must not contain NUL characters"),
        ({"a": "\ud800"}, "'a' must be a text of valid Unicode characters"),
        ({"A b": "1", "a_b": "2"}, "has two names that both become 'a_b'"),
        ({f"f{n}": "" for n in range(101)}, "has more than 100 names"),
    ],
)
def test_field_that_breaks_a_rule_is_refused(fields: dict[str, str], rule: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_fields(fields)
    assert refused.value.rule == rule
