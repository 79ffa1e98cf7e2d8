"""The forms in which people write hours, zones and holidays, and what is refused."""

from __future__ import annotations

import zoneinfo
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import Invalid
from campaigns.schedule.calendars import (
    Hours,
    hours_as_json,
    parse_holidays,
    parse_hours,
    parse_zone,
)

FIELD = "sending_hours"
WEEK = frozenset(range(7))


@st.composite
def hours(draw: st.DrawFn) -> Hours:
    start = draw(st.integers(0, 1439))
    end = draw(st.integers(0, 1440).filter(lambda minute: minute != start))
    return Hours(draw(st.frozensets(st.integers(0, 6), min_size=1)), start, end)


@given(st.lists(hours(), max_size=50).map(tuple))
def test_hours_come_back_from_json_as_they_were(some) -> None:
    assert parse_hours(hours_as_json(some), FIELD) == some


def test_hours_are_read_and_written_in_one_form() -> None:
    form = [
        {"days": ["mon", "sun"], "from": "09:00", "to": "18:30"},
        {"from": "22:00", "to": "06:00"},
        {"days": ["sat"], "from": "00:00", "to": "24:00"},
    ]
    found = parse_hours(form, FIELD)
    assert found == (
        Hours(frozenset({0, 6}), 9 * 60, 18 * 60 + 30),
        Hours(WEEK, 22 * 60, 6 * 60),
        Hours(frozenset({5}), 0, 24 * 60),
    )
    assert hours_as_json(found) == form


def test_no_restriction_is_null() -> None:
    assert parse_hours(None, FIELD) == ()
    assert hours_as_json(()) is None
    assert parse_holidays(None, "holidays") == frozenset()


GOOD = {"from": "09:00", "to": "18:00"}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "sending_hours: must have at least 1 entry; null means no restriction."),
        ("09:00", "sending_hours: '09:00' must be a list of"),
        ({"from": "09:00"}, "sending_hours: must be a list of"),
        ([GOOD] * 51, "sending_hours: must have at most 50 entries."),
        ([GOOD, "09:00"], "sending_hours[1]: must be an object of"),
        ([{"to": "18:00"}], "sending_hours[0].from: is required."),
        ([{"from": "09:00"}], "sending_hours[0].to: is required."),
        ([{**GOOD, "until": 1}], "sending_hours[0]: 'until' is no known field; known are"),
        ([{**GOOD, 7: 1}], "sending_hours[0]: 7 is no known field; known are"),
        ([{**GOOD, "from": "25:00"}], "[0].from: '25:00' must be a time of day such as '09:00'."),
        ([{**GOOD, "from": "24:00"}], "[0].from: '24:00' must be a time of day such as '09:00'."),
        ([{**GOOD, "from": "9:00"}], "[0].from: '9:00' must be a time of day such as '09:00'."),
        ([{**GOOD, "from": "09:00 "}], "[0].from: '09:00 ' must be a time of day such as '09:00'."),
        ([{**GOOD, "from": "09:00\n"}], "must be a time of day such as '09:00'."),
        ([{**GOOD, "from": "0٩:00"}], "must be a time of day such as '09:00'."),
        ([{**GOOD, "to": 18}], "[0].to: 18 must be a time of day such as '09:00'."),
        ([{**GOOD, "to": "24:01"}], "[0].to: '24:01' must be a time of day such as '09:00'."),
        ([{**GOOD, "to": "09:00"}], "[0].to: '09:00' must differ from 'from'; '00:00' to '24:00'"),
        ([{**GOOD, "days": []}], "[0].days: must be a list of some of mon, tue, wed"),
        ([{**GOOD, "days": None}], "[0].days: must be a list of some of mon, tue, wed"),
        ([{**GOOD, "days": "mon"}], "[0].days: 'mon' must be a list of some of mon, tue, wed"),
        ([{**GOOD, "days": ["Mon"]}], "[0].days[0]: 'Mon' must be one of mon, tue, wed"),
        ([{**GOOD, "days": ["mon", ["tue"]]}], "[0].days[1]: must be one of mon, tue, wed"),
        ([{**GOOD, "days": ["mon"] * 8}], "[0].days: must have at most 7 entries."),
    ],
)
def test_hours_that_break_a_rule_are_refused_with_field_value_and_rule(value, sentence) -> None:
    with pytest.raises(Invalid) as caught:
        parse_hours(value, FIELD)
    assert sentence in str(caught.value)


