"""Queries as requests: the documented form is accepted, everything else gets one sentence."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.audience.fields import LONGEST_VALUE, field_name
from campaigns.campaign.model import CampaignSpec
from campaigns.errors import Invalid
from campaigns.segmentation import parsing
from campaigns.segmentation.query import CONDITIONS, CUSTOM_FIELDS, FIELDS
from campaigns.validation import parse
from tests.support.campaign_bodies import SIMPLE
from tests.support.segmentation import body, one, queries, rule

#: HORISEN's example of SegmentationQuery.
EXAMPLE = body(
    ("OR", [rule("first_name", "eq", "John"), rule("last_name", "eq", "Smith")]),
    ("OR", [rule("nick_name", "eq", "Johnny", "OR")]),
)

RULE = "query.segmentation[0].rules[0]"


def refusal(sent: object) -> str:
    with pytest.raises(Invalid) as refused:
        parsing.parse(sent)
    return str(refused.value)


def with_rule(**changes: Any) -> dict[str, Any]:
    return body(("OR", [{**rule("first_name", "eq", "John"), **changes}]))


def without(name: str) -> dict[str, Any]:
    made = one("first_name", "eq", "John")
    del made["segmentation"][0]["rules"][0][name]
    return made


def test_horisens_example_is_its_own_normal_form_as_object_and_as_text() -> None:
    assert parsing.parse(EXAMPLE).as_json() == EXAMPLE
    assert parsing.parse(json.dumps(EXAMPLE, indent=2) + "\n").as_json() == EXAMPLE


@given(queries())
def test_the_normal_form_of_a_query_is_that_of_the_same_query(sent: dict[str, Any]) -> None:
    query = parsing.parse(sent)
    assert parsing.parse(query.as_json()) == query
    assert parsing.parse(json.dumps(sent)) == query


def test_every_documented_field_and_condition_is_known() -> None:
    assert len(FIELDS) == 34
    assert len(CONDITIONS) == 14
    for name in CUSTOM_FIELDS:
        assert parsing.parse(one(name, "isnull"))
        assert field_name(name) == name, "contacts have it under another name"


def test_a_value_has_no_more_characters_than_a_custom_field() -> None:
    assert parsing.LONGEST_VALUE == LONGEST_VALUE


@pytest.mark.parametrize("value", ["8000", ["8000"]])
@pytest.mark.parametrize("condition", ["in", "eq"])
def test_one_value_may_stand_alone_or_in_a_list(condition: str, value: object) -> None:
    found = parsing.parse(one("zip", condition, value)).groups[0].rules[0]
    assert found.values == ("8000",)


@pytest.mark.parametrize("value", ["", None, []])
def test_what_asks_for_no_value_needs_none(value: object) -> None:
    assert parsing.parse(one("zip", "isnull", value)) == parsing.parse(one("zip", "isnull"))
    missing = one("zip", "isnull")
    del missing["segmentation"][0]["rules"][0]["value"]
    assert parsing.parse(missing) == parsing.parse(one("zip", "isnull"))


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (None, "query: must be an object of fields."),
        ([EXAMPLE], "query: must be an object of fields."),
        ({}, "query.segmentation: is required."),
        ({**EXAMPLE, "limit": 5}, "query.limit: is not a known field."),
        ({"segmentation": {}}, "query.segmentation: must be a list."),
        ({"segmentation": []}, "query.segmentation: must have at least 1 entry."),
        ({"segmentation": ["OR"]}, "query.segmentation[0]: must be an object of fields."),
        (body(("OR", [])), "query.segmentation[0].rules: must have at least 1 entry."),
        (
            body(("AND", [rule("zip", "isnull")])),
            "query.segmentation[0].operator: 'AND' must be one of OR, AND NOT, OR NOT.",
        ),
        (
            body(("or", [rule("zip", "isnull")])),
            "query.segmentation[0].operator: 'or' must be one of OR, AND NOT, OR NOT.",
        ),
        (
            body(("OR", [rule("zip", "isnull"), rule("zip", "isnull", operator="OR")])),
            "query.segmentation[0].rules[1].operator: 'OR' must be 'AND', as in the first rule of "
            "its group.",
        ),
        (without("field"), f"{RULE}.field: is required."),
        (without("condition"), f"{RULE}.condition: is required."),
        (without("value"), f"{RULE}.value: is required."),
        (without("operator"), f"{RULE}.operator: is required."),
        (with_rule(operator="XOR"), f"{RULE}.operator: 'XOR' must be one of AND, OR."),
        (with_rule(case="any"), f"{RULE}.case: is not a known field."),
        (
            with_rule(field="frist_name"),
            f"{RULE}.field: 'frist_name' is not a field of contacts; the nearest one is "
            "'first_name'.",
        ),
        (with_rule(field="447785856985"), f"{RULE}.field: is not a field of contacts."),
        (with_rule(field=7), f"{RULE}.field: must be a text."),
        (
            with_rule(condition="like"),
            f"{RULE}.condition: 'like' must be one of eq, neq, isnull, isnotnull, in, notin, "
            "startswith, endswith, contains, lt, lte, gt, gte, ann_in_days.",
        ),
        (with_rule(value=7), f"{RULE}.value: must be a text, or a list of texts."),
        (with_rule(value=None), f"{RULE}.value: must be a text, or a list of texts."),
        (with_rule(value=[["x"]]), f"{RULE}.value[0]: must be a text, or a list of texts."),
        (
            with_rule(value=["a", "b"]),
            f"{RULE}.value: must be one text with eq; 'in' takes a list.",
        ),
        (
            with_rule(value=" "),
            f"{RULE}.value: must not be empty with eq; 'isnull' asks for no value.",
        ),
        (with_rule(condition="in", value=[]), f"{RULE}.value: must have at least 1 entry."),
        (
            with_rule(condition="contains", value=""),
            f"{RULE}.value: must not be empty with contains; 'isnull' asks for no value.",
        ),
        (
            with_rule(field="mobile", value="+"),
            f"{RULE}.value: must not be empty with eq; 'isnull' asks for no value.",
        ),
        (
            with_rule(condition="isnull"),
            f"{RULE}.value: must be empty with isnull.",
        ),
        (
            with_rule(condition="ann_in_days", value="soon"),
            f"{RULE}.value: must be a number of days from -366 to 366.",
        ),
        (
            with_rule(condition="ann_in_days", value="367"),
            f"{RULE}.value: must be a number of days from -366 to 366.",
        ),
        (
            one("subscription_options_in", "eq", "x"),
            f"{RULE}.condition: 'eq' must be 'in' or 'notin' with subscription_options_in.",
        ),
        (
            one("subscription_options_out", "in", ["x"]),
            f"{RULE}.value[0]: must be the uuid of a contact group.",
        ),
        (
            with_rule(value="x" * 1001),
            f"{RULE}.value: must have at most 1000 characters.",
        ),
        (
            with_rule(condition="in", value=["x"] * 1001),
            f"{RULE}.value: must have at most 1000 entries.",
        ),
        (
            body(("OR", [rule("zip", "in", ["x" * 1000] * 201)])),
            "query.segmentation: must have values of at most 200000 characters in all.",
        ),
    ],
)
def test_a_bad_query_gets_one_sentence(sent: object, sentence: str) -> None:
    assert refusal(sent) == sentence


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ("", 'query: must be JSON such as {"segmentation": [...]}.'),
        ("null", "query: must be an object of fields."),
        ("{'segmentation': []}", 'query: must be JSON such as {"segmentation": [...]}.'),
        ('{"segmentation": NaN}', 'query: must be JSON such as {"segmentation": [...]}.'),
        ('{"segmentation": 1e400}', "query.segmentation: must be a list."),
        ('{"segmentation": ' + "9" * 5000 + "}", "query: must be JSON such as"),
        ('{"segmentation": [], "segmentation": []}', "query: has the same name twice in one"),
        ("[" * 100_000, "query: is nested too deeply."),
        ('{"segmentation":' * 10_000, "query: is nested too deeply."),
        ("x" * 200_001, "query: must have at most 200000 characters."),
        ("\x00", "query: must not contain NUL characters."),
        ("\ud800", "query: must be a text of valid Unicode characters."),
    ],
)
def test_a_text_that_is_no_json_object_gets_one_sentence(sent: str, sentence: str) -> None:
    assert refusal(sent).startswith(sentence)


@pytest.mark.parametrize(
    ("value", "rule_"),
    [
        ("a\x00b", "must not contain NUL characters."),
        ("\ud800", "must be a text of valid Unicode characters."),
    ],
)
def test_texts_that_cannot_be_stored_are_refused_in_either_form(value: str, rule_: str) -> None:
    sent = one("first_name", "eq", value)
    assert refusal(sent) == refusal(json.dumps(sent)) == f"{RULE}.value: {rule_}"


def test_a_thousand_rules_are_refused_in_one_group_and_in_many() -> None:
    told = "query.segmentation: has 1000 rules; 100 are the most in one query."
    assert refusal(body(("OR", [rule("zip", "isnull")] * 1000))) == told
    assert refusal(body(*[("OR", [rule("zip", "isnull")] * 50)] * 20)) == told
    assert refusal(body(*[("OR", [rule("zip", "isnull")])] * 1000)) == (
        "query.segmentation: must have at most 20 entries."
    )
    assert parsing.parse(body(*[("OR", [rule("zip", "isnull")] * 5)] * 20))


@given(queries(), st.data())
def test_nothing_of_a_value_stands_in_a_sentence(sent: dict[str, Any], data: st.DataObject) -> None:
    """Values may be addresses, and sentences reach logs."""
    secret = "447700900123"
    spoilt = copy.deepcopy(sent)
    rules = [found for group in spoilt["segmentation"] for found in group["rules"]]
    chosen = data.draw(st.sampled_from(rules))
    wrong = [[secret], secret * 100, {secret: secret}, f"{secret}\x00", int(secret)]
    chosen["value"] = data.draw(st.sampled_from(wrong))
    chosen[data.draw(st.sampled_from(["field", "condition", "operator", secret]))] = secret
    assert secret not in refusal(spoilt)


def test_a_query_of_a_campaign_is_told_by_its_place_and_left_out_of_its_repr() -> None:
    given = {**SIMPLE, "query_type": "segmentation"}
    with pytest.raises(Invalid, match=r"^query\.segmentation\[0\]\.rules\[0\]\.field: 'x' is not"):
        parse(CampaignSpec, {**given, "query": one("x", "isnull")})
    spec = parse(CampaignSpec, {**given, "query": one("email", "eq", "ann@example.com")})
    assert "ann@" not in repr(spec)
    assert "ann@" not in repr(parsing.parse(spec.query))
