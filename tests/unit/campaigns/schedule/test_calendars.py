"""Calendars, compared with somebody who looks at the clock on the wall every minute."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.schedule.calendars import Calendar, Hours, closed
from campaigns.schedule.local import readings, to_local
from campaigns.schedule.windows import Interval, subtract

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
EVERY_DAY = frozenset(range(7))

CHANGES = [
    ("Europe/London", date(2027, 3, 28)),
    ("Europe/London", date(2026, 10, 25)),
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2026, 11, 1)),
    ("Pacific/Chatham", date(2026, 9, 27)),
    ("Pacific/Chatham", date(2027, 4, 4)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Antarctica/Troll", date(2027, 3, 28)),
    ("Antarctica/Troll", date(2026, 10, 25)),
    # Clocks go back to midnight, back over midnight, forward at midnight, and over a whole date.
    ("America/Havana", date(2026, 11, 1)),
    ("America/St_Johns", date(2010, 11, 7)),
    ("America/Havana", date(2027, 3, 14)),
    ("Pacific/Apia", date(2011, 12, 30)),
]


def hours(start: str, end: str, days: Iterable[int] = EVERY_DAY) -> Hours:
    (h1, m1), (h2, m2) = (map(int, text.split(":")) for text in (start, end))
    return Hours(frozenset(days), h1 * 60 + m1, h2 * 60 + m2)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


#: Near the usual hours of a change, so that many examples fall into one.
minutes = st.integers(0, 4 * 60) | st.integers(0, 24 * 60 - 1)


@st.composite
def valid_hours(draw: st.DrawFn) -> Hours:
    days = draw(st.frozensets(st.integers(0, 6), min_size=1) | st.just(EVERY_DAY))
    start = draw(minutes)
    return Hours(days, start, draw((minutes | st.just(24 * 60)).filter(lambda end: end != start)))


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Calendar, date]:
    zone, day = draw(st.sampled_from(CHANGES))
    some = st.lists(valid_hours(), max_size=3).map(tuple)
    near = st.frozensets(st.integers(-2, 2).map(lambda days: day + days * DAY), max_size=2)
    return Calendar(zone, draw(some), draw(some), draw(near)), day


@cache
def clock(zone: str, day: date) -> list[tuple[datetime, datetime, bool]]:
    """Every minute around a day: the instant, what the clock shows, whether it shows it twice."""
    noon = datetime.combine(day, time(12), UTC)
    moments = (noon + minute * MINUTE for minute in range(-30 * 60, 30 * 60))
    shown = ((moment, to_local(moment, zone)) for moment in moments)
    return [(moment, naive, len(set(readings(naive, zone))) > 1) for moment, naive in shown]


def inside(stretch: Hours, naive: datetime) -> bool:
    minute, day = naive.hour * 60 + naive.minute, naive.weekday()
    if stretch.start < stretch.end:
        return day in stretch.days and stretch.start <= minute < stretch.end
    began_yesterday = (day - 1) % 7 in stretch.days and minute < stretch.end
    return began_yesterday or (day in stretch.days and minute >= stretch.start)


def is_closed(calendar: Calendar, naive: datetime) -> bool:
    """The rule as a person would say it who looks at the clock."""
    if naive.date() in calendar.holidays or any(inside(q, naive) for q in calendar.quiet):
        return True
    return bool(calendar.sending) and not any(inside(s, naive) for s in calendar.sending)


@given(calendars())
def test_nothing_is_open_while_the_clock_says_closed_and_only_doubt_closes_more(drawn) -> None:
    calendar, day = drawn
    minutes_of_clock = clock(calendar.zone, day)
    first, last = minutes_of_clock[0][0], minutes_of_clock[-1][0] + MINUTE
    holes = iter(closed(calendar, first, last))
    hole = next(holes, None)
    for moment, naive, twice in minutes_of_clock:
        while hole is not None and moment >= hole.end:
            hole = next(holes, None)
        found = hole is not None and moment in hole
        if is_closed(calendar, naive):
            assert found, f"open at {naive}"
        elif found:
            assert twice, f"closed at {naive}"


@given(calendars(), st.integers(-3000, 3000), st.integers(0, 6000))
def test_holes_are_sorted_disjoint_and_within_the_range(drawn, start, length) -> None:
    calendar, day = drawn
    low = datetime.combine(day, time(), UTC) + start * MINUTE
    high = low + length * MINUTE
    holes = closed(calendar, low, high)
    assert all(low <= hole.start < hole.end <= high for hole in holes)
    assert all(a.end < b.start for a, b in pairwise(holes))


@given(calendars(), st.integers(-3000, 3000), st.integers(0, 3000), st.integers(0, 3000))
def test_a_range_is_closed_as_its_parts_are(drawn, start, one, two) -> None:
    """The answer for a moment does not depend on where the question begins or ends."""
    calendar, day = drawn
    low = datetime.combine(day, time(), UTC) + start * MINUTE
    middle, high = low + one * MINUTE, low + (one + two) * MINUTE
    parts = closed(calendar, low, middle) + closed(calendar, middle, high)
    whole = Interval(low, high)
    assert subtract(whole, parts) == subtract(whole, closed(calendar, low, high))


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        # Clocks in London go back from 02:00 to 01:00 at 01:00 UTC on 25 October 2026.
        (Calendar("Europe/London", (hours("01:30", "05:00"),)), [(utc(2026, 10, 25, 1, 30), True)]),
        (
            Calendar("Europe/London", (hours("00:10", "01:30"),)),
            [(utc(2026, 10, 25, 0, 30), False)],
        ),
        (
            Calendar("Europe/London", (), (hours("00:10", "01:30"),)),
            [(utc(2026, 10, 25, 1, 30), True)],
        ),
        (
            Calendar("Europe/London", (), (hours("01:30", "05:00"),)),
            [(utc(2026, 10, 25, 0, 30), False)],
        ),
        # They go forward from 01:00 to 02:00 at 01:00 UTC on 28 March 2027.
        (Calendar("Europe/London", (hours("01:30", "05:00"),)), [(utc(2027, 3, 28, 1), True)]),
        (Calendar("Europe/London", (hours("00:10", "01:30"),)), [(utc(2027, 3, 28, 1), False)]),
        (Calendar("Europe/London", (), (hours("00:10", "01:30"),)), [(utc(2027, 3, 28, 1), True)]),
        (Calendar("Europe/London", (), (hours("01:30", "05:00"),)), [(utc(2027, 3, 28, 1), False)]),
    ],
)
def test_a_boundary_that_is_not_one_instant_follows_the_stated_policy(calendar, expected) -> None:
    for moment, opens in expected:
        before = closed(calendar, moment - MINUTE, moment)
        after = closed(calendar, moment, moment + MINUTE)
        assert (bool(before), bool(after)) == (opens, not opens)


def test_hours_within_an_overlap_or_a_gap_do_not_open_on_that_day() -> None:
    calendar = Calendar("Europe/London", (hours("01:10", "01:40"),))
    for day in (utc(2026, 10, 25), utc(2027, 3, 28)):
        assert closed(calendar, day, day + DAY) == [Interval(day, day + DAY)]
    ordinary = utc(2026, 11, 25)
    assert len(closed(calendar, ordinary, ordinary + DAY)) == 2


def test_hours_that_touch_stay_open_in_the_night_of_a_change() -> None:
    """In Havana midnight itself comes twice on 1 November 2026."""
    around = Calendar("America/Havana", (hours("12:00", "24:00"), hours("00:00", "10:00")))
    holes = closed(around, utc(2026, 10, 31, 14), utc(2026, 11, 1, 15))
    assert holes == [Interval(utc(2026, 10, 31, 14), utc(2026, 10, 31, 16))]


def test_the_end_of_the_question_may_be_in_an_evening_that_comes_back() -> None:
    """In St. John's clocks went back from 00:01 to 23:01 on 7 November 2010."""
    high = utc(2010, 11, 7, 3)
    quiet = Calendar("America/St_Johns", (), (hours("00:00", "00:01", days=[6]),))
    assert closed(quiet, utc(2010, 11, 7, 2), high) == [Interval(utc(2010, 11, 7, 2, 30), high)]
    evenings = Calendar("America/St_Johns", (hours("18:00", "24:00"), hours("00:00", "06:00")))
    assert closed(evenings, utc(2010, 11, 7, 2), high) == []


