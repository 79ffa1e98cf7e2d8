"""From a rule to its times: the expansion of RFC 5545, in blocks that can be addressed.

A block is what one period of the rule holds: a day, week, month or year. Blocks are numbered from
the one with the start, so the one that holds a certain moment is found by arithmetic instead of by
counting, and a search that finds nothing has looked at a known number of them.

Rules of DAILY and above are read on the local clock (:class:`WallClock`), and each local time is
turned into its instant afterwards. HOURLY rules are in :mod:`campaigns.schedule.hours`.

Written here instead of taken from python-dateutil, which the tests compare it with, because that
one cannot be bounded: on a rule that never matches it searches for minutes.

Pure: no clock, no I/O.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol, TypeVar

from campaigns.schedule import local
from campaigns.schedule.days import DayFilter, week_of, with_start
from campaigns.schedule.rule_text import Recur

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)

_TimeT = TypeVar("_TimeT", covariant=True)


class Sorted(Protocol[_TimeT]):
    """A sorted list, or as good as one."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> _TimeT: ...


#: The times of one period.
Block = Sorted[datetime]


class Expansion(Protocol):
    """The times of a rule without its COUNT and UNTIL, on the clock that it is read on."""

    def reading(self, moment: datetime) -> datetime:
        """A time on this clock before which nothing becomes an instant from ``moment`` on."""
        ...

    def instant(self, reading: datetime) -> datetime:
        """The instant of a time on this clock. Never decreases when the time increases."""
        ...

    def index(self, reading: datetime) -> int:
        """The number of the last block that begins at or before this time."""
        ...

    def block(self, index: int) -> Block:
        """The times of a block, which is numbered from 0."""
        ...


class WallClock:
    """DAILY, WEEKLY, MONTHLY, YEARLY: days of the calendar times times of the day.

    Readings are naive local times.
    """

    def __init__(self, recur: Recur, start: datetime, zone: str) -> None:
        begin = local.to_local(start, zone)
        self._zone = zone
        self._recur = with_start(recur, begin.date())
        self._matches = DayFilter(self._recur)
        self._begin = begin.date()
        self._times = sorted(
            time(hour, minute, second)
            for hour in recur.by_hour or {begin.hour}
            for minute in recur.by_minute or {begin.minute}
            for second in recur.by_second or {begin.second}
        )

    def reading(self, moment: datetime) -> datetime:
        """See :class:`Expansion`."""
        # One second earlier, because at the instant of a gap clocks show its end already.
        return local.to_local(moment - _SECOND, self._zone)

    def instant(self, reading: datetime) -> datetime:
        """See :class:`Expansion`."""
        return local.to_utc(reading, self._zone)

    def index(self, reading: datetime) -> int:
        """See :class:`Expansion`."""
        day, begin = reading.date(), self._begin
        if self._recur.freq == "YEARLY":
            periods = day.year - begin.year
        elif self._recur.freq == "MONTHLY":
            periods = (day.year - begin.year) * 12 + day.month - begin.month
        elif self._recur.freq == "WEEKLY":
            week_start = self._recur.week_start
            periods = (week_of(day, week_start) - week_of(begin, week_start)).days // 7
        else:
            periods = (day - begin).days
        return periods // self._recur.interval

    def block(self, index: int) -> Block:
        """See :class:`Expansion`."""
        found = _Product([day for day in self._period(index) if self._matches(day)], self._times)
        if not self._recur.by_set_position:
            return found
        return at_positions(found, self._recur.by_set_position)

    def _period(self, index: int) -> Iterator[date]:
        """The days that the period may have occurrences on."""
        recur, begin = self._recur, self._begin
        periods = index * recur.interval
        if recur.freq == "YEARLY":
            for month in sorted(recur.by_month or range(1, 13)):
                yield from _month(begin.year + periods, month)
        elif recur.freq == "MONTHLY":
            year, month = divmod(begin.year * 12 + begin.month - 1 + periods, 12)
            yield from _month(year, month + 1)
        elif recur.freq == "WEEKLY":
            first = week_of(begin, recur.week_start) + periods * 7 * _DAY
            yield from (first + days * _DAY for days in range(7))
        else:
            yield begin + periods * _DAY


@dataclass(frozen=True, slots=True)
class _Product:
    """Each of the days at each of the times, without writing them all down."""

    days: list[date]
    times: list[time]

    def __len__(self) -> int:
        return len(self.days) * len(self.times)

    def __getitem__(self, index: int, /) -> datetime:
        day, clock = divmod(index, len(self.times))
        return datetime.combine(self.days[day], self.times[clock])


def at_positions(block: Sorted[_TimeT], positions: frozenset[int]) -> list[_TimeT]:
    """BYSETPOS: the first is 1, the last -1. Positions that there are not are no error."""
    indexes = {position - 1 if position > 0 else len(block) + position for position in positions}
    return [block[index] for index in sorted(indexes) if 0 <= index < len(block)]


def _month(year: int, month: int) -> Iterator[date]:
    return (date(year, month, day + 1) for day in range(calendar.monthrange(year, month)[1]))
