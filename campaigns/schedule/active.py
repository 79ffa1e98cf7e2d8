"""The active time of one run: when it may send, asked often and answered fast.

A tick asks for every run where it stands in its active time and how much is left of it. With
hours of every day over a year that is some hundred intervals, so the answers are looked up in the
sorted starts and the sums of what comes before each, instead of walking along the list.

Pure: no clock, no I/O. Times are in UTC.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate

from campaigns.schedule.calendars import Calendar, closed
from campaigns.schedule.windows import Interval, Window, active_intervals


@dataclass(frozen=True, slots=True)
class ActiveTime:
    """Sorted, disjoint, non-empty intervals; touching ones stay apart.

    :func:`campaigns.schedule.windows.active_intervals` gives such, and so does
    :func:`active_time`.
    """

    intervals: tuple[Interval, ...] = ()
    _starts: tuple[datetime, ...] = field(init=False, repr=False, compare=False)
    #: Active time before each interval, and last before the end of time.
    _before: tuple[timedelta, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lengths = (interval.end - interval.start for interval in self.intervals)
        sums = tuple(accumulate(lengths, initial=timedelta(0)))
        object.__setattr__(self, "_starts", tuple(interval.start for interval in self.intervals))
        object.__setattr__(self, "_before", sums)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.intervals)

    def at(self, moment: datetime) -> Interval | None:
        """The interval that contains ``moment``."""
        index = bisect_right(self._starts, moment) - 1
        if index < 0 or moment >= self.intervals[index].end:
            return None
        return self.intervals[index]

    def following(self, moment: datetime) -> Interval | None:
        """The first interval that starts after ``moment``."""
        index = bisect_right(self._starts, moment)
        return self.intervals[index] if index < len(self.intervals) else None

    def seconds(self, start: datetime, end: datetime) -> float:
        """Active seconds of ``[start, end)``; 0 where that is reversed."""
        if end <= start:
            return 0.0
        return (self._until(end) - self._until(start)).total_seconds()

    def until(self, end: datetime) -> ActiveTime:
        """Only the intervals that end by then: up to the finish, if that is a boundary."""
        count = bisect_left(self._starts, end)
        if count and self.intervals[count - 1].end > end:
            count -= 1
        return ActiveTime(self.intervals[:count])

    def _until(self, moment: datetime) -> timedelta:
        index = bisect_right(self._starts, moment) - 1
        if index < 0:
            return timedelta(0)
        interval = self.intervals[index]
        return self._before[index] + (min(moment, interval.end) - interval.start)


def active_time(window: Window, calendars: Sequence[Calendar], through: datetime) -> ActiveTime:
    """When ``window`` and every one of ``calendars`` allow sending.

    The finish is a boundary, as in :func:`~campaigns.schedule.windows.active_intervals`. What
    comes after both the finish and ``through`` is left out where a calendar closes at all, because
    its hours have no end; without such calendars nothing is left out.
    """
    restricting = {calendar for calendar in calendars if not calendar.is_open_always}
    if not restricting:
        return ActiveTime(tuple(active_intervals(window)))
    bound = min(window.end, max(through, window.finish or through))
    closings = [hole for c in restricting for hole in closed(c, window.start, bound)]
    bounded = replace(window, expiry=bound, pauses=(*window.pauses, *closings))
    return ActiveTime(tuple(active_intervals(bounded)))
