"""Hours as people write them on a command line."""

from __future__ import annotations

import click
import pytest

from cli.hours import Hours, written

WEEK = ["mon", "tue", "wed", "thu", "fri"]


@pytest.mark.parametrize(
    ("text", "hours", "again"),
    [
        ("mon-fri 09:00-18:00", {"days": WEEK, "from": "09:00", "to": "18:00"}, None),
        ("21:00-08:00", {"from": "21:00", "to": "08:00"}, None),
        ("sun 00:00-24:00", {"days": ["sun"], "from": "00:00", "to": "24:00"}, None),
        ("MON,Wed  10:00 - 11:30", {"days": ["mon", "wed"], "from": "10:00", "to": "11:30"},
         "mon,wed 10:00-11:30"),
        ("fri-mon 10:00-11:00", {"days": ["mon", "fri", "sat", "sun"], "from": "10:00",
                                 "to": "11:00"}, "mon,fri-sun 10:00-11:00"),
        ("tue-mon 10:00-11:00", {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
                                 "from": "10:00", "to": "11:00"}, "10:00-11:00"),
    ],
)  # fmt: skip
def test_text_and_json_say_the_same(text: str, hours: object, again: str | None) -> None:
    found = Hours().convert(text, None, None)
    assert found == hours
    assert written([found]) == (again or text)


def test_no_hours_are_not_shown() -> None:
    assert written(None) is None
    assert written([{"from": "01:00", "to": "02:00"}] * 2) == "01:00-02:00, 01:00-02:00"


@pytest.mark.parametrize(
    "text", ["", "9:00-18:00", "mon-fri", "09:00", "monday 09:00-10:00", "mon- 09:00-10:00", "-"]
)
def test_anything_else_is_wrong_usage(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Hours().convert(text, None, None)
