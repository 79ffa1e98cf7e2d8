"""HOURLY rules: absolute hours, so that clocks that are moved neither lose nor repeat one.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from campaigns.schedule import local
from campaigns.schedule.days import DayFilter
from campaigns.schedule.expansion import Block, at_positions
from campaigns.schedule.rule_text import Recur

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)

#: What clocks show at an instant.
_Clock = Callable[[datetime], datetime]

_TimeT = TypeVar("_TimeT", datetime, timedelta)


class AbsoluteHours:
    """Every so many hours of absolute time since the start, whatever clocks do meanwhile.

    Minutes and seconds are those of the clock as it stood at the start; where clocks are moved by
    half an hour (Lord Howe Island), they show other minutes for half of the year. The parts that
    speak of days and hours are read on the local clock of each instant.

    Readings are instants. A block is 24 hours, however many periods of the rule it holds.
    """

    def __init__(self, recur: Recur, start: datetime, zone: str) -> None:
        begin = local.to_local(start, zone)
        self._zone = zone
        self._recur = recur
        self._matches = lru_cache(maxsize=64)(DayFilter(recur))
        self._base = start - timedelta(minutes=begin.minute, seconds=begin.second)
        self._offsets = sorted(
            timedelta(minutes=minute, seconds=second)
            for minute in recur.by_minute or {begin.minute}
            for second in recur.by_second or {begin.second}
        )
        self._positioned = _positioned(self._offsets, recur)

    def reading(self, moment: datetime) -> datetime:
        """See :class:`campaigns.schedule.expansion.Expansion`."""
        return moment

    def instant(self, reading: datetime) -> datetime:
        """See :class:`campaigns.schedule.expansion.Expansion`."""
        return reading

    def index(self, reading: datetime) -> int:
        """See :class:`campaigns.schedule.expansion.Expansion`."""
        return (reading - self._base) // _DAY

    def block(self, index: int) -> Block:
        """See :class:`campaigns.schedule.expansion.Expansion`."""
        begin = self._base + index * _DAY
        if not self._has_day(begin):
            return []
        clock = self._clock(begin)
        step = self._recur.interval
        first = -(-24 * index // step) * step
        found: list[datetime] = []
        for hour in range(first, 24 * (index + 1), step):
            found.extend(self._hour(self._base + hour * _HOUR, clock))
        return found

    def _has_day(self, begin: datetime) -> bool:
        """Whether any day that 24 hours can touch, clocks being moved or not, is the rule's."""
        day = local.to_local(begin, self._zone).date()
        return any(self._matches(day + days * _DAY) for days in (-1, 0, 1, 2))

    def _clock(self, begin: datetime) -> _Clock:
        """The local clock in the 24 hours from ``begin``; cheaper while nobody moves it."""
        shown = local.to_local(begin, self._zone)
        if local.to_local(begin + _DAY, self._zone) - shown == _DAY:
            return lambda moment: shown + (moment - begin)
        return lambda moment: local.to_local(moment, self._zone)

    def _hour(self, begin: datetime, clock: _Clock) -> list[datetime]:
        """The occurrences of one period."""
        first, last = clock(begin), clock(begin + _HOUR - _SECOND)
        if first.hour == last.hour:
            # What is true of its beginning is true of all its minutes.
            return [begin + offset for offset in self._positioned] if self._is_right(first) else []
        if self._recur.by_hour and self._recur.by_hour.isdisjoint({first.hour, last.hour}):
            return []
        found = [begin + offset for offset in self._offsets]
        return _positioned([each for each in found if self._is_right(clock(each))], self._recur)

    def _is_right(self, shown: datetime) -> bool:
        hours = self._recur.by_hour
        return (not hours or shown.hour in hours) and self._matches(shown.date())


def _positioned(times: list[_TimeT], recur: Recur) -> list[_TimeT]:
    return at_positions(times, recur.by_set_position) if recur.by_set_position else times
