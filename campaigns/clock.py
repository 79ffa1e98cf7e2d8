"""Time as a dependency, so that whoever waits or compares moments can be given another clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the processes need to know about time."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never goes back, unlike :meth:`now`."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when at least ``seconds`` of :meth:`monotonic` have passed; never earlier."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        # libuv's timers count whole milliseconds: uvloop may wake up to half of one too early.
        end = time.monotonic() + seconds
        await asyncio.sleep(seconds)
        left = end - time.monotonic()
        while left > 0:
            await asyncio.sleep(left)
            left = end - time.monotonic()


async def sleep_until(clock: Clock, moment: float) -> None:
    """Return when ``clock.monotonic()`` has reached ``moment``; at once where it has passed."""
    left = moment - clock.monotonic()
    if left > 0:
        await clock.sleep(left)
