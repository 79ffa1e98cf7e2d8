"""Active time: fast answers that are the same as those of walking along the list."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.schedule.active import ActiveTime, active_time
from campaigns.schedule.calendars import Calendar, Hours, closed
from campaigns.schedule.windows import (
    FOREVER,
    Interval,
    Window,
    active_intervals,
    active_seconds,
    at,
    following,
    subtract,
)

START = datetime(2026, 10, 24, 12, tzinfo=UTC)
EVERY_DAY = frozenset(range(7))
HOURS = st.sampled_from(
    [
        Hours(EVERY_DAY, 9 * 60, 18 * 60),
        Hours(EVERY_DAY, 22 * 60, 6 * 60),
        Hours(frozenset({5, 6}), 0, 24 * 60),
        Hours(frozenset({0}), 30, 90),
        Hours(EVERY_DAY, 0, 24 * 60),
    ]
)


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


moments = st.floats(-10, 110).map(hour)
pauses = st.lists(st.builds(Interval, moments, moments), max_size=3).map(tuple)
windows = st.builds(
    Window,
    st.just(START),
    st.none() | st.floats(1, 90).map(hour),
    st.none() | st.floats(1, 90).map(hour),
    pauses,
    st.sampled_from(["continue", "next_window", "expire"]),
)
some_hours = st.lists(HOURS, max_size=2).map(tuple)
calendars = st.builds(
    Calendar,
    st.sampled_from(["Europe/London", "Pacific/Chatham", "UTC"]),
    some_hours,
    some_hours,
    st.frozensets(st.dates(date(2026, 10, 24), date(2026, 10, 27)), max_size=1),
)


@given(windows, moments, moments)
def test_every_answer_is_that_of_the_plain_list(window, one, other) -> None:
    intervals = active_intervals(window)
    active = ActiveTime(tuple(intervals))
    edges = [edge for interval in intervals for edge in (interval.start, interval.end)]
    for moment in (one, other, *edges):
        assert active.at(moment) == at(intervals, moment)
        assert active.following(moment) == following(intervals, moment)
        expected = tuple(interval for interval in intervals if interval.end <= moment)
        assert active.until(moment).intervals == expected
        for end in (one, other, FOREVER):
            seconds = active_seconds(intervals, moment, end)
            assert active.seconds(moment, end) == pytest.approx(seconds, rel=1e-12, abs=1e-6)
    assert bool(active) == bool(intervals)


@given(windows, moments, moments, moments)
def test_seconds_add_up(window, one, two, three) -> None:
    active = ActiveTime(tuple(active_intervals(window)))
    low, middle, high = sorted((one, two, three))
    parts = active.seconds(low, middle) + active.seconds(middle, high)
    assert active.seconds(low, high) == pytest.approx(parts, abs=1e-6)
    assert 0 <= parts <= (high - low).total_seconds() + 1e-6


def test_without_any_interval_there_is_nothing() -> None:
    active = ActiveTime()
    assert not active
    assert (active.at(START), active.following(START)) == (None, None)
    assert active.seconds(START, hour(1)) == 0
    assert active.until(START) == active


@given(windows, st.lists(calendars, max_size=2))
def test_calendars_take_away_exactly_what_they_close(window, some) -> None:
    through = hour(100)
    low, high = hour(-10), through
    bounded = replace(window, expiry=min(window.end, through))
    holes = [hole for calendar in some for hole in closed(calendar, low, high)]
    expected = [
        part for interval in active_intervals(bounded) for part in subtract(interval, holes)
    ]
    found = active_time(window, some, through).intervals
    clipped = [Interval(i.start, min(i.end, through)) for i in found if i.start < through]
    assert clipped == expected
    assert all(a.end <= b.start for a, b in pairwise(found))


@given(windows, st.lists(calendars, max_size=2))
def test_the_finish_stays_a_boundary(window, some) -> None:
    active = active_time(window, some, hour(100))
    finish = window.finish
    if finish is not None:
        assert not any(i.start < finish < i.end for i in active.intervals)
        whole = active.seconds(window.start, finish)
        assert active.until(finish).seconds(window.start, hour(100)) == pytest.approx(whole)


@given(windows, calendars, st.floats(1, 100).map(hour))
def test_what_is_asked_for_and_what_is_before_the_finish_is_never_left_out(
    window, calendar, through
) -> None:
    short = active_time(window, [calendar], through)
    long = active_time(window, [calendar], hour(200))
    bound = max(through, window.finish or through)
    assert short.seconds(START, bound) == pytest.approx(long.seconds(START, bound), abs=1e-6)
    if not calendar.is_open_always:
        assert short.seconds(bound, FOREVER) == 0


def test_a_window_without_an_end_is_bounded_by_hours_only() -> None:
    nights = Calendar("UTC", (), (Hours(EVERY_DAY, 22 * 60, 6 * 60),))
    never = Calendar("UTC", (Hours(EVERY_DAY, 0, 24 * 60),))
    assert active_time(Window(START), [never], hour(48)).intervals == (Interval(START, FOREVER),)
    assert active_time(Window(START), [nights], hour(48)).intervals == (
        Interval(START, hour(10)),
        Interval(hour(18), hour(34)),
        Interval(hour(42), hour(48)),
    )


def test_a_window_that_is_wholly_closed_has_no_active_time() -> None:
    quiet = Calendar("UTC", (), (Hours(EVERY_DAY, 0, 24 * 60),))
    contradiction = [
        Calendar("UTC", (Hours(EVERY_DAY, 9 * 60, 12 * 60),)),
        Calendar("UTC", (Hours(EVERY_DAY, 12 * 60, 18 * 60),)),
    ]
    for some in ([quiet], contradiction):
        assert not active_time(Window(START, hour(30)), some, hour(200))
