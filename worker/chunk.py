"""Sending one chunk of claimed rows and recording what became of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from itertools import islice

import psycopg
from psycopg_pool import PoolTimeout

from campaigns.clock import sleep_until
from campaigns.template import render
from worker import outcomes
from worker.account import Account
from worker.adapters.base import (
    Adapter,
    HttpRequest,
    HttpResponse,
    Message,
    Outcome,
    Rejected,
    Throttled,
    Unknown,
)
from worker.engine import Engine
from worker.ledger import Claimed, Lease, RunContext
from worker.outcomes import NotSent, Settlement
from worker.reference import reference
from worker.throttle.base import Permits
from worker.transport.base import NotSent as RequestNotSent
from worker.transport.base import Uncertain

log = logging.getLogger(__name__)

#: No request of a chunk is started later than this after the chunk's first slot, in seconds: what
#: was granted a while ago may be forbidden by now (a pause, an opt-out).
LATEST_END = 0.25

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
    ) -> None:
        self._engine = engine
        self._account = account
        self._lease = lease
        self._contexts = contexts
        self._templates = {run: render.compile(c.template) for run, c in contexts.items()}
        #: Whether the account has to be left alone, by what happened in this batch.
        self.repelled = False
        self._tellings: list[asyncio.Task[None]] = []
        #: False once an outcome could not be written.
        self.all_recorded = True

    async def send(self, rows: Sequence[Claimed], permits: Permits) -> None:
        """Send ``rows``, each in its slot, and record the outcomes; gives back their places."""
        size = self._account.adapter.capabilities.max_batch
        groups = _chunks(list(enumerate(rows)), size)
        results = await asyncio.gather(*(self._send_group(group, permits) for group in groups))
        try:
            await self._record([settlement for part in results for settlement in part])
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

    async def _send_group(
        self, group: Sequence[tuple[int, Claimed]], permits: Permits
    ) -> list[Settlement]:
        """One request's worth of rows: exactly one settlement for each."""
        try:
            return await self._settle_group(group, permits)
        finally:
            self._account.slots.give(len(group))

    async def _settle_group(
        self, group: Sequence[tuple[int, Claimed]], permits: Permits
    ) -> list[Settlement]:
        settled: list[Settlement] = []
        ready: list[tuple[int, Claimed, Message]] = []
        for index, row in group:
            message = self._render(row)
            if isinstance(message, Message):
                ready.append((index, row, message))
            else:
                settled.append(self._settle(row, message))
        # The account may be configured anew before the answer is here.
        adapter = self._account.adapter
        for index, rows, messages, request in self._encode(adapter, ready):
            if request is None:
                settled += [self._settle(row, Rejected("encode_error")) for row in rows]
                continue
            found = await self._request(adapter, request, messages, rows, permits, index)
            settled += [
                self._settle(row, outcome) for row, outcome in zip(rows, found, strict=True)
            ]
        return settled

    def _encode(
        self, adapter: Adapter, ready: Sequence[tuple[int, Claimed, Message]]
    ) -> list[tuple[int, list[Claimed], list[Message], HttpRequest | None]]:
        """Requests for the messages; ``None`` for one that cannot be encoded.

        A message that breaks a request of many goes alone, and so do its neighbours.
        """
        if not ready:
            return []
        rows = [row for _, row, _ in ready]
        messages = [message for _, _, message in ready]
        try:
            return [(ready[0][0], rows, messages, adapter.encode(messages))]
        except Exception as error:
            if len(ready) > 1:
                return [part for one in ready for part in self._encode(adapter, [one])]
            log.error(
                "%s: delivery %s cannot be encoded (%s)",
                self._account.config.name,
                messages[0].reference,
                type(error).__name__,
            )
            return [(ready[0][0], rows, messages, None)]

    def _render(self, row: Claimed) -> Message | Rejected:
        """The message, or a rejection: one bad contact must not stop the others."""
        context = self._contexts[row.run_id]
        try:
            text = self._templates[row.run_id].render(row.fields, context.template_vars)
        except Exception as error:
            log.error(
                "run %d: row %d cannot be rendered (%s)", row.run_id, row.seq, type(error).__name__
            )
            return Rejected("render_error")
        return Message(
            reference(row.run_id, row.seq), row.address, context.sender, text, context.expires_at
        )

    async def _request(
        self,
        adapter: Adapter,
        request: HttpRequest,
        messages: Sequence[Message],
        rows: Sequence[Claimed],
        permits: Permits,
        index: int,
    ) -> Sequence[Outcome | NotSent]:
        clock = self._engine.clock
        await sleep_until(clock, permits.at(index))
        if self._too_late(clock.monotonic(), rows, permits, index):
            return [NotSent("too_late")] * len(messages)
        condition = self._account.condition
        sent = clock.monotonic()
        if condition.rest(sent):
            # Somebody was turned away since this was claimed.
            return [NotSent("cooling")] * len(messages)
        try:
            response = await self._account.transport.send(
                request, timeout=self._account.config.timeout
            )
        except RequestNotSent as error:
            self.repelled = True
            condition.failed(clock.monotonic(), error.code)
            self._tell()
            return [NotSent(error.code)] * len(messages)
        except Uncertain as error:
            condition.unanswered(clock.monotonic(), error.code)
            self._tell()
            return [Unknown(error.code)] * len(messages)
        except Exception as error:
            log.error("%s: sending failed (%s)", self._account.config.name, type(error).__name__)
            return [Unknown("transport_error")] * len(messages)
        found = self._decode(adapter, messages, response)
        self._note(found, sent)
        return found

    def _too_late(self, now: float, rows: Sequence[Claimed], permits: Permits, index: int) -> bool:
        """Whether what the claim and the permit granted may be forbidden by now."""
        if now >= min(row.closes_at for row in rows) or now > permits.start + LATEST_END:
            return True
        return permits.interval > 0 and permits.missed(index, now)

    def _decode(
        self, adapter: Adapter, messages: Sequence[Message], response: HttpResponse
    ) -> Sequence[Outcome]:
        try:
            found = adapter.decode(messages, response)
        except Exception as error:
            log.error("%s: decoding failed (%s)", self._account.config.name, type(error).__name__)
            return [Unknown("decode_error")] * len(messages)
        if len(found) != len(messages):
            return [Unknown("decode_error")] * len(messages)
        return found

    def _settle(self, row: Claimed, outcome: Outcome | NotSent) -> Settlement:
        return outcomes.settle(
            row.run_id,
            row.seq,
            row.attempts,
            outcome,
            max_attempts=self._most_attempts(row),
        )

    def _most_attempts(self, row: Claimed) -> int:
        """Over the whole chain of the run's account, unless it is no longer configured."""
        first = self._contexts[row.run_id].provider
        return self._engine.accounts.most_attempts(first) or self._account.config.max_attempts

    def _note(self, found: Sequence[Outcome], sent: float) -> None:
        """What an answer to a request that left at ``sent`` says about the account as a whole."""
        condition = self._account.condition
        condition.answered()
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
        deadline = self._engine.clock.monotonic() + RECORD_PATIENCE
        pause = 0.1
        while True:
            try:
                await self._engine.ledger.record(self._lease, settlements)
            except (psycopg.OperationalError, PoolTimeout):
                if self._engine.clock.monotonic() + pause > deadline:
                    raise
            else:
                return
            await self._engine.clock.sleep(pause)
            pause = min(pause * 2, 5.0)


def _chunks(
    rows: Sequence[tuple[int, Claimed]], size: int
) -> Sequence[Sequence[tuple[int, Claimed]]]:
    iterator = iter(rows)
    return list(iter(lambda: list(islice(iterator, size)), []))
