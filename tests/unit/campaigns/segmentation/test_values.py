"""What texts mean: numbers, days, anniversaries, and which are equal."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.segmentation import values


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("7", "7"), ("-7", "-7"), ("+7", "7"), ("007", "7"), ("1.50", "1.5"), ("9" * 40, "9" * 40),
        ("9" * 41, None), ("1e400", None), ("NaN", None), ("1,5", None), (".5", None),
        ("5.", None), ("", None), ("1 000", None), ("٣", None), ("0x10", None), ("7\n", None),
    ],
)  # fmt: skip
def test_numbers(text: str, meant: str | None) -> None:
    assert values.number(text) == (None if meant is None else Decimal(meant))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1990-05-17", 19900517), ("17.5.1990", 19900517), ("17.05.1990", 19900517),
        ("1990-05-17T23:59:59Z", 19900517), ("1990-05-17 10:00", 19900517),
        ("1990-05-17T10:00:00.123+02:00", 19900517), ("2024-02-29", 20240229),
        ("2023-02-29", None), ("2023-02-30", None), ("1900-02-29", None), ("0000-01-01", None),
        ("1990-13-01", None), ("1990-00-01", None), ("1990-01-00", None), ("1990-1-1", None),
        ("17/05/1990", None), ("05-17", None), ("19900517", None), ("1990-05-17x", None),
    ],
)  # fmt: skip
def test_days(text: str, meant: int | None) -> None:
    assert values.day(text) == meant


@given(st.dates(), st.dates(date(1970, 1, 1), date(2100, 1, 1)), st.integers(-366, 366))
def test_an_anniversary_comes_once_a_year_on_a_day_that_exists(
    born: date, today: date, days: int
) -> None:
    then = today + timedelta(days=days)
    falls = born.month * 100 + born.day in values.anniversaries(today, days)
    try:
        on = born.replace(year=then.year)
    except ValueError:
        on = date(then.year, 2, 28)
    assert falls == (on == then)


@pytest.mark.parametrize(
    ("today", "days", "found"),
    [
        (date(2026, 5, 16), 1, [517]),
        (date(2025, 12, 31), 1, [101]),
        (date(2026, 1, 1), -1, [1231]),
        (date(2026, 2, 28), 0, [228, 229]),
        (date(2028, 2, 28), 0, [228]),
        (date(2028, 2, 28), 1, [229]),
        (date(2026, 2, 28), 1, [301]),
        (date(2100, 2, 27), 1, [228, 229]),
    ],
)
def test_anniversaries(today: date, days: int, found: list[int]) -> None:
    assert values.anniversaries(today, days) == found


@given(st.text(), st.text())
def test_folding_is_character_by_character(one: str, other: str) -> None:
    assert values.folded(one + other) == values.folded(one) + values.folded(other)
    assert len(values.folded(one)) == len(one)


def test_case_does_not_count_and_letters_do() -> None:
    assert values.folded("JOSÉ İΣ") == "josé iσ"
    assert values.folded("ß") != values.folded("SS")
