"""What every limiter holds, whatever it is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from campaigns.clock import Clock, SystemClock
from tests.support.clock import FakeClock
from tests.support.limits import granted
from worker.throttle.base import Limiter, Pace, Permits, Wait
from worker.throttle.limiter import RedisLimiter
from worker.throttle.memory import MemoryLimiter

PACE = Pace(horizon=0.02, max_block=0.02, jitter=0.0)
RATE = 500.0

Story = Callable[[Limiter, Clock], Awaitable[None]]
Run = Callable[[Story], None]


@pytest.fixture(params=["memory", "redis"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a story against each limiter."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None

    async def told(story: Story) -> None:
        clock: Clock = FakeClock() if url is None else SystemClock()
        limiter: Limiter = (
            MemoryLimiter(clock=clock, pace=PACE)
            if url is None
            else RedisLimiter(url, clock=clock, pace=PACE, timeout=5.0)
        )
        try:
            await story(limiter, clock)
        finally:
            await limiter.aclose()

    return lambda story: asyncio.run(told(story))


def test_an_unknown_account_waits_for_what_may_be_outstanding(run: Run) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        answer = await limiter.acquire("carrier", RATE, 1)
        assert isinstance(answer, Wait)
        assert answer.seconds == pytest.approx(PACE.max_block)

    run(story)


def test_a_block_is_no_longer_than_allowed_and_no_larger_than_wanted(run: Run) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        for want, length in ((1000, 10), (3, 3)):
            permits = await granted(limiter, clock, "carrier", RATE, want)
            assert len(permits) == length
            assert permits.interval == 1 / RATE

    run(story)


def test_accounts_do_not_touch_each_other(run: Run) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        await limiter.cool("one", 60)
        assert await limiter.cooling_until("two") is None
        assert await granted(limiter, clock, "two", RATE, 1)

    run(story)


def test_an_account_that_cools_down_gets_nothing_with_or_without_a_rate(run: Run) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        await granted(limiter, clock, "carrier", RATE, 1)
        await limiter.cool("carrier", 60)
        for rate in (RATE, None):
            answer = await limiter.acquire("carrier", rate, 1)
            assert isinstance(answer, Wait)
            assert 50 < answer.seconds <= 60

    run(story)


def test_a_shorter_cool_down_does_not_end_a_longer_one(run: Run) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        await limiter.cool("carrier", 60)
        await limiter.cool("carrier", 1)
        until = await limiter.cooling_until("carrier")
        assert until is not None
        assert (until - clock.now()).total_seconds() > 50

    run(story)


def test_without_a_rate_everything_is_due_at_once(run: Run) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        permits = await limiter.acquire("carrier", None, 1000)
        assert isinstance(permits, Permits)
        assert len(permits) == 1000
        assert permits.at(999) <= clock.monotonic()

    run(story)


@pytest.mark.parametrize(("rate", "want"), [(RATE, 0), (None, 0), (0.0, 1), (-1.0, 1)])
def test_what_makes_no_sense_is_refused(run: Run, rate: float | None, want: int) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        with pytest.raises(ValueError, match="must be"):
            await limiter.acquire("carrier", rate, want)

    run(story)
