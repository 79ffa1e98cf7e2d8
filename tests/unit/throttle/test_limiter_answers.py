"""What the limiter's answers mean in local time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import FakeClock
from worker.throttle.base import Pace, Permits, Wait, cool_span_us
from worker.throttle.gcra import MAX_COOL_US, Grant
from worker.throttle.memory import MemoryLimiter

PACE = Pace(horizon=0.5, max_block=0.2, jitter=0.0, tolerance=0.1)


def test_a_block_counts_its_delay_from_the_moment_it_was_granted() -> None:
    terms = PACE.terms(50.0)
    answer = PACE.answer(Grant(3, 250_000, 0), terms, given=7.0)
    assert isinstance(answer, Permits)
    assert list(answer.slots) == pytest.approx([7.25, 7.27, 7.29])
    assert len(answer) == 3


def test_a_refusal_says_how_long() -> None:
    assert PACE.answer(Grant(0, 0, 1_500), PACE.terms(50.0), given=7.0) == Wait(0.0015)


@pytest.mark.parametrize("index", [-1, 2])
def test_a_block_has_no_slot_beyond_its_ends(index: int) -> None:
    with pytest.raises(IndexError):
        Permits(start=0.0, interval=1.0, count=2, tolerance=0.1).at(index)


def block(count: int, burst: int = 1) -> Permits:
    return Permits(start=10.0, interval=1.0, count=count, tolerance=0.1, burst=burst)


def test_units_of_a_burst_leave_together() -> None:
    assert list(block(7, burst=3).slots) == [10, 10, 10, 13, 13, 13, 16]


@pytest.mark.parametrize(
    ("burst", "index", "cost", "moment"),
    [(1, 2, 3, 12), (3, 0, 3, 10), (3, 1, 3, 11), (3, 4, 3, 14), (3, 2, 1, 10), (2, 1, 3, 11)],
)
def test_a_message_leaves_with_its_first_unit_and_no_sooner_than_a_burst_allows(
    burst: int, index: int, cost: int, moment: float
) -> None:
    assert block(8, burst).at(index, cost) == moment


@given(st.integers(1, 10), st.lists(st.integers(1, 10), min_size=1, max_size=30))
def test_a_message_within_the_burst_is_no_unit_earlier_than_it_paid_for(
    burst: int, costs: list[int]
) -> None:
    permits, used = block(sum(costs), burst), 0
    for cost in costs:
        moment = permits.at(used, cost)
        last = used + cost - 1
        assert moment <= permits.start + used
        if cost <= burst:
            assert moment >= permits.start + last - (burst - 1)
        used += cost


@given(st.integers(1, 50), st.integers(1, 10), st.floats(0, 60))
def test_what_is_due_within_a_time_is_counted(count: int, burst: int, seconds: float) -> None:
    permits = block(count, burst)
    due = sum(slot <= permits.start + seconds for slot in permits.slots)
    assert permits.due_within(seconds) == due


def test_a_cool_down_is_capped_at_a_day() -> None:
    assert cool_span_us(1.5) == 1_500_000
    assert cool_span_us(float("inf")) == MAX_COOL_US


@pytest.mark.parametrize("seconds", [-0.1, float("nan")])
def test_what_is_not_a_length_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="must be zero or more"):
        cool_span_us(seconds)


def test_the_limiter_in_memory_keeps_to_the_rate_on_its_clock() -> None:
    clock = FakeClock()
    limiter = MemoryLimiter(clock=clock, pace=PACE)

    async def demand() -> list[float]:
        slots: list[float] = []
        while len(slots) < 200:
            match await limiter.acquire("carrier", 50.0, 100):
                case Wait(seconds):
                    await clock.sleep(seconds)
                case permits:
                    slots += permits.slots
        return slots

    slots = asyncio.run(demand())
    assert all(later - earlier == pytest.approx(0.02) for earlier, later in pairwise(slots))


def test_the_limiter_in_memory_tells_when_an_account_goes_on() -> None:
    clock = FakeClock()
    limiter = MemoryLimiter(clock=clock, pace=PACE)

    async def story() -> None:
        await limiter.cool("carrier", 30)
        assert await limiter.cooling_until("carrier") == clock.now() + timedelta(seconds=30)
        assert await limiter.acquire("carrier", None, 5) == Wait(30.0)
        clock.advance(30)
        assert await limiter.cooling_until("carrier") is None
        assert isinstance(await limiter.acquire("carrier", None, 5), Permits)

    asyncio.run(story())
