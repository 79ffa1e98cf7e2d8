"""Sending one chunk of claimed rows and recording what became of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

import psycopg
from psycopg_pool import PoolTimeout

from campaigns import failpoints
from campaigns.clock import sleep_until
from worker import outcomes
from worker.account import Account
from worker.adapters.base import (
    AnyAdapter,
    Blocked,
    HttpRequest,
    HttpResponse,
    Message,
    Outcome,
    Throttled,
    Unknown,
)
from worker.departures import departures
from worker.due import Due, groups
from worker.engine import Engine
from worker.ledger import Claimed, Lease, RunContext
from worker.notes import Notes
from worker.outcomes import NotSent, Result, Settlement, Unsendable
from worker.rendering import Rendered, Renderer
from worker.settling import settlement
from worker.throttle.base import Permits
from worker.transport.base import BrokenOff, Refused, TooLate, Uncertain
from worker.transport.base import NotSent as RequestNotSent
from worker.units import Units

log = logging.getLogger(__name__)

#: No request of a chunk is started later than this after its claim began, in seconds: what was
#: granted a while ago may be forbidden by now (a pause, an opt-out).
LATEST_END = 0.25

#: How long after its gate closed a request may still leave that had to wait for its connection, in
#: seconds. Gates close 0.3 s early, for requests to arrive in.
CONNECT_MARGIN = 0.2

#: For how many seconds an outcome is kept trying to get into the ledger.
RECORD_PATIENCE = 60.0


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
        self._notes = notes
        self._renderer = Renderer(contexts, account.config.channel)
        #: Whether the account has to be left alone, by what happened in this batch.
        self.repelled = False
        self._tellings: list[asyncio.Task[None]] = []
        #: False once an outcome could not be written.
        self.all_recorded = True

    async def send(self, rows: Sequence[Claimed], permits: Permits, begun: float) -> None:
        """Send ``rows``, each in its slot, and record the outcomes; gives back their places.

        ``begun`` is when their claim began, on the monotonic clock.
        """
        latest = begun + LATEST_END
        rendered, settled = self._render(rows, limited=permits.interval > 0)
        failpoints.hit("send.rendered")
        self._engine.claim_lead.learn(self._engine.clock.monotonic() - begun)
        due, dear = self._place(rendered, permits, latest)
        results = await asyncio.gather(self._send_due(due), self._send_dear(dear, latest))
        settled += results[0] + results[1]
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
        await asyncio.gather(*self._tellings)

    def _render(
        self, rows: Sequence[Claimed], *, limited: bool
    ) -> tuple[list[Rendered], list[Settlement]]:
        by_segment = limited and self._account.config.counts_segments
        rendered, broken = self._renderer.render(rows, by_segment=by_segment)
        if by_segment:
            self._units.estimate.learn(one.cost for one in rendered)
        self._account.slots.give(len(broken))
        return rendered, [self._settle(one.row, Unsendable(one.code)) for one in broken]

    def _place(
        self, rendered: Sequence[Rendered], permits: Permits, latest: float
    ) -> tuple[list[Due], list[Rendered]]:
        """What leaves by ``permits``, and what is too dear for what is left of them."""
        due: list[Due] = []
        dear: list[Rendered] = []
        moments = departures(permits, [one.cost for one in rendered], latest)
        for one, departure in zip(rendered, moments, strict=True):
            if departure is None:
                dear.append(one)
                continue
            due.append(Due(one.row, one.message, departure))
            if one.cost > 1:
                self._account.stragglers.sent(one.row.run_id, one.cost)
        return due, dear

    async def _send_dear(self, dear: list[Rendered], latest: float) -> list[Settlement]:
        """Lease what the claim did not reckon with; what gets nothing in time goes back."""
        sending: list[asyncio.Task[list[Settlement]]] = []
        async with asyncio.TaskGroup() as group:
            while dear:
                first, want = dear[0], sum(one.cost for one in dear)
                until = min(latest, first.row.closes_at)
                permits = await self._units.permits.wait_for(want, first.cost, until)
                if permits is None:
                    break
                due, dear = self._place(dear, permits, latest)
                sending.append(group.create_task(self._send_due(due)))
        now = self._engine.clock.monotonic()
        for one in dear:
            self._account.stragglers.note(one.row.run_id, one.cost, now)
        self._account.slots.give(len(dear))
        settled = [self._settle(one.row, NotSent("no_permit")) for one in dear]
        return settled + [settlement for task in sending for settlement in task.result()]

    async def _send_due(self, due: Sequence[Due]) -> list[Settlement]:
        size = self._account.adapter.capabilities.max_batch
        results = await asyncio.gather(*map(self._send_group, groups(due, size)))
        return [settlement for part in results for settlement in part]

    async def _send_group(self, group: Sequence[Due]) -> list[Settlement]:
        """One request's worth of rows: exactly one settlement for each."""
        try:
            return await self._settle_group(group)
        finally:
            self._account.slots.give(len(group))

    async def _settle_group(self, group: Sequence[Due]) -> list[Settlement]:
        settled: list[Settlement] = []
        # The account may be configured anew before the answer is here.
        adapter = self._account.adapter
        for part, request in self._encode(adapter, group):
            if request is None:
                found: Sequence[Result] = [Unsendable("encode_error")] * len(part)
            else:
                found = await self._request(adapter, request, part)
            settled += [
                self._settle(one.row, outcome) for one, outcome in zip(part, found, strict=True)
            ]
        return settled

    def _encode(
        self, adapter: AnyAdapter, group: Sequence[Due]
    ) -> list[tuple[Sequence[Due], HttpRequest | None]]:
        """Requests for the messages; ``None`` for one that cannot be encoded.

        A message that breaks a request of many goes alone, and so do its neighbours.
        """
        try:
            return [(group, adapter.encode([one.message for one in group]))]
        except Exception as error:
            if len(group) > 1:
                return [part for one in group for part in self._encode(adapter, [one])]
            log.error(
                "%s: delivery %s cannot be encoded (%s)",
                self._account.config.name,
                group[0].message.reference,
                type(error).__name__,
            )
            return [(group, None)]

    async def _request(
        self, adapter: AnyAdapter, request: HttpRequest, group: Sequence[Due]
    ) -> Sequence[Outcome | NotSent]:
        clock = self._engine.clock
        messages = [one.message for one in group]
        departure = group[0].departure
        await sleep_until(clock, departure.at)
        now = clock.monotonic()
        closes_at = min(one.row.closes_at for one in group)
        if now > departure.latest or now >= closes_at:
            # What the claim and the permit granted may be forbidden by now.
            return [NotSent("too_late")] * len(messages)
        condition = self._account.condition
        sent = clock.monotonic()
        if condition.rest(sent):
            # Somebody was turned away since this was claimed.
            return [NotSent("cooling")] * len(messages)
        for one in group:
            self._notes.departing(one.row.run_id, one.row.seq)
        failpoints.hit("send.departed")
        try:
            response = await self._account.transport.send(
                request,
                timeout=self._account.config.timeout,
                leave_within=closes_at - sent + CONNECT_MARGIN,
            )
        except TooLate as error:
            return [NotSent(error.code)] * len(messages)
        except Refused as error:
            found: Sequence[Outcome] = [Blocked(error.code)] * len(messages)
            self._note(found, sent)
            return found
        except RequestNotSent as error:
            self.repelled = True
            condition.failed(clock.monotonic(), error.code)
            self._tell()
            return [NotSent(error.code)] * len(messages)
        except Uncertain as error:
            if not isinstance(error, BrokenOff):
                condition.unanswered(clock.monotonic(), error.code)
                self._tell()
            return [Unknown(error.code)] * len(messages)
        except Exception as error:
            log.error("%s: sending failed (%s)", self._account.config.name, type(error).__name__)
            return [Unknown("transport_error")] * len(messages)
        failpoints.hit("send.answered")
        found = self._decode(adapter, messages, response)
        self._note(found, sent)
        return found

    def _decode(
        self, adapter: AnyAdapter, messages: Sequence[Message], response: HttpResponse
    ) -> Sequence[Outcome]:
        try:
            found = adapter.decode(messages, response)
        except Exception as error:
            log.error("%s: decoding failed (%s)", self._account.config.name, type(error).__name__)
            return [Unknown("decode_error")] * len(messages)
        if len(found) != len(messages):
            return [Unknown("decode_error")] * len(messages)
        return found

    def _settle(self, row: Claimed, outcome: Result) -> Settlement:
        first = self._contexts[row.run_id].provider
        return settlement(self._engine.accounts, self._account, first, row, outcome)

    def _note(self, found: Sequence[Outcome], sent: float) -> None:
        """What an answer to a request that left at ``sent`` says about the account as a whole."""
        condition = self._account.condition
        refused = next((one for one in found if isinstance(one, Blocked)), None)
        if refused is None:
            condition.answered()
        else:
            self.repelled = True
            code = outcomes.storable(refused.code) or "refused"
            condition.refused(self._engine.clock.monotonic(), code)
        for outcome in found:
            if isinstance(outcome, Throttled):
                self.repelled = True
                now = self._engine.clock.monotonic()
                condition.throttled(now, sent, outcomes.cooling(outcome), outcome.code)
        self._tell()

    def _tell(self) -> None:
        """Tell the other processes at once; this chunk's other requests may take long."""
        if self._account.condition.has_news:
            telling = self._engine.health.tell(self._account)
            self._tellings.append(asyncio.create_task(telling))

    async def _record(self, settlements: Sequence[Settlement]) -> None:
        """Write outcomes, through an outage of the database if need be."""
        capabilities = self._account.adapter.capabilities
        failpoints.hit("record.before")
        deadline = self._engine.clock.monotonic() + RECORD_PATIENCE
        pause = 0.1
        while True:
            try:
                await self._engine.ledger.record(self._lease, settlements, capabilities)
            except (psycopg.OperationalError, PoolTimeout):
                until = min(deadline, self._engine.ends_at)
                if self._engine.clock.monotonic() + pause > until:
                    raise
            else:
                failpoints.hit("record.committed")
                return
            await self._engine.clock.sleep(pause)
            pause = min(pause * 2, 5.0)
