"""Places at the provider for rows in time for their slots, and the claim of so many rows."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import psycopg
from psycopg_pool import PoolTimeout

from campaigns import failpoints
from worker.account import Account
from worker.engine import Engine
from worker.ledger import Claimed, Lease
from worker.throttle.base import Permits

log = logging.getLogger(__name__)

#: A wait for permits or for a place longer than this is not sat out: the batch is handed back, and
#: its thread is free for another account.
PATIENCE = 2.0

#: How long to stay away after the database failed, in seconds.
DATABASE_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Stop:
    """Why no more is claimed, and how long the rest should stay away."""

    wait: float = 0.0


class Claims:
    """Claims the rows of one batch."""

    def __init__(self, engine: Engine, account: Account, lease: Lease) -> None:
        self._engine = engine
        self._account = account
        self._lease = lease
        #: Two claims at once would see the same rows; the second would get none of them, as if
        #: nothing were left.
        self._turn = asyncio.Lock()

    async def places(self, permits: Permits, amount: int) -> int:
        """Places for up to ``amount`` messages, taken before they are claimed, so that no claimed
        row waits for a connection; 0 where none comes free as long as ``permits`` can be used."""
        patience = PATIENCE
        if permits.interval:
            last = permits.at(permits.count - 1) + permits.tolerance
            patience = min(patience, last - self._engine.clock.monotonic())
        try:
            async with asyncio.timeout(patience):
                return await self._account.slots.take(amount)
        except TimeoutError:
            return 0

    async def claim(self, amount: int) -> list[Claimed] | Stop:
        """The next rows. A claim whose answer was lost is undone when the batch is handed back."""
        failpoints.hit("claim.before")
        try:
            async with self._turn:
                rows = await self._engine.ledger.claim(
                    self._lease, amount, self._account.config.channel
                )
        except (psycopg.Error, PoolTimeout) as error:
            log.warning(
                "batch %d: nothing can be claimed (%s)",
                self._lease.batch_id,
                type(error).__name__,
            )
            return Stop(DATABASE_PAUSE)
        if rows is None:
            return Stop()
        failpoints.hit("claim.committed")
        return rows
