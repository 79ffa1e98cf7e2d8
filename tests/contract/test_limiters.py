"""What every limiter holds, whatever it is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from campaigns.clock import Clock, SystemClock
from tests.support.clock import FakeClock
from tests.support.limits import granted
from worker.throttle.base import Limit, Limiter, Pace, Permits, Wait
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


def test_units_leave_at_the_pace_of_the_slowest_limit(run: Run) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        others = [Limit("sender:carrier:1", 400.0), Limit("team:1", 250.0)]
        permits = await granted(limiter, clock, "carrier", RATE, 10, others=others)
        assert permits.interval == 1 / 250

    run(story)


def test_a_busy_sender_leaves_its_account_to_the_others(run: Run) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        sender = [Limit("sender:carrier:1", 0.1)]
        await granted(limiter, clock, "carrier", RATE, 1, others=sender)
        answer = await limiter.acquire("carrier", RATE, 1, others=sender)
        assert isinstance(answer, Wait)
        assert answer.seconds > 5
        assert len(await granted(limiter, clock, "carrier", RATE, 3)) == 3

    run(story)


def test_a_team_has_one_limit_over_all_accounts(run: Run) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        team = [Limit("team:1", 0.1)]
        await granted(limiter, clock, "one", RATE, 1, others=team)
        for account, rate in (("two", RATE), ("three", None)):
            answer = await limiter.acquire(account, rate, 1, others=team)
            assert isinstance(answer, Wait)
            assert answer.seconds > 5

    run(story)


def test_a_limited_sender_of_an_account_that_cools_down_gets_nothing(run: Run) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        sender = [Limit("sender:carrier:1", RATE)]
        await granted(limiter, clock, "carrier", None, 1, others=sender)
        await limiter.cool("carrier", 60)
        answer = await limiter.acquire("carrier", None, 1, others=sender)
        assert isinstance(answer, Wait)
        assert 50 < answer.seconds <= 60

    run(story)


def test_a_message_dearer_than_a_block_is_granted_whole(run: Run) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        permits = await granted(limiter, clock, "carrier", 1.0, 1, at_least=7)
        assert len(permits) == 7
        answer = await limiter.acquire("carrier", 1.0, 1)
        assert isinstance(answer, Wait)
        assert answer.seconds > 5

    run(story)


def test_nothing_is_leased_for_later_than_it_is_of_use(run: Run) -> None:
    """A lease that nobody uses is lost to everybody."""

    async def story(limiter: Limiter, clock: Clock) -> None:
        await granted(limiter, clock, "carrier", 1.0, 1)
        for within in (0.001, -1.0):
            assert isinstance(await limiter.acquire("carrier", 1.0, 1, within=within), Wait)
        answer = await limiter.acquire("carrier", 1.0, 1)
        assert isinstance(answer, Wait)
        assert answer.seconds <= 1.0

    run(story)


def test_a_burst_is_granted_only_where_no_other_limit_is_in_the_way(run: Run) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        permits = await granted(limiter, clock, "carrier", RATE, 10, burst=4)
        assert permits.at(3) == permits.at(0) < permits.at(4)
        sender = [Limit("sender:carrier:1", RATE)]
        permits = await granted(limiter, clock, "carrier", RATE, 2, burst=4, others=sender)
        assert permits.burst == 1

    run(story)


@pytest.mark.parametrize(
    "rules",
    [
        {"at_least": 0},
        {"burst": 0},
        {"others": [Limit("a", 1.0), Limit("a", 1.0)]},
        {"others": [Limit("carrier", 1.0)]},
        {"others": [Limit("a", 0.0)]},
    ],
)
def test_rules_that_make_no_sense_are_refused(run: Run, rules: dict[str, Any]) -> None:
    async def story(limiter: Limiter, clock: Clock) -> None:
        with pytest.raises(ValueError, match="must be"):
            await limiter.acquire("carrier", RATE, 1, **rules)

    run(story)