def test_a_holiday_is_the_whole_local_day_however_long_it_is() -> None:
    def length(day: date) -> timedelta:
        calendar = Calendar("Europe/London", holidays=frozenset({day}))
        low = datetime.combine(day - DAY, time(), UTC)
        (hole,) = closed(calendar, low, low + 3 * DAY)
        return hole.length

    assert length(date(2026, 12, 25)) == timedelta(hours=24)
    assert length(date(2026, 10, 25)) == timedelta(hours=25)
    assert length(date(2027, 3, 28)) == timedelta(hours=23)


def test_hours_past_midnight_belong_to_the_day_on_which_they_begin() -> None:
    friday_night = Calendar("UTC", (hours("22:00", "02:00", days=[4]),))
    low = utc(2026, 11, 20)  # a Friday
    assert subtract(Interval(low, low + 7 * DAY), closed(friday_night, low, low + 7 * DAY)) == [
        Interval(utc(2026, 11, 20, 22), utc(2026, 11, 21, 2))
    ]
    assert closed(friday_night, utc(2026, 11, 21), utc(2026, 11, 21, 2)) == []


def test_a_calendar_in_another_zone_keeps_its_hours() -> None:
    london = Calendar(
        "Europe/London", (hours("09:00", "18:00"),), (), frozenset({date(2027, 1, 1)})
    )
    tokyo = london.in_zone("Asia/Tokyo")
    assert (tokyo.sending, tokyo.holidays) == (london.sending, london.holidays)
    low = utc(2026, 11, 23)
    assert subtract(Interval(low, low + DAY), closed(tokyo, low, low + DAY)) == [
        Interval(low, low + timedelta(hours=9))
    ]
    assert tokyo.in_zone("Europe/London") == london
    assert hash(tokyo.in_zone("Europe/London")) == hash(london)


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        (Calendar("Europe/London"), True),
        (Calendar("Europe/London", (hours("00:00", "24:00"),)), True),
        (Calendar("Europe/London", (hours("08:00", "20:00"), hours("20:00", "08:00"))), True),
        (Calendar("Europe/London", (hours("00:00", "24:00", days=range(6)),)), False),
        (Calendar("Europe/London", (hours("08:00", "20:00"), hours("20:01", "08:00"))), False),
        (Calendar("Europe/London", (), (hours("08:00", "08:01"),)), False),
        (Calendar("Europe/London", holidays=frozenset({date(2027, 1, 1)})), False),
    ],
)
def test_only_a_calendar_that_never_closes_is_open_always(calendar, expected) -> None:
    assert calendar.is_open_always is expected
    low = utc(2026, 10, 1)
    assert (closed(calendar, low, low + 400 * DAY) == []) is expected


def test_an_empty_or_reversed_range_has_no_holes() -> None:
    calendar = Calendar("UTC", (), (hours("00:00", "24:00"),))
    moment = utc(2026, 11, 20)
    assert closed(calendar, moment, moment) == []
    assert closed(calendar, moment, moment - DAY) == []


@pytest.mark.parametrize(("start", "end"), [(60, 60), (-1, 60), (1440, 60), (60, 1441), (0, 0)])
def test_no_hours_are_made_from_times_that_are_none(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="no hours"):
        Hours(EVERY_DAY, start, end)
