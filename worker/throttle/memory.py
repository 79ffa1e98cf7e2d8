"""The limiter for one process, without Redis: the specification, kept in a dictionary.

For tests of what stands above the limiter. It forgets everything when the process ends, and knows
nothing of other processes, so it never takes the place of
:class:`~worker.throttle.limiter.RedisLimiter` in production.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from campaigns.clock import Clock, SystemClock
from worker.throttle import gcra
from worker.throttle.base import Limit, Pace, Permits, Wait, check, cool_span_us, microseconds


class MemoryLimiter:
    """A :class:`~worker.throttle.base.Limiter` on ``clock.monotonic()``."""

    def __init__(self, *, clock: Clock | None = None, pace: Pace | None = None) -> None:
        self._clock = clock or SystemClock()
        self._pace = pace or Pace()
        self._cells: defaultdict[str, gcra.Cell] = defaultdict(gcra.Cell)

    async def acquire(
        self,
        account: str,
        rate_per_second: float | None,
        want: int,
        *,
        at_least: int = 1,
        others: Sequence[Limit] = (),
        burst: int = 1,
        period: float = 1.0,
        lead: float = 0.0,
        within: float = math.inf,
    ) -> Permits | Wait:
        """See :meth:`worker.throttle.base.Limiter.acquire`."""
        check(account, want, at_least, others, burst)
        now = self._clock.monotonic()
        if rate_per_second is None and not others:
            cooling = gcra.cooling_us(self._cells[account], microseconds(now))
            return self._pace.unlimited(cooling, max(want, at_least), now)
        terms = self._pace.terms(
            rate_per_second, others, burst=burst, period=period, lead=lead, within=within
        )
        keys = [account, *(other.key for other in others)]
        cells, grant = gcra.reserve(
            [self._cells[key] for key in keys], microseconds(now), terms, want, at_least
        )
        self._cells.update(zip(keys, cells, strict=True))
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
