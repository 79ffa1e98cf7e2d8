"""The SQL of a query has nothing in it that anybody wrote."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from campaigns.audience.audience import SQL
from campaigns.segmentation import parsing
from campaigns.segmentation.condition import Selection, compiled
from campaigns.segmentation.query import CUSTOM_FIELDS, MEMBERSHIP
from campaigns.segmentation.values import BLANKS, PHONE_MARKS
from tests.support.segmentation import one, queries

TODAY = date(2026, 5, 16)

#: Everything between quotes in a condition: keys of the fixed table, and constants.
QUOTED = {*CUSTOM_FIELDS, PHONE_MARKS, r" \t\r\n", ""}
WORDS = set(
    re.findall(
        r"\w+",
        """
        c m fields address phone email group_id contacts text integer numeric uuid coalesce nullif
        btrim translate text_folded text_number text_date mod starts_with right strpos true false
        ANY ALL AND OR NOT IS NULL EXISTS SELECT FROM WHERE COLLATE E
        """,
    )
)


@given(queries([UUID(int=1)]))
def test_a_condition_is_made_of_constants(sent: dict[str, Any]) -> None:
    condition = compiled([Selection(parsing.parse(sent))], TODAY)
    text = re.sub(r"%\((selected_[0-9]+)\)s", "", condition.text)
    assert set(re.findall(r"'([^']*)'", text)) <= QUOTED
    assert set(re.findall(r"[A-Za-z_]+", re.sub(r"'[^']*'|\"C\"", "", text))) <= WORDS
    assert not re.search(r"[^\w\s()',.\"<>=:*{}\[\]+/\\-]", text)
    places = re.findall(r"%\((selected_[0-9]+)\)s", condition.text)
    assert len(places) == len(set(places))
    assert set(places) == set(condition.parameters)


def test_keys_of_the_table_need_no_quoting_and_blanks_are_the_same_on_both_sides() -> None:
    assert all(re.fullmatch("[a-z0-9_]+", name) for name in (*CUSTOM_FIELDS, *MEMBERSHIP))
    assert BLANKS.encode("unicode_escape").decode() in QUOTED


def test_without_a_selection_nobody_is_selected() -> None:
    assert compiled([], TODAY).text == "false"


def test_what_is_bound_is_left_out_of_the_repr() -> None:
    query = parsing.parse(one("email", "eq", "ann@example.com"))
    assert "ann@" not in repr(compiled([Selection(query)], TODAY))


@pytest.mark.parametrize("name", [name for name in SQL if "{selected}" in SQL[name]])
def test_a_campaign_for_everybody_has_a_statement_without_a_trace_of_it(name: str) -> None:
    plain = SQL.by_address(name, "phone")
    assert "selected" not in plain
    assert plain == SQL[name].replace("{selected}", "").replace("{address}", "phone")
    part = SQL.by_address(name, "phone", "c.{address} = '1'")
    assert part.replace("\nAND (c.phone = '1')", "") == plain


def test_every_statement_about_recipients_can_be_for_a_part_of_them() -> None:
    asked = {name for name in SQL if "%(included)s" in SQL[name] and "{address}" in SQL[name]}
    # The calculator of unique contacts is about groups, whatever campaigns there are.
    assert asked - {"unique_contacts"} == {name for name in SQL if "{selected}" in SQL[name]}
    assert {"count_audience", "materialise_audience", "materialise_by_zone"} <= asked
