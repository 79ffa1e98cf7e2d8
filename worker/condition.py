"""How an account fares, as far as this process knows, and what it has to tell the others.

The truth stands in ``provider_states``, for all processes. This is the latest copy of it, together
with what was seen here since: whoever sees something obeys it at once.

Pure: takes the time, does no I/O. Moments are on the local monotonic clock, except for those of the
rate factor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from campaigns.schedule import adaptive
from campaigns.schedule.adaptive import Circuit, Health, RateFactor

#: A reply that is lost now and then says nothing about the account. So many requests in a row
#: without any answer do.
UNANSWERED = 3


@dataclass(frozen=True, slots=True)
class Throttling:
    """A reply that says that the account is too fast."""

    #: When the request left that was answered so; the account had that pace then.
    sent: float
    #: Until when the account is to be left alone.
    until: float
    code: str


@dataclass(frozen=True, slots=True)
class News:
    """What happened since the others were last told, in this order."""

    answered: bool = False
    throttling: Throttling | None = None
    #: The code of a connection that did not come about, or of an answer that did not come.
    failure: str | None = None
    #: The code with which the account itself was refused.
    refusal: str | None = None


#: Nothing happened. The usual case, told apart by identity because every answer asks.
NO_NEWS = News()


@dataclass(frozen=True, slots=True)
class Known:
    """What ``provider_states`` says about an account."""

    failures: int = 0
    circuit: Circuit = "closed"
    #: Seconds for which it is to be left alone.
    rest: float = 0.0
    factor: RateFactor | None = None


class Condition:
    """What one process knows of one account."""

    def __init__(self) -> None:
        self._known = Known()
        self._rests_until = 0.0
        self._unanswered = 0
        self._news = NO_NEWS

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open: only a message that was handed out alone may be tried."""
        return self._known.circuit == "open"

    @property
    def has_news(self) -> bool:
        """Whether there is something to tell."""
        return self._news is not NO_NEWS

    def rest(self, now: float) -> float:
        """For how many seconds nothing may be sent, 0 while all is well."""
        return max(self._rests_until - now, 0.0)

    def factor(self, now: datetime) -> float:
        """The part of the account's rate to use now."""
        return adaptive.current(self._known.factor, now)

    def learn(self, known: Known, now: float) -> None:
        """Take over what the database says."""
        self._known = known
        self._rests_until = max(self._rests_until, now + known.rest)

    def answered(self) -> None:
        """The provider answered, and did not refuse the account."""
        self._unanswered = 0
        if self._known.failures or self.is_open or self._news.failure:
            self._news = replace(self._news, answered=True, failure=None)

    def throttled(self, now: float, sent: float, seconds: float, code: str) -> None:
        """The provider wants to be left alone for ``seconds``."""
        self.answered()
        until = max(self._rests_until, now + seconds)
        if self._news.throttling is not None:
            sent = max(sent, self._news.throttling.sent)
        self._rests_until = until
        self._news = replace(self._news, throttling=Throttling(sent, until, code))

    def refused(self, now: float, code: str) -> None:
        """The provider refuses the account. While the account is held, that is no news."""
        self._unanswered = 0
        if self.rest(now):
            return
        self._rests_until = now + adaptive.BLOCKED_PAUSE.total_seconds()
        self._news = replace(self._news, failure=None, refusal=code)

    def failed(self, now: float, code: str) -> None:
        """No connection came about. While the account is held, that is no news."""
        if self.rest(now):
            return
        self._rests_until = now + adaptive.FIRST_HOLD.total_seconds()
        self._news = replace(self._news, failure=code)

    def unanswered(self, now: float, code: str) -> None:
        """A request left, and no answer came."""
        self._unanswered += 1
        if self._unanswered >= UNANSWERED or self._known.failures:
            self.failed(now, code)

    def take_news(self) -> News:
        """What is to be told; from here on it counts as told."""
        news, self._news = self._news, NO_NEWS
        return news


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A row of ``provider_states``."""

    health: Health
    reason: str | None
    factor: RateFactor | None
    #: The code with which the account was refused, until it is accepted again.
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """News with how long ago it happened, which means the same on every clock. Seconds."""

    news: News
    #: For how long the account asked to be left alone, and how long ago its pace was too high.
    rest: float = 0.0
    age: float = 0.0


def after(state: ProviderState, told: Told, now: datetime) -> ProviderState:
    """The state after what a process has to tell."""
    news = told.news
    health, reason, factor = state.health, state.reason, state.factor
    refusal = state.refusal
    if news.answered or news.throttling:
        health = adaptive.after_success(health, now)
    if news.throttling:
        until = now + timedelta(seconds=told.rest)
        # Judged by when the request left: one of before the last cool-down belongs to that one.
        factor = adaptive.after_throttled(factor, now - timedelta(seconds=told.age), until)
        if health.cooling_until is None or health.cooling_until < until:
            health, reason = replace(health, cooling_until=until), news.throttling.code
    if news.failure:
        failed = adaptive.after_failure(health, now)
        if failed is not health:
            health, reason = failed, news.failure
    if news.refusal:
        refused = adaptive.after_refusal(health, now)
        if refused is not health:
            health, reason, refusal = refused, news.refusal, news.refusal
    return ProviderState(health, reason, factor, refusal if health.refusals else None)
