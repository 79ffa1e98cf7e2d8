"""How the use of a provider's account adapts to how the account fares.

A throttled reply lowers the part of the account's rate that is used at one stroke, and it recovers
gradually: additive increase, multiplicative decrease (Chiu and Jain, Computer Networks and ISDN
Systems 17, 1989), which finds a limit that the provider does not tell.

Connections that fail hold the account for a while, each time for longer. After some in a row the
circuit opens (Nygard, Release It!, 2nd edition, chapter 5): then one message at a time probes
whether the provider is back, and its success closes the circuit.

An account that the provider refuses (wrong credentials, no credit, no permission) is held for
longer, because somebody has to mend it, and its circuit opens at once.

State goes in and new state comes out, so that whoever stores it decides where.

Pure: takes ``now``, does no I/O. Times are in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Literal

#: A throttled reply leaves this part of the rate.
DECREASE = 0.5

#: What is left of the rate however often the account is throttled.
LOWEST_FACTOR = 0.05

#: What comes back of the full rate per second: from half to all of it in 30 s.
RECOVERY_PER_SECOND = 1 / 60

#: So many failures in a row open the circuit.
OPENS_AFTER = 3

#: The first hold of an account that cannot be reached; each further one is twice as long.
FIRST_HOLD = timedelta(seconds=1)
LONGEST_HOLD = timedelta(seconds=30)

#: The first hold of an account that is refused; each further one is twice as long.
BLOCKED_PAUSE = timedelta(seconds=60)
LONGEST_BLOCKED_PAUSE = timedelta(minutes=15)

Circuit = Literal["closed", "open"]


@dataclass(frozen=True, slots=True)
class RateFactor:
    """The part of the account's rate that is used: ``value`` until ``at``, then more and more."""

    value: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """Failures and refusals in a row, and until when nothing is sent at all."""

    failures: int = 0
    circuit: Circuit = "closed"
    cooling_until: datetime | None = None
    #: How often in a row the account itself was refused.
    refusals: int = 0

    def is_cooling(self, now: datetime) -> bool:
        """Whether nothing may be sent now."""
        return self.cooling_until is not None and now < self.cooling_until


def current(state: RateFactor | None, now: datetime) -> float:
    """The part of the rate to use now, above 0 and at most 1; an account never throttled has 1."""
    if state is None:
        return 1.0
    recovered = max((now - state.at).total_seconds(), 0.0) * RECOVERY_PER_SECOND
    return min(state.value + recovered, 1.0)


def after_throttled(state: RateFactor | None, now: datetime, cooling_until: datetime) -> RateFactor:
    """The state after a throttled reply that holds the account until ``cooling_until``.

    A reply that comes while the account cools already belongs to the same event: it may prolong
    the cool-down and does not lower the rate again. Recovery starts with the end of the cool-down.
    """
    if state is not None and now < state.at:
        return RateFactor(state.value, max(state.at, cooling_until))
    lowered = max(current(state, now) * DECREASE, LOWEST_FACTOR)
    return RateFactor(lowered, max(now, cooling_until))


def after_failure(health: Health, now: datetime) -> Health:
    """The state after a connection that did not come about.

    Failures reported while the account is held count as the one that holds it, however many
    requests were under way.
    """
    if health.is_cooling(now):
        return health
    failures = health.failures + 1
    # The exponent is bounded, because an outage is not.
    hold = min(FIRST_HOLD * 2 ** min(health.failures, 10), LONGEST_HOLD)
    is_open = failures >= OPENS_AFTER or health.refusals > 0
    circuit: Circuit = "open" if is_open else "closed"
    return replace(health, failures=failures, circuit=circuit, cooling_until=now + hold)


def after_refusal(health: Health, now: datetime) -> Health:
    """The state after an answer that refuses the account as a whole.

    Like failures, those that come while the account is held count as the one that holds it. The
    provider was there to answer, so the failures before it are over.
    """
    if health.is_cooling(now):
        return health
    hold = min(BLOCKED_PAUSE * 2 ** min(health.refusals, 10), LONGEST_BLOCKED_PAUSE)
    return Health(0, "open", now + hold, health.refusals + 1)


def after_success(health: Health, now: datetime) -> Health:
    """The state after an answer that does not refuse the account. A hold that is running stays.

    While a refused account is held nothing is sent through it, so an answer that comes then is to
    a request from before, and says nothing about the account as it is.
    """
    if health.refusals and health.is_cooling(now):
        return replace(health, failures=0)
    return replace(health, failures=0, circuit="closed", refusals=0)


def capacity(health: Health, now: datetime, normal: int, outstanding: int) -> int:
    """How many more messages may be cut: up to ``normal`` with those ``outstanding``.

    None while the account cools, and a single one at a time while its circuit is open.
    """
    if health.is_cooling(now):
        return 0
    ceiling = min(normal, 1) if health.circuit == "open" else normal
    return max(ceiling - outstanding, 0)


def chain_position(attempts: int, limits: Sequence[int]) -> int:
    """Which account of a fallback chain makes the next attempt, counted from 0.

    ``limits`` tells how many attempts each of them has. After the last one's it stays the last.
    """
    ends = accumulate(limits)
    return next((place for place, end in enumerate(ends) if attempts < end), len(limits) - 1)
