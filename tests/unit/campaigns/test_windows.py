"""Interval arithmetic, compared with a clock that is asked second by second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from campaigns.schedule.windows import (
    FOREVER,
    Interval,
    Window,
    active_intervals,
    active_seconds,
    at,
    following,
    merged,
    subtract,
)

START = datetime(2030, 1, 1, 12, tzinfo=UTC)


def moment(second: float) -> datetime:
    return START + timedelta(seconds=second)


seconds = st.integers(min_value=-20, max_value=80)
intervals = st.builds(lambda a, b: Interval(moment(a), moment(b)), seconds, seconds)
windows = st.builds(
    lambda finish, expiry, pauses, leftover: Window(
        START,
        None if finish is None else moment(finish),
        None if expiry is None else moment(expiry),
        tuple(pauses),
        leftover,
    ),
    st.none() | st.integers(min_value=-5, max_value=60),
    st.none() | st.integers(min_value=-5, max_value=60),
    st.lists(intervals, max_size=4),
    st.sampled_from(["continue", "next_window", "expire"]),
)


def allowed(window: Window, when: datetime) -> bool:
    """The rule as a person would say it."""
    if when < window.start or (window.expiry is not None and when >= window.expiry):
        return False
    if window.leftover != "continue" and window.finish is not None and when >= window.finish:
        return False
    return not any(pause.start <= when < pause.end for pause in window.pauses)


@given(windows)
def test_active_intervals_say_what_the_rule_says_at_every_second(window):
    found = active_intervals(window)
    for second in range(-25, 85):
        assert (at(found, moment(second)) is not None) == allowed(window, moment(second))


@given(windows)
def test_active_intervals_are_sorted_disjoint_and_split_at_the_finish(window):
    found = active_intervals(window)
    assert all(interval.start < interval.end for interval in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    if window.finish is not None:
        assert not any(interval.start < window.finish < interval.end for interval in found)


def test_a_window_that_waits_for_the_next_one_is_over_at_its_finish_and_its_run_is_not():
    window = Window(START, moment(10), moment(60), (), "next_window")
    assert active_intervals(window) == [Interval(START, moment(10))]
    assert window.end == moment(60)
    assert Window(START, moment(10), None, (), "next_window").end == FOREVER


@given(st.lists(intervals, max_size=6))
def test_merging_keeps_every_covered_second(some):
    found = merged(some)
    for second in range(-20, 81):
        covered = any(moment(second) in interval for interval in some)
        assert any(moment(second) in interval for interval in found) == covered
    assert all(a.end < b.start for a, b in pairwise(found))


@given(intervals, st.lists(intervals, max_size=4))
def test_active_seconds_add_up(whole, holes):
    parts = subtract(whole, holes)
    inside = active_seconds(merged(holes), whole.start, whole.end) if whole.length else 0
    assert active_seconds(parts, moment(-20), moment(80)) + inside == whole.length.total_seconds()


def test_following_is_the_next_interval_only():
    found = [Interval(moment(0), moment(5)), Interval(moment(9), moment(12))]
    assert following(found, moment(3)) == found[1]
    assert following(found, moment(9)) is None
