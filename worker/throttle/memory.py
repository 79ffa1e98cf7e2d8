"""The limiter for one process, without Redis: the specification, kept in a dictionary.

For tests of what stands above the limiter. It forgets everything when the process ends, and knows
nothing of other processes, so it never takes the place of
:class:`~worker.throttle.limiter.RedisLimiter` in production.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from campaigns.clock import Clock, SystemClock
from worker.throttle import gcra
from worker.throttle.base import Pace, Permits, Wait, cool_span_us, microseconds


class MemoryLimiter:
    """A :class:`~worker.throttle.base.Limiter` on ``clock.monotonic()``."""

    def __init__(self, *, clock: Clock | None = None, pace: Pace | None = None) -> None:
        self._clock = clock or SystemClock()
        self._pace = pace or Pace()
        self._cells: defaultdict[str, gcra.Cell] = defaultdict(gcra.Cell)

    async def acquire(
        self, account: str, rate_per_second: float | None, want: int
    ) -> Permits | Wait:
        """See :meth:`worker.throttle.base.Limiter.acquire`."""
        now = self._clock.monotonic()
        cell = self._cells[account]
        if rate_per_second is None:
            return self._pace.unlimited(gcra.cooling_us(cell, microseconds(now)), want, now)
        terms = self._pace.terms(rate_per_second, want)
        self._cells[account], grant = gcra.reserve(cell, microseconds(now), terms, want)
        return self._pace.answer(grant, terms, now)

    async def cool(self, account: str, seconds: float) -> None:
        """See :meth:`worker.throttle.base.Limiter.cool`."""
        now = microseconds(self._clock.monotonic())
        self._cells[account] = gcra.cool(self._cells[account], now, cool_span_us(seconds))

    async def cooling_until(self, account: str) -> datetime | None:
        """See :meth:`worker.throttle.base.Limiter.cooling_until`."""
        now = microseconds(self._clock.monotonic())
        cooling = gcra.cooling_us(self._cells[account], now)
        return self._clock.now() + timedelta(microseconds=cooling) if cooling else None

    async def aclose(self) -> None:
        """Nothing to close."""
