"""Asking a limiter the way its users do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from campaigns.clock import Clock
from worker.throttle.base import Limit, Limiter, Permits, Wait

#: Bounds a test that would hang; says nothing about how fast anything is. Seconds.
HANGS = 60


async def granted(
    limiter: Limiter,
    clock: Clock,
    account: str,
    rate: float | None,
    want: int,
    *,
    others: Sequence[Limit] = (),
    at_least: int = 1,
    burst: int = 1,
) -> Permits:
    """Ask as often as the limiter says, until it grants."""
    rules = {"others": others, "at_least": at_least, "burst": burst}
    async with asyncio.timeout(HANGS):
        while True:
            match await limiter.acquire(account, rate, want, **rules):
                case Wait(seconds):
                    await clock.sleep(seconds)
                case permits:
                    return permits
