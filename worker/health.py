"""How accounts fare, shared by all processes: what one of them sees holds for the others.

``provider_states`` has the truth. A process reads it twice a second, and whatever it sees itself it
writes there at once, under the row's lock; the limiter is told too, which holds the account for
those who have not read it yet.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout

from campaigns import queries
from campaigns.clock import Clock
from campaigns.database import AsyncPool
from campaigns.schedule.adaptive import Health, RateFactor
from worker.account import Account
from worker.accounts import Accounts
from worker.condition import NO_NEWS, Known, News, ProviderState, Told, after
from worker.throttle.base import Limiter, LimiterUnavailable

log = logging.getLogger(__name__)

#: How often the states are read, in seconds.
READ_EVERY = 0.5

_SIGNS = queries.load("campaigns.run", "signs.sql")


class HealthKeeper:
    """Tells and learns how the accounts of one process fare."""

    def __init__(self, pool: AsyncPool, limiter: Limiter, clock: Clock) -> None:
        self._pool = pool
        self._limiter = limiter
        self._clock = clock
        self._telling: dict[str, asyncio.Lock] = {}

    async def follow(self, accounts: Accounts) -> None:
        """Keep ``accounts`` informed, until cancelled."""
        while True:
            try:
                await self.read(accounts)
            except (psycopg.Error, PoolTimeout) as error:
                log.warning("how the accounts fare cannot be read (%s)", type(error).__name__)
            await asyncio.sleep(READ_EVERY)

    async def read(self, accounts: Accounts) -> None:
        """Learn what the database says about all accounts."""
        async with self._pool.connection() as conn:
            rows = await (await conn.execute(_SIGNS.provider_states)).fetchall()
        now = self._clock.monotonic()
        for row in rows:
            account = accounts.get(row["provider"])
            if account is not None:
                account.condition.learn(self._known(row), now)

    async def tell(self, account: Account) -> None:
        """Tell everybody what happened at ``account``; a failure to do so is logged.

        What comes together is told together: whoever waits for its turn here finds it done.
        """
        name = account.config.name
        async with self._telling.setdefault(name, asyncio.Lock()):
            news = account.condition.take_news()
            if news is NO_NEWS:
                return
            try:
                await self._tell(account, news)
            except (psycopg.Error, PoolTimeout) as error:
                log.warning("%s: how it fares cannot be written (%s)", name, type(error).__name__)

    async def _tell(self, account: Account, news: News) -> None:
        now = self._clock.monotonic()
        throttling = news.throttling
        told = Told(news)
        if throttling:
            told = Told(news, max(throttling.until - now, 0.0), now - throttling.sent)
            await self._cool(account, told.rest)
        state, at = await self._write(account.config.name, told)
        rest = _seconds(state.health.cooling_until, at)
        account.condition.learn(
            Known(state.health.failures, state.health.circuit, rest, self._local(state.factor, at)),
            self._clock.monotonic(),
        )
        if (news.failure or news.refusal) and rest:
            await self._cool(account, rest)

    async def _cool(self, account: Account, seconds: float) -> None:
        name = account.config.name
        try:
            await self._limiter.cool(name, seconds)
        except LimiterUnavailable:
            log.warning("%s: the limiter cannot be told to cool down", name)

    async def _write(self, provider: str, told: Told) -> tuple[ProviderState, datetime]:
        """The new state, and the database's time."""
        key = {"provider": provider}
        async with self._pool.connection() as conn, conn.transaction():
            await conn.execute(_SIGNS.add_provider_state, key)
            row = await (await conn.execute(_SIGNS.lock_provider_state, key)).fetchone()
            assert row is not None, "it was added just now"
            now: datetime = row["now"]
            state = after(_state(row), told, now)
            await conn.execute(_SIGNS.write_provider_state, key | _row(state) | {"now": now})
        return state, now

    def _known(self, row: Mapping[str, Any]) -> Known:
        factor = None
        if row["factor_age"] is not None:
            at = self._clock.now() - timedelta(seconds=row["factor_age"])
            factor = RateFactor(row["rate_factor"], at)
        return Known(row["failures"], row["circuit"], row["rest"] or 0.0, factor)

    def _local(self, factor: RateFactor | None, at: datetime) -> RateFactor | None:
        """In terms of this machine's clock, which showed its now when the database's was ``at``."""
        return factor and RateFactor(factor.value, self._clock.now() + (factor.at - at))


def _state(row: Mapping[str, Any]) -> ProviderState:
    factor = None if row["factor_at"] is None else RateFactor(row["rate_factor"], row["factor_at"])
    health = Health(row["failures"], row["circuit"], row["cooling_until"], row["refusals"])
    return ProviderState(health, row["cooling_reason"], factor, row["refusal"])


def _row(state: ProviderState) -> dict[str, Any]:
    return {
        "failures": state.health.failures,
        "circuit": state.health.circuit,
        "cooling_until": state.health.cooling_until,
        "cooling_reason": state.reason,
        "refusals": state.health.refusals,
        "refusal": state.refusal,
        "rate_factor": state.factor.value if state.factor else 1.0,
        "factor_at": state.factor.at if state.factor else None,
    }


def _seconds(until: datetime | None, now: datetime) -> float:
    return 0.0 if until is None else max((until - now).total_seconds(), 0.0)
