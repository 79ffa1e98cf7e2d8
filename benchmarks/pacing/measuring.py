"""What can be concluded from moments: busiest seconds, distances from a line, percentiles.

Moments are Unix seconds, exact to the microsecond.

Pure: no clock, no I/O.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

_MICROSECONDS = 1_000_000

Stretch = tuple[float, float]


def sliding_counts(moments: Iterable[float], seconds: float) -> list[int]:
    """For each moment, in order, how many lie in the interval of so many seconds that ends there.

    The interval is open at its begin, so no half-open interval of this length, wherever it
    begins, holds more than the highest of these counts.
    """
    # Whole microseconds: the difference of two Unix times as floats is off by some tenths of one.
    ordered = sorted(round(moment * _MICROSECONDS) for moment in moments)
    width = round(seconds * _MICROSECONDS)
    counts = []
    first = 0
    for last, moment in enumerate(ordered):
        while ordered[first] <= moment - width:
            first += 1
        counts.append(last - first + 1)
    return counts


def mean_rate(moments: Iterable[float], begin: float, seconds: float) -> float:
    """Moments per second in ``begin <= moment < begin + seconds``."""
    return sum(begin <= moment < begin + seconds for moment in moments) / seconds


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed (nearest rank).

    Nothing is interpolated: of fewer than 100 values, the 99th percentile is the largest.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values, no percentile")
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]


def lags(moments: Iterable[float], due: Sequence[float]) -> list[float]:
    """For each arrival, in order, by how many seconds it is later than it was ``due``.

    Raises:
        ValueError: more arrived than were due.
    """
    ordered = sorted(moments)
    if len(ordered) > len(due):
        raise ValueError(f"{len(ordered)} arrivals, and only {len(due)} were due")
    return [moment - ideal for moment, ideal in zip(ordered, due, strict=False)]


def rms(values: Sequence[float]) -> float:
    """The root mean square; 0 of nothing."""
    return math.sqrt(sum(value * value for value in values) / len(values)) if values else 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """``total`` messages, drawn straight over the ``active`` stretches and flat between them.

    The stretches are in order and do not overlap.
    """

    total: int
    active: tuple[Stretch, ...]

    @property
    def seconds(self) -> float:
        """The length of the active time."""
        return sum(end - begin for begin, end in self.active)

    def at(self, moment: float) -> float:
        """How many messages should have come until ``moment``."""
        passed = sum(max(0.0, min(moment, end) - begin) for begin, end in self.active)
        return self.total * passed / self.seconds

    def reaches(self, count: float) -> float:
        """When the line reaches ``count``, from 0 to ``total``; the earliest such moment."""
        wanted = self.seconds * count / self.total
        ends = list(accumulate(end - begin for begin, end in self.active))
        index = min(bisect_left(ends, wanted), len(ends) - 1)
        return self.active[index][1] - (ends[index] - wanted)

    def deviations(self, moments: Iterable[float]) -> list[float]:
        """For each arrival, in order, how many messages it is ahead (+) or behind (-) the line.

        An arrival takes the count from ``n`` to ``n + 1``; it is compared at the middle of the
        step, as a staircase that follows a line exactly crosses it there.
        """
        return [n + 0.5 - self.at(moment) for n, moment in enumerate(sorted(moments))]

    def due(self) -> list[float]:
        """When each message is ideally there: when the line reaches it as a whole."""
        return [self.reaches(n) for n in range(1, self.total + 1)]
