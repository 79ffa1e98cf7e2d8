"""Sending one chunk of claimed rows and recording what became of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence

import psycopg
from psycopg_pool import PoolTimeout

from campaigns import failpoints
from campaigns.clock import sleep_until
from worker.account import Account
from worker.departures import Departure, departures, lapsed
from worker.due import Due, groups
from worker.engine import Engine
from worker.ledger import Claimed, Lease
from worker.notes import Notes
from worker.outcomes import NotSent, Result, Settlement, Unsendable
from worker.rendering import Rendered, Renderer
from worker.requests import LATE, Requests
from worker.run_context import RunContext
from worker.settling import settlement
from worker.throttle.base import Permits
from worker.units import Units

log = logging.getLogger(__name__)

#: No request of a chunk is started later than this after its claim began, in seconds: what was
#: granted a while ago may be forbidden by now (a pause, an opt-out).
LATEST_END = 0.25

#: For how many seconds an outcome is kept trying to get into the ledger.
RECORD_PATIENCE = 60.0

#: The message costs more than was leased, and what it lacks was not to be had.
NO_PERMIT = NotSent("no_permit")


class ChunkSender:
    """Sends chunks of one batch. Remembers whether the account has to be left alone."""

    def __init__(
        self,
        engine: Engine,
        account: Account,
        lease: Lease,
        contexts: Mapping[int, RunContext],
        units: Units,
        notes: Notes,
    ) -> None:
        self._engine = engine
        self._account = account
        self._lease = lease
        self._contexts = contexts
        self._units = units
        self._requests = Requests(engine, account, notes)
        self._renderer = Renderer(contexts, account.config.channel)
        self._announcing = any(context.announces for context in contexts.values())
        #: False once an outcome could not be written.
        self.all_recorded = True
        #: How many messages have a place, and room in the window.
        self._held = 0

    @property
    def repelled(self) -> bool:
        """Whether the account has to be left alone, by what happened in this batch."""
        return self._requests.repelled

    async def send(self, rows: Sequence[Claimed], permits: Permits, begun: float) -> None:
        """Send ``rows``, each in its slot, and record the outcomes; gives back their places.

        ``begun`` is when their claim began, on the monotonic clock.
        """
        self._held += len(rows)
        latest = begun + LATEST_END
        rendered, settled = self._render(rows, limited=permits.interval > 0)
        failpoints.hit("send.rendered")
        self._engine.claim_lead.learn(self._engine.clock.monotonic() - begun)
        settled += await self._send_by(permits, rendered, latest)
        try:
            await self._record(settled)
        except (psycopg.Error, PoolTimeout) as error:
            # What became of these rows is lost: the end of the lease has to decide about them.
            self.all_recorded = False
            log.error(
                "batch %d: the outcomes of %d rows cannot be written (%s)",
                self._lease.batch_id,
                len(rows),
                type(error).__name__,
            )
        await self._requests.told()

    def close(self) -> None:
        """The batch has ended: gives back the places of what failed where nobody expected it."""
        self._leave(self._held)

    def _leave(self, messages: int) -> None:
        # What is still under way after the end has given its place back already.
        messages = min(messages, self._held)
        self._held -= messages
        self._account.leave(messages)

    def _render(
        self, rows: Sequence[Claimed], *, limited: bool
    ) -> tuple[list[Rendered], list[Settlement]]:
        by_segment = limited and self._account.config.counts_segments
        rendered, broken = self._renderer.render(rows, by_segment=by_segment)
        if by_segment:
            self._units.estimate.learn(one.cost for one in rendered)
        self._leave(len(broken))
        return rendered, [self._settle(one.row, Unsendable(one.code)) for one in broken]

    def _place(
        self, rendered: Sequence[Rendered], permits: Permits, latest: float
    ) -> tuple[list[Due], list[Rendered]]:
        """What leaves by ``permits``, and what is too dear for what is left of them."""
        due: list[Due] = []
        dear: list[Rendered] = []
        moments = departures(
            permits, [one.cost for one in rendered], latest, self._engine.clock.monotonic()
        )
        for one, departure in zip(rendered, moments, strict=True):
            if departure is None:
                dear.append(one)
                continue
            due.append(Due(one, departure))
            if one.cost > 1:
                self._account.stragglers.sent(one.row.run_id, one.cost)
        return due, dear

    async def _send_by(
        self, permits: Permits, rendered: Sequence[Rendered], latest: float
    ) -> list[Settlement]:
        """Send what ``permits`` suffices for, and lease more for the others."""
        late = lapsed(permits, self._engine.clock.monotonic()) > 0
        due, rest = self._place(rendered, permits, latest)
        return await _all(
            self._follow(due, latest), self._lease_more(rest, latest, LATE if late else NO_PERMIT)
        )

    async def _lease_more(
        self, rest: Sequence[Rendered], latest: float, lacking: NotSent
    ) -> list[Settlement]:
        """Lease what the claim did not reckon with; what gets nothing in time goes back."""
        sending: list[asyncio.Task[list[Settlement]]] = []
        clock = self._engine.clock
        async with asyncio.TaskGroup() as group:
            while rest:
                first, want = rest[0], sum(one.cost for one in rest)
                until = min(latest, first.row.closes_at)
                permits = await self._units.lease_more(want, first.cost, until)
                if permits is None:
                    break
                due, rest = self._place(rest, permits, latest)
                sending.append(group.create_task(self._follow(due, latest)))
        for one in rest:
            self._account.stragglers.note(one.row.run_id, one.cost, clock.monotonic())
        given_up = self._give_up(rest, lacking)
        return given_up + [settlement for task in sending for settlement in task.result()]

    async def _follow(self, due: Sequence[Due], latest: float) -> list[Settlement]:
        """Let each message depart when it is due.

        What missed its moment gets another one where the limiter has any left: to claim it again
        later would cost more. What holds this process up is often gone by then.
        """
        late: list[Rendered] = []
        under_way: list[asyncio.Task[list[Settlement]]] = []
        for departure, group in groups(due, self._account.adapter.capabilities.max_batch):
            await sleep_until(self._engine.clock, departure.at)
            under_way.append(asyncio.create_task(self._send_group(group, departure, late)))
        # Until the last one has departed or is late.
        await asyncio.sleep(0)
        again = late.copy()
        late.clear()
        settled = await _all(self._lease_more(again, latest, LATE), *under_way)
        return settled + self._give_up(late, LATE)

    async def _send_group(
        self, group: Sequence[Rendered], departure: Departure, late: list[Rendered]
    ) -> list[Settlement]:
        """One request's worth of rows: exactly one settlement for each that is not ``late``."""
        missed: list[Rendered] = []
        try:
            results = await self._requests.send(group, departure)
            missed = [one for one, result in zip(group, results, strict=True) if result is LATE]
        finally:
            late += missed
            self._leave(len(group) - len(missed))
        return [
            self._settle(one.row, result)
            for one, result in zip(group, results, strict=True)
            if result is not LATE
        ]

    def _give_up(self, messages: Sequence[Rendered], result: NotSent) -> list[Settlement]:
        """What could not depart goes back."""
        self._leave(len(messages))
        if result is LATE:
            self._account.window.missed(len(messages))
        return [self._settle(one.row, result) for one in messages]

    def _settle(self, row: Claimed, outcome: Result) -> Settlement:
        first = self._contexts[row.run_id].provider
        return settlement(self._engine.accounts, self._account, first, row, outcome)

    async def _record(self, settlements: Sequence[Settlement]) -> None:
        """Write outcomes, through an outage of the database if need be."""
        capabilities = self._account.adapter.capabilities
        failpoints.hit("record.before")
        deadline = self._engine.clock.monotonic() + RECORD_PATIENCE
        pause = 0.1
        while True:
            try:
                await self._engine.ledger.record(
                    self._lease, settlements, capabilities, announcing=self._announcing
                )
            except (psycopg.OperationalError, PoolTimeout):
                until = min(deadline, self._engine.ends_at)
                if self._engine.clock.monotonic() + pause > until:
                    raise
            else:
                failpoints.hit("record.committed")
                return
            await self._engine.clock.sleep(pause)
            pause = min(pause * 2, 5.0)


async def _all(*parts: Awaitable[list[Settlement]]) -> list[Settlement]:
    """What all parts settle. Where one fails the others come to their end first: what would depart
    after the batch has ended is somebody else's by then."""
    found = await asyncio.gather(*parts, return_exceptions=True)
    settled: list[Settlement] = []
    for part in found:
        if isinstance(part, BaseException):
            raise part
        settled += part
    return settled
