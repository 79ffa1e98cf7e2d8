"""Sending one batch: permit, then claim, then send at once, then record; chunk after chunk.

Everything that can go wrong ends in the same place: the batch is handed back with what is left,
or, where this process can no longer say what happened, its lease is left to run out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import nullcontext
from typing import Any
from uuid import uuid4

import psycopg
from psycopg_pool import PoolTimeout

from campaigns import failpoints
from campaigns.clock import sleep_until
from worker.account import Account
from worker.chunk import ChunkSender
from worker.claims import PATIENCE, Claims, Stop
from worker.departures import lapsed
from worker.engine import Engine
from worker.heartbeat import keep_lease
from worker.ledger import Lease
from worker.notes import Notes
from worker.spread import STEP_SECONDS, Spread
from worker.throttle.base import Permits, Wait
from worker.units import Units

log = logging.getLogger(__name__)

#: A batch stops claiming after this long, so that nobody waits for it; its rest is cut again.
BATCH_SECONDS = 30.0

#: How long to stay away from an account whose places are all taken, in seconds.
NO_PLACE_PAUSE = 1.0

#: How long to stay away after the limiter could not be reached, in seconds.
LIMITER_PAUSE = 1.0

#: The longest that the rest of a batch stays away from an account that has a fallback, in seconds.
TAKE_OVER_PAUSE = 1.0

#: How long a suspected batch waits while another one is sent here, in seconds.
SUSPECT_PAUSE = 1.0

#: How long to stay away from a provider that this process does not know, in seconds.
UNKNOWN_PROVIDER_PAUSE = 5.0


async def send_batch(engine: Engine, batch_id: int) -> int:
    """Send what may be sent of a batch; returns how many rows were claimed.

    A batch that is gone, or that somebody else has, is none of our business: 0.
    """
    failpoints.hit("lease.before")
    token = uuid4()
    notes = engine.journal.begin(batch_id, token)
    ended = False
    try:
        lease = await engine.ledger.lease(batch_id, token, engine.accounts.resending())
        if lease is None:
            ended = True
            return 0
        failpoints.hit("lease.committed")
        claimed, ended = await _send_leased(engine, lease, notes)
        return claimed
    finally:
        if ended:
            engine.journal.end(notes)
        else:
            engine.journal.lose(notes)


async def _send_leased(engine: Engine, lease: Lease, notes: Notes) -> tuple[int, bool]:
    """How many rows were claimed, and whether the ledger knows what became of all of them."""
    account = engine.accounts.get(lease.provider)
    if account is None:
        log.error("batch %d: provider %r is not configured here", lease.batch_id, lease.provider)
        return 0, await _hand_back_unread(engine, lease, notes, wait=UNKNOWN_PROVIDER_PAUSE)
    if account.condition.is_open and not await _may_probe(engine, account, lease):
        return 0, await _hand_back_unread(engine, lease, notes)
    if lease.losses and engine.suspicion.locked():
        # Should this process die, it must be clear whose doing it was.
        return 0, await _hand_back_unread(engine, lease, notes, wait=SUSPECT_PAUSE)
    heartbeat = asyncio.create_task(keep_lease(engine.ledger, lease))
    try:
        async with engine.suspicion if lease.losses else nullcontext():
            run = await _prepare(engine, account, lease, notes)
            return await run.run()
    finally:
        heartbeat.cancel()


async def _hand_back_unread(
    engine: Engine, lease: Lease, notes: Notes, *, wait: float = 0.0
) -> bool:
    notes.leave_unread()
    return await engine.ledger.hand_back(lease, wait=wait)


async def _prepare(engine: Engine, account: Account, lease: Lease, notes: Notes) -> _BatchRun:
    if lease.losses:
        rows = await engine.ledger.rows(lease.batch_id)
        notes.cover(lease.losses, lease.messages, rows, reading=True)
    contexts = await engine.ledger.contexts(lease.batch_id)
    rows = [(run_id, *stretch) for run_id, one in contexts.items() for stretch in one.stretches]
    units = Units(engine, account, lease, contexts)
    sender = ChunkSender(engine, account, lease, contexts, units, notes)
    notes.cover(lease.losses, lease.messages, rows)
    return _BatchRun(engine, account, lease, units, sender)


async def _may_probe(engine: Engine, account: Account, lease: Lease) -> bool:
    """Whether a batch may be sent of an account whose circuit was open when last heard of.

    One message at a time. Should two of them meet here, the next tick sends one again.
    """
    await engine.health.read(engine.accounts)
    return not account.condition.is_open or await engine.ledger.is_alone(lease)


class _BatchRun:
    def __init__(
        self, engine: Engine, account: Account, lease: Lease, units: Units, sender: ChunkSender
    ) -> None:
        self._engine = engine
        self._account = account
        self._lease = lease
        self._clock = engine.clock
        self._units = units
        self._sender = sender
        self._claims = Claims(engine, account, lease)
        self._spread = Spread(lease.spread_from, lease.spread_until, lease.messages)
        self._claimed = 0
        self._taken = 0
        #: Set by whoever finds that no more can be claimed; what waits for its moment gives up.
        self._stop: Stop | None = None
        #: Why no more was asked for.
        self._last = Stop()
        #: Whether something failed that nobody expected: the ledger may not know everything.
        self._failed = False

    async def run(self) -> tuple[int, bool]:
        """See :func:`_send_leased`."""
        try:
            async with asyncio.TaskGroup() as chunks:
                await self._guarded(self._claim_chunks(chunks))
        finally:
            self._sender.close()
        ended = (
            self._sender.all_recorded
            and not self._failed
            and await self._hand_back(self._wait(self._stop or self._last))
        )
        return self._claimed, ended

    async def _guarded(self, step: Coroutine[Any, Any, None]) -> None:
        """Let the requests of its neighbours end when a step fails that should not have.

        What the step claimed and did not record is left to the end of the lease.
        """
        try:
            await step
        except Exception as error:
            self._failed = True
            self._stop = self._stop or Stop()
            log.error("batch %d: a chunk failed (%s)", self._lease.batch_id, type(error).__name__)

    async def _hand_back(self, wait: float) -> bool:
        """End the batch; if that cannot be written, whoever adopts it does the same."""
        failpoints.hit("finish.before")
        ended = False
        try:
            ended = await self._engine.ledger.hand_back(self._lease, wait=wait)
            if not ended:
                log.warning("batch %d: its lease was lost", self._lease.batch_id)
        except (psycopg.Error, PoolTimeout) as error:
            log.warning(
                "batch %d: it could not be handed back (%s)",
                self._lease.batch_id,
                type(error).__name__,
            )
        else:
            failpoints.hit("finish.committed")
        return ended

    async def _claim_chunks(self, chunks: asyncio.TaskGroup) -> None:
        """Claim until there is no more; why, is noted."""
        self._last = await self._claim_while_possible(chunks)

    async def _claim_while_possible(self, chunks: asyncio.TaskGroup) -> Stop:
        deadline = self._clock.monotonic() + BATCH_SECONDS
        while self._taken < self._lease.messages and not self._account.removed:
            if self._engine.stopping or self._clock.monotonic() > deadline or self._is_held():
                return Stop()
            await sleep_until(self._clock, self._spread.due_at(self._taken))
            step = self._spread.step(self._taken, self._clock.monotonic())
            at_most = min(step, self._account.config.max_in_flight)
            try:
                async with asyncio.timeout(PATIENCE):
                    asked = await self._account.window.take(at_most)
            except TimeoutError:
                return Stop(NO_PLACE_PAUSE)
            held = asked
            try:
                permits = await self._lease_units(asked)
                if isinstance(permits, Stop):
                    return permits
                affordable = self._units.estimate.messages(permits.due_within(STEP_SECONDS))
                amount = min(asked, affordable)
                self._taken += amount
                held -= amount
                if not self._lease.limits:
                    await self._claim_at(permits, amount, chunks)
                else:
                    # Few units at a time, far ahead: the next ones are asked for meanwhile, or the
                    # batch would send no more than one such lot per horizon.
                    chunks.create_task(self._guarded(self._claim_at(permits, amount, chunks)))
            finally:
                self._account.window.give(held)
            if self._stop is not None:
                return self._stop
        return Stop()

    async def _claim_at(self, permits: Permits, amount: int, chunks: asyncio.TaskGroup) -> None:
        """Claim as many rows in time for their first slot, and let them be sent.

        Holds room for ``amount`` messages in the window, and passes on what one row needs for
        each. What stops the batch is noted.
        """
        places = sent = 0
        begin = permits.start - self._engine.claim_lead.seconds
        ahead = begin - self._clock.monotonic()
        try:
            await sleep_until(self._clock, begin)
            if self._stop is not None:
                return
            places = await self._claims.places(permits, amount)
            if self._engine.stopping or self._is_held():
                self._stop = Stop()
                return
            begun = self._clock.monotonic()
            usable = permits.count - lapsed(permits, begun)
            wanted = min(places, amount, self._units.estimate.messages(usable)) if usable else 0
            self._taken -= amount - wanted
            if permits.interval:
                self._account.window.missed(amount - wanted)
            elif not wanted:
                self._stop = Stop(NO_PLACE_PAUSE)
            if not wanted:
                return
            rows = await self._claims.claim(wanted)
            if isinstance(rows, Stop):
                self._stop = rows
                return
            if rows:
                sent = len(rows)
                self._claimed += sent
                if permits.interval:
                    self._account.window.kept(sent, ahead)
                chunks.create_task(self._guarded(self._sender.send(rows, permits, begun)))
        finally:
            self._account.slots.give(places - sent)
            self._account.window.give(amount - sent)

    async def _lease_units(self, messages: int) -> Permits | Stop:
        answer = await self._units.lease(messages, patience=PATIENCE)
        if answer is None:
            return Stop(LIMITER_PAUSE)
        if isinstance(answer, Wait):
            # Back in time to sit out the end of the wait: a slot that nobody asks for is lost.
            return Stop(max(answer.seconds - PATIENCE, 0.0))
        return answer

    def _wait(self, stop: Stop) -> float:
        """For how long the rest stays away: not until this account may be asked again where
        another one can take over."""
        wait = max(stop.wait, self._rest())
        return min(wait, TAKE_OVER_PAUSE) if self._account.config.fallback else wait

    def _rest(self) -> float:
        return self._account.condition.rest(self._clock.monotonic())

    def _is_held(self) -> bool:
        """Whether the account can take nothing more of this batch.

        A short rest that others brought about is waited out, as the limiter says. While the
        circuit is open only a batch of one message is sent, to see whether the provider is back.
        """
        condition = self._account.condition
        awaits_probe = condition.is_open and self._lease.messages > 1
        return self._sender.repelled or awaits_probe or self._rest() > PATIENCE
