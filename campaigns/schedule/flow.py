"""How messages will leave over time, if nothing unforeseen happens: what ticks add up to.

A tick hands out whole messages for one second. Here time is cut only where something changes: an
interval opens or closes, a day of a warm-up begins, an allowance or a lane is used up. In between
everything leaves at a constant pace, so that a year costs as little as its calendar has intervals.

Before the finish of an evenly paced run a lane wants what is left of it over what is left of its
active time; otherwise it wants everything at once. What all lanes want together is cut down to the
lowest of the limits by max-min fairness, as a tick does it.

Pure: no clock, no I/O. Counts are messages, rates messages per second, times UTC.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from campaigns.schedule.active import ActiveTime

_DAY = 86_400.0
#: Less than this is a remainder of floating-point arithmetic.
_NOTHING = 1e-6
#: Nothing is foretold beyond: no time of a campaign lies later (campaigns/campaign/times.py).
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Closing:
    """How an interval ends, in seconds before its boundary."""

    #: From here on what is paced is hurried,
    hurried: float = 0.0
    #: so that all of it has left by here, if the limits allow.
    spread: float = 0.0
    #: From here on nothing leaves.
    gate: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What holds for all messages of a run."""

    #: Spread over the window, or as fast as everything else allows.
    evenly: bool
    #: The lowest of all ceilings; ``None``: there is none.
    per_second: float | None = None
    #: What each day of 24 hours since ``began``, counted from 0, may bring; ``None``: any number.
    allowance: Callable[[int], int] | None = None
    began: datetime | None = None
    closing: Closing = Closing()


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the window: when each lane may send, and the finish that they are paced to."""

    lanes: tuple[ActiveTime, ...]
    finish: datetime | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """From ``start`` to ``end`` messages leave at a constant pace; all at once if these are equal.

    ``before`` had left by ``start``.
    """

    start: datetime
    end: datetime
    before: float
    messages: float

    @property
    def after(self) -> float:
        """How many have left by ``end``."""
        return self.before + self.messages


@dataclass(frozen=True, slots=True)
class Flow:
    """Pieces by time. Between two of them nothing leaves."""

    pieces: tuple[Piece, ...]
    #: What is left of each lane in the end.
    left: tuple[float, ...]

    def by(self, moment: datetime) -> float:
        """How many messages have left by ``moment``."""
        index = bisect_right(self.pieces, moment, key=lambda piece: piece.start) - 1
        if index < 0:
            return 0.0
        piece = self.pieces[index]
        if moment >= piece.end:
            return piece.after
        return piece.before + piece.messages * ((moment - piece.start) / (piece.end - piece.start))


def flow(messages: Sequence[float], turns: Iterable[Turn], pace: Pace, now: datetime) -> Flow:
    """What becomes of the ``messages`` of each lane from ``now`` on, one turn after the other.

    Turns are asked for only as long as something is left; each has as many lanes as the first.
    """
    simulation = _Simulation(messages, pace, now)
    for turn in turns:
        simulation.take(turn)
        if simulation.is_done:
            break
    return simulation.flow()


@dataclass(slots=True)
class _Stretch:
    """An active interval of a lane, in seconds, and what is left of its active time after it."""

    start: float
    end: float
    #: ``None``: the lane is not paced here.
    after: float | None
    #: What should be left at its end, once the end is near.
    target: float | None = None

    def changes(self, closing: Closing) -> Iterator[float]:
        """The moments at which what the lane wants may change."""
        yield self.start
        if self.after is not None:
            yield self.end - closing.hurried
            yield self.end - closing.spread
        yield self.end - closing.gate
        yield self.end


@dataclass(slots=True)
class _Lane:
    """What is left of a lane, and the stretches that are not over, the next one last."""

    left: float
    stretches: list[_Stretch]

    def at(self, moment: float) -> _Stretch | None:
        """The present stretch, or the next one. Moments only ever grow."""
        while self.stretches and self.stretches[-1].end <= moment:
            self.stretches.pop()
        return self.stretches[-1] if self.stretches else None

    def wanted(self, moment: float, closing: Closing) -> float:
        """Messages per second, before any limit."""
        stretch = self.at(moment)
        if self.left <= 0 or stretch is None or moment < stretch.start:
            return 0.0
        if moment >= stretch.end - closing.gate:
            return 0.0
        if stretch.after is None:
            return math.inf
        rest = stretch.end - moment
        if moment < stretch.end - closing.hurried:
            return self.left / (rest + stretch.after)
        if stretch.target is None:
            stretch.target = self.left * stretch.after / (rest + stretch.after)
        due = self.left - stretch.target
        if due <= _NOTHING:
            return 0.0
        room = rest - closing.spread
        return due / room if room > 0 else math.inf


class _Simulation:
    """Counts seconds from ``now``, and messages in fractions."""

    def __init__(self, messages: Sequence[float], pace: Pace, now: datetime) -> None:
        self._zero = now
        self._pace = pace
        self._ceiling = math.inf if pace.per_second is None else pace.per_second
        self._lanes = [_Lane(float(count), []) for count in messages]
        self._pieces: list[Piece] = []
        self._began = self._seconds(pace.began or now)
        #: The present day of the warm-up, its end, and what it may still bring.
        self._day = -1
        self._day_end = -math.inf if pace.allowance else math.inf
        self._day_left = math.inf
        self._moment = 0.0

    @property
    def is_done(self) -> bool:
        return all(lane.left <= 0 for lane in self._lanes)

    def flow(self) -> Flow:
        return Flow(tuple(self._pieces), tuple(lane.left for lane in self._lanes))

    def take(self, turn: Turn) -> None:
        """Go on until nothing is left, or the turn is over for all lanes."""
        for lane, active in zip(self._lanes, turn.lanes, strict=True):
            lane.stretches = self._stretches(active, turn.finish)
        while True:
            self._begin_day()
            waiting = [lane for lane in self._lanes if lane.left > 0 and lane.at(self._moment)]
            if not waiting:
                return
            wanted = [lane.wanted(self._moment, self._pace.closing) for lane in waiting]
            if self._day_left <= 0:
                wanted = [0.0] * len(wanted)
            rates = shared(wanted, self._ceiling)
            if math.inf in rates:
                self._jump([lane for lane, rate in zip(waiting, rates, strict=True) if rate])
            else:
                self._advance(waiting, rates)

    def _stretches(self, active: ActiveTime, finish: datetime | None) -> list[_Stretch]:
        found: list[_Stretch] = []
        after = 0.0
        for interval in reversed(active.intervals):
            if interval.end <= self._zero:
                break
            start, end = self._seconds(interval.start), self._seconds(interval.end)
            paced = self._pace.evenly and finish is not None and interval.end <= finish
            found.append(_Stretch(start, end, after if paced else None))
            if paced:
                after += end - start
        return found

    def _begin_day(self) -> None:
        """Count a warm-up's allowance anew where its day is over."""
        allowance = self._pace.allowance
        while allowance is not None and self._moment >= self._day_end:
            self._day += 1
            self._day_end = self._began + (self._day + 1) * _DAY
            self._day_left = allowance(self._day)

    def _jump(self, lanes: Sequence[_Lane]) -> None:
        """Without any ceiling everything leaves at once."""
        amounts = shared([lane.left for lane in lanes], self._day_left)
        for lane, amount in zip(lanes, amounts, strict=True):
            self._take_from(lane, amount)
        self._write(self._moment, self._moment, sum(amounts))

    def _advance(self, lanes: Sequence[_Lane], rates: Sequence[float]) -> None:
        """Up to the next change."""
        end = min(self._changes(lanes, rates))
        span = end - self._moment
        total = sum(rates)
        is_day_used_up = total > 0 and self._moment + self._day_left / total <= end
        for lane, rate in zip(lanes, rates, strict=True):
            # Far from the zero, a last remainder may be less than the clock can tell.
            is_emptied = rate > 0 and self._moment + lane.left / rate <= end
            self._take_from(lane, lane.left if is_emptied else rate * span)
        self._write(self._moment, end, total * span)
        if is_day_used_up:
            self._day_left = 0.0
        self._moment = end

    def _changes(self, lanes: Sequence[_Lane], rates: Sequence[float]) -> Iterator[float]:
        """Moments after the present one at which a rate may change."""
        yield self._day_end
        if total := sum(rates):
            yield self._moment + self._day_left / total
        for lane, rate in zip(lanes, rates, strict=True):
            stretch = lane.at(self._moment)
            if rate:
                yield self._moment + lane.left / rate
            if stretch is not None:
                if rate and stretch.target is not None:
                    yield self._moment + (lane.left - stretch.target) / rate
                found = stretch.changes(self._pace.closing)
                yield next(moment for moment in found if moment > self._moment)

    def _take_from(self, lane: _Lane, amount: float) -> None:
        lane.left -= amount
        if lane.left <= _NOTHING:
            lane.left = 0.0

    def _write(self, start: float, end: float, messages: float) -> None:
        self._day_left -= messages
        if self._day_left <= _NOTHING:
            self._day_left = 0.0
        if messages > 0:
            before = self._pieces[-1].after if self._pieces else 0.0
            first, last = (self._zero + timedelta(seconds=each) for each in (start, end))
            self._pieces.append(Piece(first, last, before, messages))

    def _seconds(self, moment: datetime) -> float:
        return (min(moment, _LATEST) - self._zero).total_seconds()


def shared(wanted: Sequence[float], capacity: float) -> list[float]:
    """``capacity`` divided by max-min fairness: nobody gets more than is wanted."""
    result = list(wanted)
    if sum(wanted) <= capacity:
        return result
    left, count = capacity, len(wanted)
    for index in sorted(range(count), key=wanted.__getitem__):
        result[index] = min(wanted[index], left / count)
        left -= result[index]
        count -= 1
    return result
