"""Asking a limiter the way its users do."""

from __future__ import annotations

import asyncio

from campaigns.clock import Clock
from worker.throttle.base import Limiter, Permits, Wait

#: Bounds a test that would hang; says nothing about how fast anything is. Seconds.
HANGS = 60


async def granted(limiter: Limiter, clock: Clock, account: str, rate: float, want: int) -> Permits:
    """Ask as often as the limiter says, until it grants."""
    async with asyncio.timeout(HANGS):
        while True:
            match await limiter.acquire(account, rate, want):
                case Wait(seconds):
                    await clock.sleep(seconds)
                case permits:
                    return permits
