"""A report is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest

from cli.tabular import safe_cell, write


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_would_be_a_formula_becomes_text(start: str) -> None:
    assert safe_cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize("cell", ["447700900123", "-1001234567890", "ann@example.org", "accepted"])
def test_addresses_and_words_stay_as_they_are(cell: str) -> None:
    assert safe_cell(cell) == cell


@pytest.mark.parametrize("cell", ["-1+1", "-", "--1", "-1\n", "-1,5"])
def test_only_whole_numbers_may_begin_with_a_minus(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"


def test_truth_and_several_ids_are_words() -> None:
    assert [safe_cell(value) for value in (True, False, ["a1", "b2"], [])] == [
        "yes",
        "no",
        "a1 b2",
        "",
    ]


@pytest.mark.parametrize("start", ["=", "+"])
def test_the_first_of_several_is_no_formula_either(start: str) -> None:
    assert safe_cell([f"{start}1", "x"]) == f"'{start}1 x"


def test_no_value_is_an_empty_cell_and_quotes_survive() -> None:
    stream = io.StringIO()
    assert write(stream, ("a", "b"), [(None, 'say "hi", ok'), (1, "x\ny")]) == 2
    assert list(csv.reader(io.StringIO(stream.getvalue()))) == [
        ["a", "b"],
        ["", 'say "hi", ok'],
        ["1", "x\ny"],
    ]
