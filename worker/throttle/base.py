"""The limiter contract: lease the moments at which an account's messages may leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from campaigns.errors import Unavailable
from worker.throttle.gcra import MAX_COOL_US, SECOND_US, Grant, Terms, emission_interval_us


class LimiterUnavailable(Unavailable):
    """The limiter gave no answer. Nothing was granted, so nothing may be sent."""


@dataclass(frozen=True, slots=True)
class Permits:
    """A leased block of slots. All moments and lengths are seconds of ``Clock.monotonic()``.

    Message ``i`` of the block leaves not before ``at(i)``. A block is used by the process that
    leased it, or lapses; nothing is given back.
    """

    start: float
    interval: float
    count: int
    #: How late a message may use its slot.
    tolerance: float

    def __len__(self) -> int:
        return self.count

    def at(self, index: int) -> float:
        """The slot of message ``index``.

        Raises:
            IndexError: the block is shorter.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"slot {index} of a block of {self.count}")
        return self.start + index * self.interval

    @property
    def slots(self) -> Iterator[float]:
        """All slots, in order."""
        return (self.at(index) for index in range(self.count))

    def missed(self, index: int, moment: float) -> bool:
        """Whether slot ``index`` is too long ago at ``moment`` to be used.

        A process that stood still must not send its whole block at once when it wakes: others
        own the slots that are due by then. It asks for new ones.
        """
        return moment > self.at(index) + self.tolerance


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to lease yet; it pays to ask again after ``seconds``."""

    seconds: float


class Limiter(Protocol):
    """Keeps accounts to their rates, whatever the number of processes."""

    async def acquire(
        self, account: str, rate_per_second: float | None, want: int
    ) -> Permits | Wait:
        """Lease up to ``want`` slots of ``account``; fewer is normal.

        ``rate_per_second`` may change between calls and counts from the next one on. With
        ``None`` all slots are due at once, unless the account cools down.

        Raises:
            LimiterUnavailable: no answer. Send nothing.
            ValueError: ``want`` is below 1, or the rate is not positive.
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
    :func:`~worker.throttle.gcra.emission_interval_us`; ``tolerance`` is how late they ever may.
    """

    horizon: float = 0.5
    max_block: float = 0.2
    jitter: float = 0.01
    tolerance: float = 0.1

    def terms(self, rate_per_second: float, want: int) -> Terms:
        """What to reserve by; raises ``ValueError`` like :meth:`Limiter.acquire`."""
        _check_want(want)
        return Terms(
            interval_us=emission_interval_us(rate_per_second, microseconds(self.jitter)),
            horizon_us=microseconds(self.horizon),
            max_block_us=microseconds(self.max_block),
        )

    def answer(self, grant: Grant, terms: Terms, received: float) -> Permits | Wait:
        """``grant`` in terms of the local clock, which showed ``received`` after it was given.

        The delay was measured when the server answered. Counting it from the moment the answer
        is here makes a slot late by the way back at most, and never early.
        """
        if grant.granted == 0:
            return Wait(grant.wait_us / SECOND_US)
        return Permits(
            start=received + grant.delay_us / SECOND_US,
            interval=terms.interval_us / SECOND_US,
            count=grant.granted,
            tolerance=self.tolerance,
        )

    def unlimited(self, cooling_us: int, want: int, received: float) -> Permits | Wait:
        """The answer for an account without a rate."""
        _check_want(want)
        if cooling_us > 0:
            return Wait(cooling_us / SECOND_US)
        return Permits(start=received, interval=0.0, count=want, tolerance=self.tolerance)


def cool_span_us(seconds: float) -> int:
    """The length of a cool-down, capped; raises ``ValueError`` like :meth:`Limiter.cool`."""
    if not seconds >= 0:
        raise ValueError(f"seconds: {seconds} must be zero or more")
    return microseconds(min(seconds, MAX_COOL_US / SECOND_US))


def microseconds(seconds: float) -> int:
    return round(seconds * SECOND_US)


def _check_want(want: int) -> None:
    if want < 1:
        raise ValueError(f"want: {want} must be at least 1")
