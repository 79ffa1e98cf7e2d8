"""Windows and pauses as half-open intervals ``[start, end)`` of UTC time.

A run has at most three parts: before its start nothing is sent; from the start to the finish it
is active except in pauses; from the finish to the expiry it continues or not, by its leftover
policy, still except in pauses. Where the policy is to wait for the next window, that one is a
:class:`Window` of its own. :func:`active_intervals` turns all of that into a sorted list of
disjoint intervals, and everything else here asks that list.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

#: What becomes of messages that are left at the finish: they go on up to the expiry, wait for the
#: window's next turn, or are given up.
Leftover = Literal["continue", "next_window", "expire"]

#: Stands for "no end": later than any campaign, and still printable.
FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """``start <= t < end``."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    @property
    def length(self) -> timedelta:
        """Never negative."""
        return max(self.end - self.start, timedelta(0))


@dataclass(frozen=True, slots=True)
class Window:
    """When one run may send. ``finish`` and ``expiry`` are ``None`` where there is none."""

    start: datetime
    finish: datetime | None = None
    expiry: datetime | None = None
    pauses: tuple[Interval, ...] = ()
    leftover: Leftover = "continue"

    @property
    def end(self) -> datetime:
        """The first moment from which on nothing is ever sent, in a next window neither."""
        expiry = self.expiry or FOREVER
        if self.finish is not None and self.leftover == "expire":
            return min(self.finish, expiry)
        return expiry


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted and disjoint; overlapping, nested and touching ones become one, empty ones vanish."""
    result: list[Interval] = []
    for interval in sorted(i for i in intervals if i.start < i.end):
        if result and interval.start <= result[-1].end:
            result[-1] = Interval(result[-1].start, max(result[-1].end, interval.end))
        else:
            result.append(interval)
    return result


def subtract(whole: Interval, holes: Iterable[Interval]) -> list[Interval]:
    """What is left of ``whole`` without ``holes``, sorted."""
    result: list[Interval] = []
    start = whole.start
    for hole in merged(holes):
        if hole.end <= start:
            continue
        if hole.start >= whole.end:
            break
        if hole.start > start:
            result.append(Interval(start, hole.start))
        start = hole.end
    if start < whole.end:
        result.append(Interval(start, whole.end))
    return result


def active_intervals(window: Window) -> list[Interval]:
    """Every interval in which the run may send, sorted and disjoint.

    The finish is a boundary even where sending continues after it, because the pace changes there.
    A window whose leftover waits for the next one ends there.
    """
    end, finish = window.end, window.finish
    if finish is None:
        return subtract(Interval(window.start, end), window.pauses)
    if window.leftover == "next_window":
        end = min(end, finish)
    return _cut(subtract(Interval(window.start, end), window.pauses), finish)


def _cut(intervals: Iterable[Interval], moment: datetime) -> list[Interval]:
    """The same time, with ``moment`` as a boundary."""
    result: list[Interval] = []
    for interval in intervals:
        if interval.start < moment < interval.end:
            result += [Interval(interval.start, moment), Interval(moment, interval.end)]
        else:
            result.append(interval)
    return result


def at(intervals: Sequence[Interval], moment: datetime) -> Interval | None:
    """The interval that contains ``moment``."""
    return next((interval for interval in intervals if moment in interval), None)


def following(intervals: Sequence[Interval], moment: datetime) -> Interval | None:
    """The first interval that starts after ``moment``."""
    return next((interval for interval in intervals if interval.start > moment), None)


def active_seconds(intervals: Iterable[Interval], start: datetime, end: datetime) -> float:
    """Seconds of ``[start, end)`` that lie inside ``intervals``."""
    return sum(max((min(i.end, end) - max(i.start, start)).total_seconds(), 0.0) for i in intervals)
