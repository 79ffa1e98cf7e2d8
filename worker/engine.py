"""What a send process holds: ledger, limiter, accounts. Built here and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import socket
from dataclasses import dataclass, field
from functools import partial

import psycopg
from psycopg_pool import PoolTimeout

from campaigns import database
from campaigns.clock import Clock, SystemClock
from campaigns.database import AsyncPool
from campaigns.settings import Settings
from campaigns.watched import LOOK_EVERY, Watched
from worker import garbage
from worker.accounts import Accounts
from worker.adoption import ADOPT_EVERY, Adopter
from worker.answers import Obeyer
from worker.health import HealthKeeper
from worker.journal import Journal
from worker.lead import Lead
from worker.ledger import Ledger
from worker.receipts import Recorder
from worker.rounds import Rounds
from worker.throttle.base import Limiter, Pace
from worker.throttle.limiter import RedisLimiter
from worker.transport import factory

log = logging.getLogger(__name__)

#: Connections for claims and records; each is held for one statement.
POOL_SIZE = 8

#: A message is claimed no more than this before it may leave, however slow the machine is: claimed
#: is granted, and a pause or an opt-out comes too late for it. In seconds.
MOST_CLAIM_LEAD = 0.12

#: A block of permits is asked for no more than this before the claim, in seconds.
MOST_PERMIT_LEAD = 0.1

#: How often a send process says that it is alive, in seconds.
HEARTBEAT_SECONDS = 5.0

#: Blocks of 0.1 s: what is leased is sent after a pause was pressed, so a block has to be short.
#: What would leave 22 ms late gives its slot up, and 12 ms of that are paid for: of 200/s no more
#: than two are ever late enough to be too many in somebody's second.
PACE = Pace(horizon=0.3, max_block=0.1, jitter=0.012, tolerance=0.022)


@dataclass(slots=True)
class Engine:
    """The send path's surroundings, alive inside one event loop."""

    ledger: Ledger
    limiter: Limiter
    accounts: Accounts
    clock: Clock
    health: HealthKeeper
    journal: Journal
    #: How long it takes from the beginning of a claim until its messages can leave.
    claim_lead: Lead = field(default_factory=lambda: Lead(MOST_CLAIM_LEAD))
    #: How long it takes to be granted permits.
    permit_lead: Lead = field(default_factory=lambda: Lead(MOST_PERMIT_LEAD))
    #: Held by whoever sends a batch that is suspected of having killed a worker.
    suspicion: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    #: Set when the process shuts down: batches stop claiming and hand back their rest.
    stopping: bool = False
    #: No outcome is kept trying to get into the ledger after this moment of the monotonic clock.
    ends_at: float = math.inf
    _pool: AsyncPool | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list, repr=False)
    #: Looks for what processes left that died.
    _adopting: Rounds | None = None

    def break_off(self, seconds: float) -> None:
        """Stop waiting for providers; there are ``seconds`` left to record what is in doubt."""
        self.ends_at = self.clock.monotonic() + seconds
        self.accounts.break_off()

    async def aclose(self) -> None:
        """Close everything that :func:`open_engine` opened."""
        if self._adopting is not None:
            self._adopting.close()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.accounts.aclose()
        await self.limiter.aclose()
        if self._pool is not None:
            await self._pool.close()
        self.journal.close()


async def open_engine(settings: Settings) -> Engine:
    """Open pool, limiter and accounts inside the running loop.

    Raises:
        ConfigurationError: a URL is missing, or providers.toml is wrong.
    """
    clock = SystemClock()
    providers = Watched(settings.providers_file)
    connect = partial(database.opened, settings.require_database())
    recorder = Recorder(connect, clock)
    opener = partial(factory.connect, record=recorder, obey=Obeyer(connect))
    accounts = Accounts(providers, connect=opener)
    pool = database.async_pool(settings.require_database(), size=POOL_SIZE)
    await pool.open(wait=False)
    limiter = RedisLimiter(settings.require_redis(), clock=clock, pace=PACE)
    health = HealthKeeper(pool, limiter, clock)
    journal = Journal(settings.departures)
    engine = Engine(Ledger(pool), limiter, accounts, clock, health, journal, _pool=pool)
    adopter = Adopter(settings.departures, journal, connect, providers.current)
    engine._adopting = Rounds("adopting", adopter.run_once, ADOPT_EVERY)
    engine._tasks += [
        asyncio.create_task(_beat(engine.ledger)),
        asyncio.create_task(_follow(accounts)),
        asyncio.create_task(health.follow(accounts)),
        asyncio.create_task(garbage.collect_regularly()),
    ]
    return engine


async def _follow(accounts: Accounts) -> None:
    """Keep the accounts in step with their file in the middle of a batch too."""
    while True:
        accounts.refresh()
        await asyncio.sleep(LOOK_EVERY)


async def _beat(ledger: Ledger) -> None:
    name = f"send@{socket.gethostname()}:{os.getpid()}"
    while True:
        try:
            await ledger.beat_heart(name)
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("the heartbeat was not written (%s)", type(error).__name__)
        await asyncio.sleep(HEARTBEAT_SECONDS)
