"""The limiter's arithmetic, held to its promises over arbitrary histories."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.throttle.gcra import (
    MAX_INTERVAL_US,
    SECOND_US,
    Cell,
    Grant,
    Terms,
    cool,
    cooling_us,
    emission_interval_us,
)
from worker.throttle.gcra import reserve as reserve_all

NOW = 1_900_000_000 * SECOND_US
TERMS = Terms(intervals_us=(20_000,), horizon_us=500_000, max_block_us=200_000)


def reserve(cell: Cell, now_us: int, terms: Terms, want: int) -> tuple[Cell, Grant]:
    """A reservation on one key alone."""
    cells, grant = reserve_all([cell], now_us, terms, want)
    return cells[0], grant


spans = st.integers(0, 5 * SECOND_US)
intervals = st.one_of(st.integers(1, 2_000), st.integers(1, 3 * SECOND_US))


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    return Terms(
        intervals_us=(draw(intervals),),
        horizon_us=draw(st.integers(0, SECOND_US)),
        max_block_us=draw(st.integers(1, SECOND_US // 2)),
    )


steps = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(0, 2 * SECOND_US)),
        st.tuples(st.just("ask"), st.integers(1, 50)),
        st.tuples(st.just("ask"), st.integers(1, 50)),
        st.tuples(st.just("wait and ask"), st.integers(1, 50)),
        st.tuples(st.just("lose the key"), st.just(0)),
        st.tuples(st.just("set the clock back"), st.integers(1, 3600 * SECOND_US)),
        st.tuples(st.just("cool"), spans),
    ),
    max_size=60,
)


@dataclass
class Account:
    """One account, any number of workers, and a server whose clock need not tell the truth.

    ``true_us`` is the time of the world, in which messages leave.
    """

    terms: Terms
    cell: Cell = field(default_factory=Cell)
    true_us: int = 0
    clock_error_us: int = NOW
    slots: list[int] = field(default_factory=list)
    cooled_until_us: int = 0
    longest_cool_us: int = 0

    def ask(self, want: int) -> Grant:
        server_us = self.true_us + self.clock_error_us
        self.cell, grant = reserve(self.cell, server_us, self.terms, want)
        start = self.true_us + grant.delay_us
        slots = [start + i * self.terms.spacing_us for i in range(grant.granted)]
        assert all(slot >= self.cooled_until_us for slot in slots), "a slot inside a cool-down"
        self.slots += slots
        return grant

    def step(self, name: str, amount: int) -> None:
        match name:
            case "pass":
                self.true_us += amount
            case "ask":
                self.ask(amount)
            case "wait and ask":
                self.true_us += self.ask(amount).wait_us
                self.ask(amount)
            case "lose the key":
                self.cell = Cell()
                self.cooled_until_us = 0
            case "set the clock back":
                self.clock_error_us -= amount
            case "cool":
                self.cell = cool(self.cell, self.true_us + self.clock_error_us, amount)
                self.cooled_until_us = max(self.cooled_until_us, self.true_us + amount)
                self.longest_cool_us = max(self.longest_cool_us, amount)


def most_in_any(window_us: int, moments: list[int]) -> int:
    """The most ``moments`` in any ``[t, t + window)``."""
    ordered = sorted(moments)
    return max((bisect_left(ordered, t + window_us) - i for i, t in enumerate(ordered)), default=0)


@given(terms(), steps)
def test_slots_are_an_interval_apart_whatever_happens(
    terms: Terms, history: list[tuple[str, int]]
) -> None:
    account = Account(terms)
    for name, amount in history:
        account.step(name, amount)
    gaps = [later - earlier for earlier, later in pairwise(sorted(account.slots))]
    assert all(gap >= terms.spacing_us for gap in gaps)


@given(st.integers(1, 500), steps)
def test_no_half_open_second_holds_more_slots_than_the_rate(
    rate: int, history: list[tuple[str, int]]
) -> None:
    account = Account(replace(TERMS, intervals_us=(emission_interval_us(rate),)))
    for name, amount in history:
        account.step(name, amount)
    assert most_in_any(SECOND_US, account.slots) <= rate


@given(terms(), intervals, steps, steps)
def test_a_changed_rate_holds_from_its_first_slot_on(
    terms: Terms,
    other_interval: int,
    before: list[tuple[str, int]],
    after: list[tuple[str, int]],
) -> None:
    account = Account(terms)
    for name, amount in before:
        account.step(name, amount)
    leased_before = len(account.slots)
    account.terms = replace(terms, intervals_us=(other_interval,))
    for name, amount in after:
        account.step(name, amount)
    looser = min(terms.spacing_us, other_interval)
    assert all(b - a >= looser for a, b in pairwise(sorted(account.slots)))
    new = sorted(account.slots[leased_before:])
    assert all(b - a >= other_interval for a, b in pairwise(new))


@given(terms(), steps)
def test_a_wait_is_never_longer_than_what_may_be_outstanding(
    terms: Terms, history: list[tuple[str, int]]
) -> None:
    account = Account(terms)
    for name, amount in history:
        account.step(name, amount)
        probe = replace(account, slots=[])
        longest = max(terms.reach_us(), account.longest_cool_us)
        assert probe.ask(1).wait_us <= max(0, longest - terms.horizon_us)


@given(terms(), steps, st.integers(1, 50))
def test_the_wait_is_exact(terms: Terms, history: list[tuple[str, int]], want: int) -> None:
    account = Account(terms)
    for name, amount in history:
        account.step(name, amount)
    refused = account.ask(want)
    if refused.granted:
        return
    assert refused.wait_us > 0
    account.true_us += refused.wait_us - 1
    assert account.ask(want) == Grant(0, 0, 1)
    account.true_us += 1
    granted = account.ask(want)
    assert granted.delay_us == terms.horizon_us
    assert granted.granted == min(want, max(1, terms.max_block_us // terms.spacing_us))


@given(terms(), st.lists(st.integers(1, 50), min_size=1, max_size=5), st.integers(50, 200))
def test_constant_demand_leaves_no_slot_unused(
    terms: Terms, wants: list[int], questions: int
) -> None:
    """Each worker works off its block before it asks again, and waits as long as it is told."""
    account = Account(terms)
    agenda = [(0, worker) for worker in range(len(wants))]
    for _ in range(questions):
        account.true_us, worker = heapq.heappop(agenda)
        grant = account.ask(wants[worker])
        busy = grant.wait_us or grant.delay_us + grant.granted * terms.spacing_us
        heapq.heappush(agenda, (account.true_us + busy, worker))
    assert all(b - a == terms.spacing_us for a, b in pairwise(account.slots))
    assert account.slots


@given(terms(), steps, spans, spans, st.integers(0, 10 * SECOND_US))
def test_a_cool_down_is_only_ever_lengthened(
    terms: Terms, history: list[tuple[str, int]], first: int, second: int, between: int
) -> None:
    account = Account(terms)
    for name, amount in history:
        account.step(name, amount)
    now = account.true_us + account.clock_error_us
    cell = cool(account.cell, now, first)
    later = now + between
    left = cooling_us(cell, later)
    assert left >= max(0, first - between)
    assert cooling_us(cool(cell, later, second), later) == max(left, second)


@given(spans, st.integers(0, 86_400 * SECOND_US), spans)
def test_a_clock_set_back_does_not_prolong_a_cool_down_beyond_its_length(
    span: int, back: int, passed: int
) -> None:
    cell = cool(Cell(), NOW, span)
    assert cooling_us(cell, NOW - back) <= span
    # The reservation keeps what the clamp found, so that the time that passes counts.
    cell, _ = reserve(cell, NOW - back, TERMS, 1)
    assert cooling_us(cell, NOW - back + passed) <= max(0, span - passed)


def test_a_lost_key_is_an_empty_bucket() -> None:
    cell, grant = reserve(Cell(), NOW, TERMS, 100)
    assert grant == Grant(0, 0, TERMS.reach_us() - TERMS.horizon_us)
    _, grant = reserve(cell, NOW + TERMS.reach_us(), TERMS, 100)
    assert grant == Grant(10, 0, 0)


def test_an_idle_account_gets_no_burst() -> None:
    cell = Cell(tat_us=NOW)
    cell, grant = reserve(cell, NOW + 3600 * SECOND_US, TERMS, 100)
    assert grant == Grant(10, 0, 0)
    _, grant = reserve(cell, NOW + 3600 * SECOND_US, TERMS, 100)
    assert grant == Grant(10, 200_000, 0)


def test_a_pace_slower_than_a_block_is_granted_one_by_one() -> None:
    slow = replace(TERMS, intervals_us=(60 * SECOND_US,))
    cell, grant = reserve(Cell(tat_us=NOW), NOW, slow, 100)
    assert grant == Grant(1, 0, 0)
    _, grant = reserve(cell, NOW, slow, 100)
    assert grant == Grant(0, 0, 60 * SECOND_US - slow.horizon_us)


def test_a_raised_rate_does_not_wait_for_the_old_one() -> None:
    slow = replace(TERMS, intervals_us=(86_400 * SECOND_US,))
    cell, _ = reserve(Cell(tat_us=NOW), NOW, slow, 1)
    _, grant = reserve(cell, NOW, TERMS, 1)
    assert grant == Grant(0, 0, TERMS.reach_us() - TERMS.horizon_us)


def test_cooling_does_not_forget_what_was_reserved() -> None:
    cell, _ = reserve(Cell(tat_us=NOW), NOW, TERMS, 10)
    cell = cool(cell, NOW, 50_000)
    _, grant = reserve(cell, NOW, TERMS, 1)
    assert grant.delay_us == 200_000


@given(st.integers(1, 100_000))
def test_the_interval_is_the_shortest_that_keeps_the_rate(rate: int) -> None:
    interval = emission_interval_us(rate)
    assert most_in_any(SECOND_US, list(range(0, 2 * SECOND_US, interval))[: rate + 2]) <= rate
    assert (interval - 1) * rate < SECOND_US


@given(st.integers(1, 999_999_999), st.sampled_from([1, 60, 3600, 86_400]))
def test_rates_per_longer_units_lose_nothing_to_floating_point(count: int, unit: int) -> None:
    interval = emission_interval_us(count / unit)
    exact = -(-unit * SECOND_US // count)
    assert exact <= interval <= exact + 1


@given(st.integers(1, 200), st.data())
def test_messages_later_than_their_slots_by_the_jitter_keep_the_rate(
    rate: int, data: st.DataObject
) -> None:
    jitter = 10_000
    interval = emission_interval_us(rate, jitter)
    lags = data.draw(st.lists(st.sampled_from([0, 1, jitter - 1, jitter]), max_size=3 * rate))
    assert most_in_any(SECOND_US, [i * interval + lag for i, lag in enumerate(lags)]) <= rate


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), 1e-9])
def test_what_is_not_a_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        emission_interval_us(rate)


def test_the_slowest_rate_is_accepted() -> None:
    assert emission_interval_us(SECOND_US / MAX_INTERVAL_US) == MAX_INTERVAL_US
