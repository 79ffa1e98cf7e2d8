"""The limiter's arithmetic: GCRA as reservations on one timeline, without a burst.

GCRA is the generic cell rate algorithm of ITU-T I.371, annex A, in its virtual scheduling form.
The words, as used here:

cell
    What is kept per account: two moments, a few dozen bytes, whatever the rate.
emission interval
    The distance between two neighbouring slots, in microseconds: ``ceil(1 s / rate)``.
TAT, theoretical arrival time
    The first moment of the account's timeline that nobody has reserved.
slot
    One moment at which one message may leave. Slots of an account are never closer together than
    the emission interval, whichever processes hold them.
block
    Consecutive slots, reserved at once by one process, so that one round trip serves many
    messages. It takes the place of GCRA's burst tolerance, which is zero here.
horizon
    How far ahead of now a block may begin. Beyond it nothing is reserved and the asker waits:
    slots that are reserved early are lost when their holder dies or is paused.
reach
    The furthest that a TAT can honestly lie ahead of now: the horizon, and one block behind it.
cool-down
    A time in which the account sends nothing, because its provider said "too fast".

All moments are integer microseconds of the Redis server's clock, and every function takes
``now``. :file:`gcra.lua` and :file:`cool.lua` are this module again, run by Redis; the tests hold
both to the same answers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

SECOND_US = 1_000_000

#: The slowest pace that can be told apart from "never": one message in a year.
MAX_INTERVAL_US = 366 * 86_400 * SECOND_US

#: The longest cool-down. A provider that asks for more is asked again after a day.
MAX_COOL_US = 86_400 * SECOND_US


@dataclass(frozen=True, slots=True)
class Cell:
    """The state of one account.

    ``tat_us`` is ``None`` where it is not known: a new account, or one whose key was lost.
    ``cool_span_us`` is how far ahead ``cool_until_us`` lay when it was set.
    """

    tat_us: int | None = None
    cool_until_us: int = 0
    cool_span_us: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reservation asks for, beside its size. All are microseconds."""

    interval_us: int
    horizon_us: int
    max_block_us: int

    @property
    def reach_us(self) -> int:
        """The furthest that a TAT can lie ahead of now."""
        return self.horizon_us + max(self.max_block_us, self.interval_us)

    @property
    def max_slots(self) -> int:
        """The slots of the longest block; a single one may be longer than ``max_block_us``."""
        return max(1, self.max_block_us // self.interval_us)


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer: slot ``i`` of ``granted`` is at now + ``delay_us`` + i * interval.

    With ``granted == 0`` it pays to ask again in ``wait_us``, not earlier.
    """

    granted: int
    delay_us: int
    wait_us: int


def emission_interval_us(rate_per_second: float, jitter_us: int = 0) -> int:
    """The distance of slots that keeps to ``rate_per_second`` in every half-open second.

    Rounded up: of ``R`` per second no more than ``R`` slots begin in any ``[t, t + 1 s)``.
    ``jitter_us`` widens it so far that the same holds for messages that leave up to
    ``jitter_us`` after their slots, at the price of that share of a second.

    Raises:
        ValueError: the rate is not a positive number, or is below one a year.
    """
    if not (math.isfinite(rate_per_second) and rate_per_second > 0):
        raise ValueError(f"rate: {rate_per_second} must be a positive number per second")
    interval = (SECOND_US + jitter_us) / rate_per_second
    if interval > MAX_INTERVAL_US:
        raise ValueError(f"rate: {rate_per_second} must be at least one message per year")
    return math.ceil(interval)


def reserve(cell: Cell, now_us: int, terms: Terms, want: int) -> tuple[Cell, Grant]:
    """Reserve at most ``want`` consecutive slots.

    The new state has to be kept after a refusal too: without it an unknown TAT would be pushed
    ahead by every call, and never come near.
    """
    cell = _plausible(cell, now_us, terms)
    assert cell.tat_us is not None
    start = max(now_us, cell.tat_us, cell.cool_until_us)
    delay = start - now_us
    if delay > terms.horizon_us:
        return cell, Grant(0, 0, delay - terms.horizon_us)
    granted = min(want, terms.max_slots)
    return replace(cell, tat_us=start + granted * terms.interval_us), Grant(granted, delay, 0)


def cool(cell: Cell, now_us: int, span_us: int) -> Cell:
    """No slot before now + ``span_us``. Never shortens a cool-down that is under way.

    Slots that are reserved already stay with their holders.
    """
    current = _cool_until(cell, now_us)
    if now_us + span_us <= current:
        return replace(cell, cool_until_us=current)
    return replace(cell, cool_until_us=now_us + span_us, cool_span_us=span_us)


def cooling_us(cell: Cell, now_us: int) -> int:
    """What is left of the cool-down; 0 where there is none."""
    return max(0, _cool_until(cell, now_us) - now_us)


def _plausible(cell: Cell, now_us: int, terms: Terms) -> Cell:
    """The cell without what cannot be: moments further ahead than they were ever set.

    They get there when the clock is set back, and the TAT also when the rate is raised. An
    unknown TAT counts as the furthest possible one: whatever was reserved before the key got
    lost has then passed before the next slot.
    """
    furthest = now_us + terms.reach_us
    tat = furthest if cell.tat_us is None else min(cell.tat_us, furthest)
    return replace(cell, tat_us=tat, cool_until_us=_cool_until(cell, now_us))


def _cool_until(cell: Cell, now_us: int) -> int:
    return min(cell.cool_until_us, now_us + cell.cool_span_us)
