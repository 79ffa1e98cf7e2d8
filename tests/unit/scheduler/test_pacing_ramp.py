"""Warm-up: what each day of a run may bring."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.pacing import MAX_ALLOWANCE, Ramp, RampState, allowance, day_of, ramped

START = datetime(2030, 3, 30, 18, tzinfo=UTC)
DAY = 86_400


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_the_first_day_brings_its_number_and_each_next_one_the_factor_more():
    assert [allowance(Ramp(100, 2.0), day) for day in range(5)] == [100, 200, 400, 800, 1600]
    assert [allowance(Ramp(10, 1.5), day) for day in range(4)] == [10, 15, 22, 33]
    assert allowance(Ramp(100, 1.0), 10_000) == 100


@pytest.mark.parametrize("factor", ["1.1", "1.15", "1.7", "2.3"])
def test_a_fraction_that_floats_cannot_hold_loses_no_message(factor):
    """100 times 1.15 is 115, and not 114.99999999999999."""
    tenths = round(float(factor) * 100)
    assert allowance(Ramp(100, float(factor)), 1) == tenths
    assert allowance(Ramp(10_000, float(factor)), 2) == tenths * tenths


@given(
    st.integers(min_value=0, max_value=10**12),
    st.floats(min_value=0, max_value=1e300),
    st.integers(min_value=0, max_value=10**9),
)
def test_no_day_and_no_factor_overflows(first_day, factor, day):
    assert 0 <= allowance(Ramp(first_day, factor), day) <= MAX_ALLOWANCE


def test_a_day_is_24_hours_from_the_start():
    assert day_of(START, START) == 0
    assert day_of(START, at(DAY - 0.001)) == 0
    assert day_of(START, at(DAY)) == 1
    assert day_of(START, at(-5)) == 0


@given(
    st.builds(
        Ramp,
        st.integers(min_value=1, max_value=500),
        st.floats(min_value=1, max_value=3),
    ),
    st.lists(
        st.tuples(
            st.floats(min_value=0, max_value=1.5 * DAY),
            st.integers(min_value=0, max_value=1000),
            st.integers(min_value=0, max_value=50),
        ),
        max_size=60,
    ),
)
def test_whatever_the_ticks_no_day_brings_more_than_its_allowance(ramp, steps):
    """Each step comes after a while, hands out what it can, and then some comes back untried."""
    now, handed_out, state = 0.0, 0, None
    sent: dict[int, int] = {}
    for wait, wish, back in steps:
        now += wait
        left, state = ramped(ramp, state, handed_out, START, at(now))
        granted = min(left, wish)
        day = day_of(START, at(now))
        sent[day] = sent.get(day, 0) + granted
        assert sent[day] <= allowance(ramp, day)
        returned = min(back, granted)
        sent[day] -= returned
        handed_out += granted - returned


def test_what_came_back_within_the_day_may_be_handed_out_again():
    left, state = ramped(Ramp(100, 2.0), RampState(0, 0), 100, START, at(10))
    assert left == 0
    left, _ = ramped(Ramp(100, 2.0), state, 70, START, at(20))
    assert left == 30


def test_what_came_back_of_yesterdays_is_charged_to_today():
    _, state = ramped(Ramp(100, 2.0), None, 100, START, at(DAY))
    left, state = ramped(Ramp(100, 2.0), state, 60, START, at(DAY + 10))
    assert (left, state) == (200, RampState(1, 60))
    assert ramped(Ramp(100, 2.0), state, 260, START, at(DAY + 20))[0] == 0


def test_a_clock_that_is_set_back_gives_no_second_day():
    ramp = Ramp(100, 2.0)
    _, state = ramped(ramp, None, 100, START, at(DAY))
    left, state = ramped(ramp, state, 300, START, at(DAY - 1))
    assert left == 0
    assert ramped(ramp, state, 300, START, at(DAY + 1))[0] == 0


def test_a_ramp_that_begins_in_the_middle_of_a_run_counts_from_there():
    left, state = ramped(Ramp(100, 2.0), None, 5000, START, at(10))
    assert (left, state) == (100, RampState(0, 5000))
