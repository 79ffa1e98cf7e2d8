"""The page about segmentation says what there is."""

from __future__ import annotations

import re

import pytest

from campaigns.segmentation import parsing, values
from campaigns.segmentation.query import CONDITIONS, FIELDS, GROUP_OPERATORS
from tests.support.repository import ROOT

PAGE = (ROOT / "docs" / "segmentation.md").read_text("utf-8")
CODE = set(re.findall(r"`([^`\n]+)`", PAGE))


def test_the_example_of_the_page_is_accepted() -> None:
    [text] = re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert parsing.parse(text)


@pytest.mark.parametrize(
    "words", [FIELDS, CONDITIONS, GROUP_OPERATORS, [values.PHONE_MARKS.strip()]]
)
def test_every_field_condition_and_operator_is_on_the_page(words: tuple[str, ...]) -> None:
    assert set(words) <= CODE


def test_the_limits_on_the_page_are_those_that_hold() -> None:
    limits = PAGE.split("## Limits")[1].split("##")[0]
    for limit in (
        parsing.MOST_GROUPS,
        parsing.MOST_RULES,
        parsing.MOST_VALUES,
        parsing.LONGEST_VALUE,
        parsing.MOST_CHARACTERS,
    ):
        assert re.search(rf"\b{limit:,}\b", limits)
    assert f"{values.LONGEST_NUMBER} characters" in PAGE
    assert f"-{parsing.MOST_DAYS} to {parsing.MOST_DAYS}" in PAGE
