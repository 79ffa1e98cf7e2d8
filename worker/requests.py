"""One request: encode messages, let them depart, read the answer, note how the account fares."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from campaigns import failpoints
from worker import outcomes
from worker.account import Account
from worker.adapters.base import (
    AnyAdapter,
    Blocked,
    Failed,
    HttpRequest,
    HttpResponse,
    Message,
    Outcome,
    Throttled,
    Unknown,
)
from worker.departures import Departure
from worker.engine import Engine
from worker.notes import Notes
from worker.outcomes import NotSent, Result, Unsendable
from worker.rendering import Rendered
from worker.transport.base import (
    BrokenOff,
    NotSentElsewhere,
    Refused,
    TooLate,
    Uncertain,
    UncertainElsewhere,
)
from worker.transport.base import NotSent as RequestNotSent

log = logging.getLogger(__name__)

#: How long after its gate closed a request may still leave that had to wait for its connection, in
#: seconds. Gates close 0.3 s early, for requests to arrive in.
CONNECT_MARGIN = 0.2

#: The message had its moment and missed it: it has not departed, and may in another one.
LATE = NotSent("too_late")

#: The adapter has no words for this kind of content.
NOT_CARRIED = Unsendable("content_not_carried")


class Requests:
    """The requests of one batch. Remembers whether the account has to be left alone."""

    def __init__(self, engine: Engine, account: Account, notes: Notes) -> None:
        self._engine = engine
        self._account = account
        self._notes = notes
        #: Whether the account has to be left alone, by what happened in this batch.
        self.repelled = False
        self._tellings: list[asyncio.Task[None]] = []

    async def send(self, group: Sequence[Rendered], departure: Departure) -> list[Result]:
        """Send messages that depart together, now that it is time; what became of each."""
        # The account may be configured anew before the answer is here.
        adapter = self._account.adapter
        results: list[Result] = []
        for part, request in self._encode(adapter, group):
            if isinstance(request, Unsendable):
                results += [request] * len(part)
            else:
                results += await self._request(adapter, request, part, departure)
        return results

    async def told(self) -> None:
        """Return when the other processes know what these requests told of the account."""
        await asyncio.gather(*self._tellings)

    def _encode(
        self, adapter: AnyAdapter, group: Sequence[Rendered]
    ) -> list[tuple[Sequence[Rendered], HttpRequest | Unsendable]]:
        """Requests for the messages; why there is none for one that cannot be encoded.

        A message that breaks a request of many goes alone, and so do its neighbours.
        """
        carried = adapter.capabilities.contents
        try:
            if all(type(one.message.content) in carried for one in group):
                return [(group, adapter.encode([one.message for one in group]))]
            if len(group) == 1:
                # Its text alone would lose what belongs to it: a picture, buttons, a subject.
                return [(group, NOT_CARRIED)]
            return [part for one in group for part in self._encode(adapter, [one])]
        except Exception as error:
            if len(group) > 1:
                return [part for one in group for part in self._encode(adapter, [one])]
            log.error(
                "%s: delivery %s cannot be encoded (%s)",
                self._account.config.name,
                group[0].message.reference,
                type(error).__name__,
            )
            return [(group, Unsendable("encode_error"))]

    async def _request(
        self,
        adapter: AnyAdapter,
        request: HttpRequest,
        group: Sequence[Rendered],
        departure: Departure,
    ) -> Sequence[Outcome | NotSent]:
        clock = self._engine.clock
        messages = [one.message for one in group]
        sent = clock.monotonic()
        closes_at = min(one.row.closes_at for one in group)
        if sent > departure.latest or sent >= closes_at:
            # What the claim and the permit granted may be forbidden by now.
            return [LATE] * len(messages)
        condition = self._account.condition
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
            refused = [Blocked(error.code)] * len(messages)
            self._note(refused, sent)
            return refused
        except NotSentElsewhere as error:
            return [Failed(error.code)] * len(messages)
        except RequestNotSent as error:
            self.repelled = True
            condition.failed(clock.monotonic(), error.code)
            self._tell()
            return [NotSent(error.code)] * len(messages)
        except Uncertain as error:
            if not isinstance(error, BrokenOff | UncertainElsewhere):
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
