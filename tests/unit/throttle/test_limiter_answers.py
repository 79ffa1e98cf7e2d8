"""What the limiter's answers mean in local time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.support.clock import FakeClock
from worker.throttle.base import Pace, Permits, Wait, cool_span_us
from worker.throttle.gcra import MAX_COOL_US, Grant
from worker.throttle.memory import MemoryLimiter

PACE = Pace(horizon=0.5, max_block=0.2, jitter=0.0, tolerance=0.1)


def test_a_block_counts_its_delay_from_the_receipt_of_the_answer() -> None:
    terms = PACE.terms(50.0)
    answer = PACE.answer(Grant(3, 250_000, 0), terms, received=7.0)
    assert isinstance(answer, Permits)
    assert list(answer.slots) == pytest.approx([7.25, 7.27, 7.29])
    assert len(answer) == 3


def test_a_refusal_says_how_long() -> None:
    assert PACE.answer(Grant(0, 0, 1_500), PACE.terms(50.0), received=7.0) == Wait(0.0015)


@pytest.mark.parametrize("index", [-1, 2])
def test_a_block_has_no_slot_beyond_its_ends(index: int) -> None:
    with pytest.raises(IndexError):
        Permits(start=0.0, interval=1.0, count=2, tolerance=0.1).at(index)


def test_a_slot_is_missed_when_it_is_longer_ago_than_the_tolerance() -> None:
    permits = Permits(start=10.0, interval=1.0, count=2, tolerance=0.5)
    assert not permits.missed(1, 11.5)
    assert permits.missed(1, 11.51)
    assert not permits.missed(0, 9.0)


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