def test_every_zone_of_the_database_is_known() -> None:
    for name in zoneinfo.available_timezones() - {"localtime", "posixrules", "Factory"}:
        assert parse_zone(name, "timezone") == name


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("europe/london", "Europe/London"),
        ("London", "Europe/London"),
        ("Europe/Lodnon", "Europe/London"),
        ("new york", "America/New_York"),
        (" UTC", "UTC"),
    ],
)
def test_the_nearest_known_zone_is_named(name: str, near: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_zone(name, "timezone")
    assert str(caught.value) == (
        f"timezone: {name!r} must be the name of a time zone such as 'Europe/London'; "
        f"the nearest known one is {near!r}."
    )


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "GMT+2",
        "/etc/passwd",
        "../../../etc/passwd",
        "Europe/../Europe/London",
        "Europe",
        "localtime",
        "posix/Europe/London",
        "Europe/London\x00",
        "z" * 1_000_000,
        None,
        3,
        ["UTC"],
    ],
)
def test_what_is_no_zone_is_refused_and_opens_no_file(name, monkeypatch) -> None:
    parse_zone("UTC", "timezone")  # the names of all zones are looked up once

    def opened(*args: object, **kwargs: object) -> None:
        pytest.fail(f"opened {args}")

    monkeypatch.setattr("io.open", opened)
    monkeypatch.setattr("builtins.open", opened)
    with pytest.raises(Invalid, match=r"^timezone: .*must be the name of a time zone such as") as e:
        parse_zone(name, "timezone")
    assert len(str(e.value)) < 200


def test_holidays_are_dates() -> None:
    found = parse_holidays(["2026-12-25", "2027-01-01", "2026-12-25"], "holidays")
    assert found == {date(2026, 12, 25), date(2027, 1, 1)}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("2026-12-25", "holidays: '2026-12-25' must be a list of dates."),
        (["25.12.2026"], "holidays[0]: must be a date such as '2026-12-25'."),
        (["2026-12-25", "2026-02-30"], "holidays[1]: '2026-02-30' must be a date such as"),
        (["2026-W52-5"], "holidays[0]: must be a date such as '2026-12-25'."),
        (["20261225"], "holidays[0]: must be a date such as '2026-12-25'."),
        (["2026-12-25T00:00"], "holidays[0]: must be a date such as '2026-12-25'."),
        ([20261225], "holidays[0]: must be a date such as '2026-12-25'."),
        ([None], "holidays[0]: must be a date such as '2026-12-25'."),
    ],
)
def test_holidays_that_break_a_rule_are_refused(value, sentence) -> None:
    with pytest.raises(Invalid) as caught:
        parse_holidays(value, "holidays")
    assert sentence in str(caught.value)


def test_holidays_of_more_than_a_year_of_days_are_refused() -> None:
    days = [(date(2026, 1, 1) + timedelta(days=n)).isoformat() for n in range(401)]
    assert len(parse_holidays(days[:400], "holidays")) == 400
    with pytest.raises(Invalid, match="at most 400 entries"):
        parse_holidays(days, "holidays")


def test_an_address_in_the_wrong_place_is_not_repeated() -> None:
    address = "+447700900123"
    for parse, value in (
        (parse_zone, address),
        (parse_zone, "somebody@example.com"),
        (parse_holidays, [address]),
        (parse_hours, [{"from": address, "to": "18:00"}]),
        (parse_hours, [{**GOOD, address: "18:00"}]),
        (parse_hours, [{**GOOD, "days": [address]}]),
        (parse_hours, [{**GOOD, "to": 447700900123}]),
    ):
        with pytest.raises(Invalid) as caught:
            parse(value, "field")
        assert "7700900123" not in str(caught.value)
        assert "somebody" not in str(caught.value)
