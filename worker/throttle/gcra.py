"""The limiter's arithmetic: GCRA as reservations, on the timelines of several keys at once.

GCRA is the generic cell rate algorithm of ITU-T I.371, annex A, in its virtual scheduling form.
The words, as used here:

key
    What has a rate: an account, one of its senders, a team. A message obeys several at once.
unit
    What a rate counts: a message, or a segment of one. A message of three segments takes three
    units.
cell
    What is kept per key: a few numbers, whatever the rate.
emission interval
    The distance between two neighbouring slots, in microseconds; see :func:`emission_interval_us`.
TAT, theoretical arrival time
    The first moment of a key's timeline that nobody has reserved.
slot
    One moment at which one unit may leave. Slots of a key are never closer together than its
    emission interval, whichever processes hold them.
block
    Consecutive slots, reserved at once by one process, so that one round trip serves many
    messages. Its units leave at the pace of the slowest key.
burst
    How many units may leave together, up to ``burst - 1`` of them ahead of their slots. This is
    GCRA's tolerance, and the emission interval pays for it.
lag
    How late after its slot on a key's timeline a unit may leave, because another key holds it up.
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
from collections.abc import Sequence
from dataclasses import dataclass, replace

SECOND_US = 1_000_000

#: The slowest pace that can be told apart from "never": one message in a year.
MAX_INTERVAL_US = 366 * 86_400 * SECOND_US

#: The longest cool-down. A provider that asks for more is asked again after a day.
MAX_COOL_US = 86_400 * SECOND_US


@dataclass(frozen=True, slots=True)
class Cell:
    """The state of one key.

    ``tat_us`` is ``None`` where it is not known: a new key, or one that was lost. ``block`` is
    how many units were reserved last. ``cool_span_us`` is how far ahead ``cool_until_us`` lay when
    it was set; only accounts cool down.
    """

    tat_us: int | None = None
    block: int = 0
    cool_until_us: int = 0
    cool_span_us: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reservation asks for, beside its size. Lengths are microseconds.

    ``intervals_us`` are the emission intervals of all keys, the account's first: 0 where it has no
    rate. ``burst`` is the account's, and its interval has paid for it. ``lead_us`` is how far ahead
    the block has to begin for this asker to be ready, ``within_us`` how far ahead it may begin,
    where that is less than the horizon.
    """

    intervals_us: tuple[int, ...]
    horizon_us: int
    max_block_us: int
    lag_us: int = 0
    burst: int = 1
    lead_us: int = 0
    within_us: int = MAX_COOL_US

    def ahead_us(self, at_least: int = 1) -> int:
        """How far ahead of now the block may begin.

        Under a slower key a block holds few units, and whoever asks for few at a time would seldom
        find room beside those who ask for many. So it may begin behind the last of their blocks, as
        long as it ends within the account's reach.
        """
        ahead = self.horizon_us
        if len(self.intervals_us) > 1 and self.intervals_us[0]:
            largest = max(self._most(), at_least)
            ahead += max(self.max_block_us - largest * self.intervals_us[0], 0)
        return min(ahead, self.within_us)

    @property
    def spacing_us(self) -> int:
        """The distance at which units leave: that of the slowest key."""
        return max(self.intervals_us)

    @property
    def together(self) -> int:
        """How many units leave together: other keys have not paid for a burst."""
        return self.burst if len(self.intervals_us) == 1 else 1

    def _most(self) -> int:
        """As many units as one block under several keys may hold."""
        most = max(1, self.max_block_us // self.spacing_us)
        slower = self.spacing_us - self.intervals_us[0]
        return min(most, 1 + self.lag_us // slower) if slower else most

    def reach_us(self, index: int = 0, units: int = 1) -> int:
        """The furthest that the TAT of key ``index`` can lie ahead of now.

        ``units`` are those that one message, or the last block, needed at once: only they and a
        burst make a block longer than ``max_block_us``.
        """
        if index > 0:
            # Its blocks may begin as late as the account's may end.
            return self.horizon_us + self.max_block_us + max(units, 1) * self.intervals_us[index]
        least = max(units, self.burst)
        return self.horizon_us + max(self.max_block_us, least * self.intervals_us[index])


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer: ``granted`` units, which leave from now + ``delay_us`` on, a spacing apart.

    With ``granted == 0`` it pays to ask again in ``wait_us``, not earlier.
    """

    granted: int
    delay_us: int
    wait_us: int


def emission_interval_us(
    rate_per_second: float, jitter_us: int = 0, *, burst: int = 1, period_s: float = 1.0
) -> int:
    """The distance of slots that keeps to ``rate_per_second`` in every half-open period.

    Rounded up: of ``R`` per second no more than ``R`` slots begin in any ``[t, t + 1 s)``.
    ``jitter_us`` widens it so far that the same holds for messages that leave up to
    ``jitter_us`` after their slots, at the price of that share of a second.

    With a ``burst`` it is the rate's own period in which no more than the rate leaves, although
    ``burst - 1`` units may leave before their slots. That costs ``burst - 1`` units per period.

    Raises:
        ValueError: the rate is not a positive number, or is below one a year.
    """
    if not (math.isfinite(rate_per_second) and rate_per_second > 0):
        raise ValueError(f"rate: {rate_per_second} must be a positive number per second")
    interval = (SECOND_US + jitter_us) / rate_per_second
    if burst > 1:
        # A window of a period touches the slots of a period and the jitter, and burst - 1 more.
        counted = rate_per_second * period_s - (burst - 1)
        interval = (period_s * SECOND_US + jitter_us) / counted
    if interval > MAX_INTERVAL_US:
        raise ValueError(f"rate: {rate_per_second} must be at least one message per year")
    return math.ceil(interval)


def usable_burst(burst: int, rate_per_second: float, period_s: float = 1.0) -> int:
    """``burst``, or what it is cut to so that no more than half of the rate is paid for it."""
    return max(1, min(burst, math.floor((rate_per_second * period_s + 1) / 2)))


def reserve(
    cells: Sequence[Cell], now_us: int, terms: Terms, want: int, at_least: int = 1
) -> tuple[list[Cell], Grant]:
    """Reserve at most ``want`` consecutive slots on the timelines of all keys, or on none.

    ``cells`` are in the order of ``terms.intervals_us``. What is granted is a multiple of
    ``at_least``, and that much even where a block would be shorter.

    The new state has to be kept after a refusal too: without it an unknown TAT would be pushed
    ahead by every call, and never come near.
    """
    found = [_plausible(cell, now_us, terms, index, at_least) for index, cell in enumerate(cells)]
    account = found[0]
    ready = now_us + terms.lead_us
    own = max(ready, account.cool_until_us, _tat(account, terms.intervals_us[0]))
    start = max(own, *map(_tat, found, terms.intervals_us))
    delay, lag = start - now_us, start - own
    wait = delay - terms.ahead_us(at_least)
    if terms.intervals_us[0] and lag > terms.lag_us:
        # The account is shared: it must not stand idle until another key is free. Where others
        # keep it full, its next slot comes nearer to that moment as time passes.
        nearer = max(lag - terms.lag_us, terms.lag_us)
        wait = max(wait, min(delay - terms.lag_us, nearer))
    if wait > 0:
        return found, Grant(0, 0, wait)
    granted = _size(terms, lag, want, at_least)
    bases = [own] + [start] * (len(found) - 1)
    reserved = [
        replace(cell, tat_us=base + granted * interval, block=granted) if interval else cell
        for cell, base, interval in zip(found, bases, terms.intervals_us, strict=True)
    ]
    return reserved, Grant(granted, delay, 0)


def _size(terms: Terms, lag_us: int, want: int, at_least: int) -> int:
    """How many units a block holds that begins ``lag_us`` after the account's own next slot.

    A faster key has its slots closer together than the units leave: every further one is later.
    """
    spacing = terms.spacing_us
    size = min(want, max(terms.together, terms.max_block_us // spacing))
    for index, interval in enumerate(terms.intervals_us):
        if 0 < interval < spacing:
            left = terms.lag_us - (lag_us if index == 0 else 0)
            size = min(size, 1 + left // (spacing - interval))
    size = max(size, at_least)
    return size - size % at_least


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


def _plausible(cell: Cell, now_us: int, terms: Terms, index: int, at_least: int) -> Cell:
    """The cell of key ``index`` without what cannot be: moments too far ahead.

    They get there when the clock is set back, and the TAT also when the rate is raised. An
    unknown TAT counts as the furthest possible one: whatever was reserved before the key got
    lost has then passed before the next slot.
    """
    cooled = replace(cell, cool_until_us=_cool_until(cell, now_us))
    if not terms.intervals_us[index]:
        return cooled
    if cell.tat_us is None:
        unknown = now_us + terms.reach_us(index, at_least)
        return replace(cooled, tat_us=unknown, block=at_least)
    furthest = now_us + terms.reach_us(index, cell.block)
    return replace(cooled, tat_us=min(cell.tat_us, furthest))


def _tat(cell: Cell, interval_us: int) -> int:
    """The TAT of a plausible cell, and 0 where there is no rate."""
    if not interval_us:
        return 0
    assert cell.tat_us is not None
    return cell.tat_us


def _cool_until(cell: Cell, now_us: int) -> int:
    return min(cell.cool_until_us, now_us + cell.cool_span_us)
