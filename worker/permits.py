"""The permits of one batch: asked for under all limits that its messages obey."""

from __future__ import annotations

import logging
import math

from campaigns.clock import Clock
from worker.account import Account
from worker.throttle.base import Limit, Limiter, LimiterUnavailable, Permits, Wait

log = logging.getLogger(__name__)


class PermitSource:
    """Asks the limiter on behalf of one batch; looks up the account's rate each time."""

    def __init__(
        self, limiter: Limiter, clock: Clock, account: Account, limits: tuple[Limit, ...]
    ) -> None:
        self._limiter = limiter
        self._clock = clock
        self._account = account
        self._limits = limits

    async def ask(
        self, want: int, at_least: int = 1, *, lead: float = 0.0, within: float = math.inf
    ) -> Permits | Wait | None:
        """One answer of the limiter; ``None`` when there is none, and nothing may be sent."""
        config = self._account.config
        try:
            return await self._limiter.acquire(
                config.name,
                self._account.per_second(self._clock.now()),
                want,
                at_least=at_least,
                others=self._limits,
                burst=config.together(self._account.adapter.capabilities.max_batch),
                period=config.period,
                lead=lead,
                within=within,
            )
        except LimiterUnavailable:
            log.warning("the limiter cannot be reached: nothing is sent")
            return None

    async def wait_for(
        self, want: int, at_least: int, until: float, *, lead: float = 0.0
    ) -> Permits | None:
        """Permits whose first slot is due by ``until``; ``None`` as soon as there can be none."""
        while True:
            within = until - self._clock.monotonic()
            answer = await self.ask(want, at_least, lead=lead, within=within)
            if not isinstance(answer, Wait):
                return answer
            if self._clock.monotonic() + answer.seconds > until:
                return None
            await self._clock.sleep(answer.seconds)
