"""The limiter of all processes together: GCRA on Redis, on the server's own clock.

It fails closed. No answer within the timeout, or an error for an answer, means no permit.
Nothing is retried here: a request that timed out may have reserved slots, which only delays.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from importlib import resources

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from campaigns.clock import Clock, SystemClock
from worker.throttle import gcra
from worker.throttle.base import (
    Limit,
    LimiterUnavailable,
    Pace,
    Permits,
    Wait,
    check,
    cool_span_us,
)
from worker.throttle.server_clock import ServerClock

#: How long the limiter may take to answer, connecting included. Seconds.
TIMEOUT = 0.4


class RedisLimiter:
    """A :class:`~worker.throttle.base.Limiter`; used within one event loop.

    Clock steps: backwards only delays. Forwards, as no sane time service does on a running
    machine, slots can be leased twice, once, for at most horizon plus one block.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock | None = None,
        pace: Pace | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._clock = clock or SystemClock()
        self._pace = pace or Pace()
        self._timeout = timeout
        self._server_clock = ServerClock()
        # Said outright: redis-py's own client tries ten times, and RESP3 may stretch timeouts.
        self._redis = Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
        )
        self._reserve = self._redis.register_script(_script("gcra.lua"))
        self._cool = self._redis.register_script(_script("cool.lua"))

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
        if rate_per_second is None and not others:
            cooling = await self._cooling_us(account)
            return self._pace.unlimited(cooling, max(want, at_least), self._clock.monotonic())
        terms = self._pace.terms(
            rate_per_second, others, burst=burst, period=period, lead=lead, within=within
        )
        lengths = (terms.horizon_us, terms.ahead_us(at_least), terms.max_block_us, terms.lag_us)
        args = (want, at_least, *lengths, terms.burst, terms.lead_us, *terms.intervals_us)
        keys = [_key(account), *(_key(other.key) for other in others)]
        asked = self._clock.monotonic()
        async with self._answering(account):
            *grant, shown_us = await self._reserve(keys=keys, args=args)
        given = self._server_clock.learn(shown_us, asked, self._clock.monotonic())
        return self._pace.answer(gcra.Grant(*grant), terms, given)

    async def cool(self, account: str, seconds: float) -> None:
        """See :meth:`worker.throttle.base.Limiter.cool`."""
        span = cool_span_us(seconds)
        async with self._answering(account):
            await self._cool(keys=[_key(account)], args=(span,))

    async def cooling_until(self, account: str) -> datetime | None:
        """See :meth:`worker.throttle.base.Limiter.cooling_until`."""
        cooling = await self._cooling_us(account)
        return self._clock.now() + timedelta(microseconds=cooling) if cooling else None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._redis.aclose()

    async def _cooling_us(self, account: str) -> int:
        async with self._answering(account):
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.time()
            pipeline.hmget(_key(account), "cool_until", "cool_span")
            (seconds, microseconds), (until, span) = await pipeline.execute()
        cell = gcra.Cell(cool_until_us=int(until or 0), cool_span_us=int(span or 0))
        return gcra.cooling_us(cell, seconds * gcra.SECOND_US + microseconds)

    @asynccontextmanager
    async def _answering(self, account: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except (RedisError, OSError) as error:
            # asyncio's timeout is an OSError; cancelling the client closes its connection, so
            # that a late reply is never taken for the answer to another question.
            reason = str(error) or f"no answer within {self._timeout} s"
            raise LimiterUnavailable(
                f"The limiter cannot answer for {account!r}: {reason}; nothing is sent meanwhile."
            ) from error


def _key(limit: str) -> str:
    # The braces keep all keys in one slot of a Redis cluster, as a script over several of them
    # demands: a team's key goes with every account.
    return f"sluice:{{limits}}:{limit}"


def _script(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
