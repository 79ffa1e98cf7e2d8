"""The limiter contract: lease the moments at which an account's messages may leave."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from campaigns.errors import Unavailable
from worker.throttle.gcra import (
    MAX_COOL_US,
    SECOND_US,
    Grant,
    Terms,
    emission_interval_us,
    usable_burst,
)


class LimiterUnavailable(Unavailable):
    """The limiter gave no answer. Nothing was granted, so nothing may be sent."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that is obeyed beside the account's own: of a sender, of a team."""

    key: str
    per_second: float


@dataclass(frozen=True, slots=True)
class Permits:
    """A leased block of units. All moments and lengths are seconds of ``Clock.monotonic()``.

    Unit ``i`` of the block leaves not before ``at(i)``; ``burst`` neighbours leave together. A
    block is used by the process that leased it, or lapses; nothing is given back.
    """

    start: float
    #: Distance of the units' slots; 0 where nothing limits them.
    interval: float
    count: int
    #: How late a message may use its slot. Later than that others own what is due.
    tolerance: float
    burst: int = 1

    def __len__(self) -> int:
        return self.count

    def at(self, index: int, cost: int = 1) -> float:
        """When a message may leave whose ``cost`` units begin with unit ``index``.

        With its first unit, although the others have their slots after it, and no sooner than a
        burst allows: the unit of number ``i`` at most ``burst - 1`` slots early. So a message that
        costs no more than the burst breaks no limit.

        Raises:
            IndexError: the block is shorter.
        """
        if index < 0 or cost < 1 or index + cost > self.count:
            raise IndexError(f"{cost} units from {index} on in a block of {self.count}")
        earliest = min(index, index + cost - self.burst)
        slot = max(index - index % self.burst, earliest)
        return self.start + slot * self.interval

    @property
    def slots(self) -> Iterator[float]:
        """When each unit may leave, in order."""
        return (self.at(index) for index in range(self.count))

    def due_within(self, seconds: float) -> int:
        """How many units may leave within ``seconds`` of the first."""
        together = self.burst * self.interval
        if not together:
            return self.count
        return min(self.count, (math.floor(seconds / together) + 1) * self.burst)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to lease yet; it pays to ask again after ``seconds``."""

    seconds: float


class Limiter(Protocol):
    """Keeps accounts to their rates, whatever the number of processes."""

    async def acquire(
        self,
        account: str,
        rate_per_second: float | None,
        want: int,
        *,
        at_least: int = 1,
        others: Sequence[Limit] = (),
        burst: int = 1,
        period: float = 1.0,
        lead: float = 0.0,
        within: float = math.inf,
    ) -> Permits | Wait:
        """Lease up to ``want`` units of ``account`` and of all ``others``; fewer is normal.

        What is leased is a multiple of ``at_least``, the units that one message costs: so many at
        least, even where that is more than ``want`` or than a block.

        The rates may change between calls and count from the next one on. With ``None`` only the
        others limit, and without any all slots are due at once, unless the account cools down.

        ``burst`` units may leave together, where no other limit is in the way; never more than
        the rate allows in any ``period``, the seconds that the rate is given for ("200/min": 60).
        It is cut where it would cost more than half of the rate.

        Nothing is leased that begins sooner than in ``lead`` seconds, which the asker needs to be
        ready, or later than in ``within``, for an asker to whom it would be of no use. A limiter
        takes no more of ``lead`` than its horizon.

        Raises:
            LimiterUnavailable: no answer. Send nothing.
            ValueError: ``want``, ``at_least`` or ``burst`` is below 1, a rate is not positive, a
                key occurs twice.
        """
        ...

    async def cool(self, account: str, seconds: float) -> None:
        """Lease no slot of ``account`` that is due within ``seconds``; at most a day.

        Never shortens a cool-down that is under way. Slots leased before stay valid.

        Raises:
            LimiterUnavailable: no answer; the account may go on unslowed.
            ValueError: ``seconds`` is negative or not a number.
        """
        ...

    async def cooling_until(self, account: str) -> datetime | None:
        """When the cool-down of ``account`` ends, ``None`` where there is none.

        Raises:
            LimiterUnavailable: no answer.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How slots are leased, in seconds. All processes of an installation use the same values.

    ``max_block`` bounds what one process holds, and so how long a pause takes to be felt;
    ``horizon`` bounds how far ahead blocks begin. Their sum is what an account waits after its
    key was lost. ``jitter`` is how late messages usually leave, see
    :func:`~worker.throttle.gcra.emission_interval_us`; half of it may be spent on limits that hold
    each other up. ``tolerance`` is how late messages ever may leave.
    """

    horizon: float = 0.5
    max_block: float = 0.2
    jitter: float = 0.01
    tolerance: float = 0.1

    def terms(
        self,
        rate_per_second: float | None,
        others: Sequence[Limit] = (),
        *,
        burst: int = 1,
        period: float = 1.0,
        lead: float = 0.0,
        within: float = math.inf,
    ) -> Terms:
        """What to reserve by; raises ``ValueError`` like :meth:`Limiter.acquire`."""
        jitter = microseconds(self.jitter)
        own = 0
        if rate_per_second is not None:
            burst = usable_burst(burst, rate_per_second, period)
            own = emission_interval_us(rate_per_second, jitter, burst=burst, period_s=period)
        return Terms(
            intervals_us=(own, *(emission_interval_us(o.per_second, jitter) for o in others)),
            horizon_us=microseconds(self.horizon),
            max_block_us=microseconds(self.max_block),
            lag_us=jitter // 2,
            burst=burst,
            lead_us=microseconds(min(max(lead, 0.0), self.horizon)),
            within_us=microseconds(min(max(within, 0.0), self.horizon + self.max_block)),
        )

    def answer(self, grant: Grant, terms: Terms, given: float) -> Permits | Wait:
        """``grant`` in terms of the local clock, which showed ``given`` when it was given."""
        if grant.granted == 0:
            return Wait(grant.wait_us / SECOND_US)
        return Permits(
            start=given + grant.delay_us / SECOND_US,
            interval=terms.spacing_us / SECOND_US,
            count=grant.granted,
            tolerance=self.tolerance,
            burst=terms.together,
        )

    def unlimited(self, cooling_us: int, units: int, received: float) -> Permits | Wait:
        """The answer where there is no limit at all."""
        if cooling_us > 0:
            return Wait(cooling_us / SECOND_US)
        return Permits(start=received, interval=0.0, count=units, tolerance=self.tolerance)


def check(account: str, want: int, at_least: int, others: Sequence[Limit], burst: int) -> None:
    """Refuse what makes no sense; raises ``ValueError`` like :meth:`Limiter.acquire`."""
    for name, value in (("want", want), ("at_least", at_least), ("burst", burst)):
        if value < 1:
            raise ValueError(f"{name}: {value} must be at least 1")
    if len({account, *(other.key for other in others)}) <= len(others):
        raise ValueError(f"others: the keys of {account!r} must be different from each other")


def cool_span_us(seconds: float) -> int:
    """The length of a cool-down, capped; raises ``ValueError`` like :meth:`Limiter.cool`."""
    if not seconds >= 0:
        raise ValueError(f"seconds: {seconds} must be zero or more")
    return microseconds(min(seconds, MAX_COOL_US / SECOND_US))


def microseconds(seconds: float) -> int:
    return round(seconds * SECOND_US)
