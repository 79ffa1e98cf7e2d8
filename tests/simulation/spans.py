"""Stretches of time that are apart from each other, and whether a moment lies in one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime


class Spans:
    """Half-open stretches of time, looked up without going through all of them."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, times: Iterable[tuple[datetime, datetime]] = ()) -> None:
        ordered = sorted(times)
        self._starts = [start for start, _ in ordered]
        self._ends = [end for _, end in ordered]

    def around(self, at: datetime) -> tuple[datetime, datetime] | None:
        """The one that ``at`` lies in."""
        index = bisect_right(self._starts, at) - 1
        if index >= 0 and at < self._ends[index]:
            return self._starts[index], self._ends[index]
        return None
