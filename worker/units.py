"""The units of one batch: how many its messages cost, and the permits to send them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean

from campaigns import failpoints
from worker.account import Account
from worker.costs import Estimate
from worker.engine import Engine
from worker.ledger import Lease
from worker.permits import PermitSource
from worker.run_context import RunContext
from worker.throttle.base import Permits, Wait

#: Beside batches with limits of their own a batch leases no more than this at a time, in seconds of
#: the account's rate: a unit of theirs finds its place only between two of our blocks.
INTERLEAVED_SECONDS = 0.01


class Units:
    """Asks for as many units as messages are likely to cost, in time to claim them."""

    def __init__(
        self, engine: Engine, account: Account, lease: Lease, contexts: Mapping[int, RunContext]
    ) -> None:
        self._engine = engine
        self._account = account
        self._interleaved = lease.interleaved
        self._runs = list(contexts)
        segments = [one.segments for one in contexts.values()]
        counted = account.config.counts_segments and segments
        self.estimate = Estimate(fmean(segments) if counted else 1.0)
        self.permits = PermitSource(engine.limiter, engine.clock, account, lease.limits)

    async def lease(self, messages: int, *, patience: float) -> Permits | Wait | None:
        """Permits, be it for a moment ahead, for as many messages or fewer.

        A wait of up to ``patience`` seconds is sat out; a longer one is the answer, and ``None`` is
        that the limiter cannot be reached.
        """
        while True:
            answer = await self._ask(messages)
            if isinstance(answer, Permits):
                failpoints.hit("permit.granted")
                return answer
            if answer is None or answer.seconds > patience or self._engine.stopping:
                return answer
            await self._engine.clock.sleep(answer.seconds)

    async def _ask(self, messages: int) -> Permits | Wait | None:
        clock, engine = self._engine.clock, self._engine
        asked = clock.monotonic()
        known = self._account.stragglers.needed(self._runs, asked)
        at_least = max(round(self.estimate.mean), known)
        units = self.estimate.units(messages)
        if self._interleaved:
            rate = self._account.per_second(clock.now()) or math.inf
            units = min(units, max(math.ceil(rate * INTERLEAVED_SECONDS), at_least))
        lead = engine.permit_lead.seconds + engine.claim_lead.seconds
        answer = await self.permits.ask(units, at_least, lead=lead)
        engine.permit_lead.learn(clock.monotonic() - asked)
        return answer

    async def lease_more(self, units: int, at_least: int, until: float) -> Permits | None:
        """Permits for messages that are claimed; ``None`` where there are none until ``until``."""
        if self._engine.clock.monotonic() >= until:
            return None
        lead = self._engine.permit_lead.seconds
        return await self.permits.wait_for(units, at_least, until, lead=lead)
