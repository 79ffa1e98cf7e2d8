"""What a batch asks the limiter for: the account's rate as it is at that moment."""

from __future__ import annotations

import asyncio

from campaigns.providers import ProviderConfig
from campaigns.schedule.adaptive import RateFactor
from tests.support.batches import ScriptedAdapter
from tests.support.clock import FakeClock
from worker.account import Account
from worker.condition import Known
from worker.permits import PermitSource
from worker.slots import Slots
from worker.throttle.base import Permits
from worker.throttle.memory import MemoryLimiter


def interval(rate: str | None, factor: float, later: float, *, live: str | None = None) -> float:
    """The distance of the slots of an account, ``later`` seconds after it was slowed down."""

    async def story() -> float:
        clock = FakeClock()
        config = ProviderConfig(name="a", adapter="sandbox", channel="sms", rate=rate)
        account = Account(config, ScriptedAdapter({}, 1), transport=None, slots=Slots(1))
        source = PermitSource(MemoryLimiter(clock=clock), clock, account, ())
        account.condition.learn(Known(factor=RateFactor(factor, clock.now())), clock.monotonic())
        if live is not None:
            account.config = config.model_copy(update={"rate": live})
        clock.advance(later)
        found = await source.wait_for(5, 1, until=clock.monotonic() + 3600)
        assert isinstance(found, Permits)
        return found.interval

    return asyncio.run(story())


def test_an_account_that_was_throttled_is_asked_for_at_its_lowered_rate():
    whole = interval("100/s", 1.0, 0)
    assert interval("100/s", 0.5, 0) > 1.9 * whole
    assert whole < interval("100/s", 0.5, 15) < 1.5 * whole
    assert interval("100/s", 0.5, 60) == whole


def test_a_rate_that_was_changed_meanwhile_counts():
    assert interval("100/s", 1.0, 0, live="50/s") == interval("50/s", 1.0, 0)


def test_an_account_without_a_rate_has_nothing_to_lower():
    assert interval(None, 0.5, 0) == 0.0
