"""What a send process holds: ledger, limiter, accounts. Built here and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg_pool import PoolTimeout

from campaigns import database, providers
from campaigns.clock import Clock, SystemClock
from campaigns.database import AsyncPool
from campaigns.providers import ProviderConfig
from campaigns.settings import Settings
from worker.account import Account
from worker.adapters.registry import build
from worker.ledger import Ledger
from worker.slots import Slots
from worker.throttle.base import Limiter, Pace
from worker.throttle.limiter import RedisLimiter
from worker.transport.factory import DEFAULT_TRANSPORT, open_transport

log = logging.getLogger(__name__)

#: Connections for claims and records; each is held for one statement.
POOL_SIZE = 8

#: How often a send process says that it is alive, in seconds.
HEARTBEAT_SECONDS = 5.0

#: Blocks of 0.1 s: what is leased is sent after a pause was pressed, so a block has to be short.
PACE = Pace(horizon=0.3, max_block=0.1)


@dataclass(slots=True)
class Engine:
    """The send path's surroundings, alive inside one event loop."""

    ledger: Ledger
    limiter: Limiter
    accounts: Mapping[str, Account]
    clock: Clock
    #: Set when the process shuts down: batches stop claiming and hand back their rest.
    stopping: bool = False
    _pool: AsyncPool | None = None
    _heart: asyncio.Task[None] | None = field(default=None, repr=False)

    async def aclose(self) -> None:
        """Close everything that :func:`open_engine` opened."""
        if self._heart is not None:
            self._heart.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._heart
        for account in self.accounts.values():
            await account.transport.aclose()
        await self.limiter.aclose()
        if self._pool is not None:
            await self._pool.close()


async def open_engine(settings: Settings) -> Engine:
    """Open pool, limiter and accounts inside the running loop.

    Raises:
        ConfigurationError: a URL is missing, or providers.toml is wrong.
    """
    clock = SystemClock()
    configured = providers.load(settings.providers_file)
    accounts = {name: open_account(config) for name, config in configured.by_name.items()}
    pool = database.async_pool(settings.require_database(), size=POOL_SIZE)
    await pool.open(wait=False)
    limiter = RedisLimiter(settings.require_redis(), clock=clock, pace=PACE)
    engine = Engine(Ledger(pool), limiter, accounts, clock, _pool=pool)
    engine._heart = asyncio.create_task(_beat(engine.ledger))
    return engine


def open_account(config: ProviderConfig) -> Account:
    """Adapter, transport and places of one configured account."""
    adapter = build(config)
    transport = open_transport(config.transport or DEFAULT_TRANSPORT, config.max_in_flight)
    return Account(config, adapter, transport, Slots(config.max_in_flight))


async def _beat(ledger: Ledger) -> None:
    name = f"send@{socket.gethostname()}:{os.getpid()}"
    while True:
        try:
            await ledger.beat_heart(name)
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("the heartbeat was not written (%s)", type(error).__name__)
        await asyncio.sleep(HEARTBEAT_SECONDS)
