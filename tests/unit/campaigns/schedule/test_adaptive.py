"""The rate factor (AIMD), the circuit breaker and the fallback chain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.schedule.adaptive import (
    BLOCKED_PAUSE,
    DECREASE,
    LONGEST_BLOCKED_PAUSE,
    LONGEST_HOLD,
    LOWEST_FACTOR,
    Health,
    RateFactor,
    after_failure,
    after_refusal,
    after_success,
    after_throttled,
    capacity,
    chain_position,
    current,
)

START = datetime(2030, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


spans = st.floats(min_value=0, max_value=200)
#: How long after the one before a throttled reply comes, and for how long it holds.
replies = st.lists(st.tuples(spans, spans), max_size=40)


@given(replies, spans)
def test_the_factor_lies_between_its_floor_and_the_full_rate(replies, later):
    state, now = None, 0.0
    for wait, hold in replies:
        now += wait
        state = after_throttled(state, at(now), at(now + hold))
        assert LOWEST_FACTOR <= current(state, at(now)) <= 1
    assert LOWEST_FACTOR <= current(state, at(now + later)) <= 1


@given(replies, spans, spans)
def test_without_further_replies_the_factor_never_falls(replies, first, second):
    state, now = None, 0.0
    for wait, hold in replies:
        now += wait
        state = after_throttled(state, at(now), at(now + hold))
    earlier = current(state, at(now + first))
    assert current(state, at(now + first + second)) >= earlier


@given(st.floats(min_value=LOWEST_FACTOR, max_value=1), spans, spans)
def test_a_throttled_reply_leaves_half_of_the_rate_of_that_moment(value, wait, hold):
    state = RateFactor(value, START)
    before = current(state, at(wait))
    after = after_throttled(state, at(wait), at(wait + hold))
    assert current(after, at(wait)) == max(before * DECREASE, LOWEST_FACTOR)


@given(st.lists(st.tuples(st.floats(min_value=0, max_value=9.9), spans), max_size=20))
def test_replies_within_one_cool_down_lower_the_rate_once_and_keep_the_longest_hold(others):
    state = after_throttled(None, START, at(10))
    ends = [10.0]
    for moment, hold in others:
        state = after_throttled(state, at(moment), at(moment + hold))
        ends.append(moment + hold)
    assert state == RateFactor(DECREASE, at(max(ends)))


def test_the_rate_is_lowered_again_by_a_reply_after_the_cool_down():
    once = after_throttled(None, START, at(10))
    assert current(after_throttled(once, at(10), at(12)), at(12)) == 0.25


def test_recovery_starts_when_the_cool_down_ends_and_takes_30_seconds_from_half_to_full():
    state = after_throttled(None, START, at(100))
    assert current(state, at(50)) == 0.5
    assert current(state, at(100)) == 0.5
    assert current(state, at(115)) == pytest.approx(0.75)
    assert current(state, at(129.9)) < 1
    assert current(state, at(130.1)) == 1


def test_an_account_that_was_never_throttled_has_its_full_rate():
    assert current(None, START) == 1


def test_a_provider_that_keeps_throttling_is_still_tried():
    state = None
    for second in range(100):
        state = after_throttled(state, at(second), at(second))
    assert current(state, at(99)) == LOWEST_FACTOR


@given(st.integers(min_value=1, max_value=5000))
def test_holds_double_from_one_second_to_thirty(failures):
    health, now, holds = Health(), START, []
    for _ in range(min(failures, 12)):
        health = after_failure(health, now)
        assert health.cooling_until is not None
        holds.append((health.cooling_until - now).total_seconds())
        now = health.cooling_until
    assert holds == [1, 2, 4, 8, 16, *[30] * 7][: len(holds)]
    assert after_failure(Health(failures), START).cooling_until - START <= LONGEST_HOLD


@given(st.lists(st.floats(min_value=0, max_value=0.99), max_size=50))
def test_failures_reported_while_the_account_is_held_count_once(moments):
    health = after_failure(Health(), START)
    for moment in moments:
        health = after_failure(health, at(moment))
    assert health == Health(1, "closed", at(1))


@given(st.lists(st.tuples(st.floats(min_value=0, max_value=40), st.booleans()), max_size=60))
def test_the_circuit_is_open_exactly_after_three_failures_in_a_row(events):
    health, now, row = Health(), START, 0
    for wait, answered in events:
        now += timedelta(seconds=wait)
        held = health.is_cooling(now)
        health = after_success(health, now) if answered else after_failure(health, now)
        row = 0 if answered else row + (not held)
        assert health.failures == row
        assert health.circuit == ("open" if row >= 3 else "closed")


def test_an_answer_closes_the_circuit_and_lifts_no_hold():
    """A provider that throttled us answers too."""
    assert after_success(Health(7, "open", at(30)), START) == Health(0, "closed", at(30))


def test_a_refused_account_is_held_for_a_minute_doubling_to_a_quarter_of_an_hour():
    health, now, holds = Health(), START, []
    for _ in range(7):
        health = after_refusal(health, now)
        assert (health.circuit, health.failures) == ("open", 0)
        assert health.cooling_until is not None
        holds.append((health.cooling_until - now).total_seconds())
        now = health.cooling_until
    assert holds == [60, 120, 240, 480, 900, 900, 900]
    assert LONGEST_BLOCKED_PAUSE.total_seconds() == 900


def test_refusals_of_requests_from_before_the_hold_count_once():
    health = after_refusal(Health(), START)
    assert after_refusal(health, at(30)) == health


def test_an_answer_to_a_request_from_before_the_refusal_does_not_lift_it():
    """Some of many requests under way are taken while others are refused."""
    refused = after_refusal(Health(), START)
    assert after_success(refused, at(1)) == refused
    after = START + BLOCKED_PAUSE
    assert after_success(refused, after) == Health(0, "closed", after)


def test_a_refused_account_that_cannot_be_reached_stays_refused():
    refused = after_refusal(Health(), START)
    lost = after_failure(refused, START + BLOCKED_PAUSE)
    assert (lost.refusals, lost.failures, lost.circuit) == (1, 1, "open")


healths = st.builds(
    Health,
    st.integers(min_value=0, max_value=20),
    st.sampled_from(["closed", "open"]),
    st.none() | st.floats(min_value=-50, max_value=50).map(at),
)
counts = st.integers(min_value=0, max_value=1000)


@given(healths, counts, counts)
def test_an_account_that_cools_gets_nothing(health, normal, outstanding):
    if health.is_cooling(START):
        assert capacity(health, START, normal, outstanding) == 0


@given(healths, st.integers(min_value=1, max_value=1000), counts)
def test_an_open_circuit_lets_one_probe_through_at_a_time(health, normal, outstanding):
    if health.circuit == "open" and not health.is_cooling(START):
        expected = 1 if outstanding == 0 else 0
        assert capacity(health, START, normal, outstanding) == expected


@given(healths, counts, counts)
def test_a_healthy_account_is_filled_up_to_its_ceiling(health, normal, outstanding):
    if health.circuit == "closed" and not health.is_cooling(START):
        more = capacity(health, START, normal, outstanding)
        assert more == max(normal - outstanding, 0)


def test_the_hold_ends_at_its_very_moment():
    assert capacity(Health(1, "closed", START), START, 10, 0) == 10


def test_the_next_account_takes_over_when_the_attempts_of_the_one_before_are_used_up():
    assert [chain_position(n, [3, 2, 1]) for n in range(8)] == [0, 0, 0, 1, 1, 2, 2, 2]
    assert [chain_position(n, [1]) for n in range(3)] == [0, 0, 0]


@given(
    st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=6),
    st.integers(min_value=0, max_value=80),
)
def test_every_account_of_a_chain_makes_exactly_its_attempts(limits, attempts):
    places = [chain_position(n, limits) for n in range(sum(limits))]
    assert [places.count(place) for place in range(len(limits))] == limits
    assert places == sorted(places)
    assert 0 <= chain_position(attempts, limits) < len(limits)
