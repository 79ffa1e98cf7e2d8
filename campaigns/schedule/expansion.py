"""From a rule to its times: the expansion of RFC 5545, in blocks that can be addressed.

A block is what one period of the rule holds: a day, week, month or year. Blocks are numbered from
the one with the start, so the one that holds a certain moment is found by arithmetic instead of by
counting, and a search that finds nothing has looked at a known number of them.

Rules of DAILY and above are read on the local clock (:class:`WallClock`), and each local time is
turned into its instant afterwards. HOURLY rules count absolute hours (:class:`AbsoluteHours`): a
clock that is moved neither loses nor repeats one.

Written here instead of taken from python-dateutil, which the tests compare it with, because that
one cannot be bounded: on a rule that never matches it searches for minutes.

Pure: no clock, no I/O.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Protocol

from campaigns.schedule import local
from campaigns.schedule.rule_text import Recur

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)


class Block(Protocol):
    """The times of one period, sorted; a list, or as good as one."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> datetime: ...


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

    def block(self, index: int) -> Block: ...


def expansion(recur: Recur, start: datetime, zone: str) -> Expansion:
    """What ``recur`` means for a series that starts at the instant ``start`` in ``zone``."""
    if recur.freq == "HOURLY":
        return AbsoluteHours(recur, start, zone)
    return WallClock(recur, start, zone)


@dataclass(frozen=True, slots=True)
class DayFilter:
    """Whether a day is one of the rule's, by the parts that speak of days."""

    recur: Recur

    def __call__(self, day: date) -> bool:
        recur = self.recur
        return (
            (not recur.by_month or day.month in recur.by_month)
            and (not recur.by_month_day or self._month_day(day))
            and (not recur.by_day or self._weekday(day))
            and (not recur.by_year_day or self._year_day(day))
            and (not recur.by_week_number or self._week_number(day))
        )

    def _month_day(self, day: date) -> bool:
        return _counted(day.day, _days_in_month(day), self.recur.by_month_day)

    def _year_day(self, day: date) -> bool:
        return _counted(_day_of_year(day), _days_in_year(day.year), self.recur.by_year_day)

    def _weekday(self, day: date) -> bool:
        weekday = day.weekday()
        if (0, weekday) in self.recur.by_day:
            return True
        if self.recur.freq == "YEARLY" and not self.recur.by_month:
            position, length = _day_of_year(day), _days_in_year(day.year)
        else:
            position, length = day.day, _days_in_month(day)
        return ((position + 6) // 7, weekday) in self.recur.by_day or (
            -((length - position) // 7 + 1),
            weekday,
        ) in self.recur.by_day

    def _week_number(self, day: date) -> bool:
        """By the year that the week belongs to: the one with at least four of its days."""
        monday = _week_of(day, self.recur.week_start)
        year = (monday + 3 * _DAY).year
        first = _week_of(date(year, 1, 4), self.recur.week_start)
        after = _week_of(date(year + 1, 1, 4), self.recur.week_start)
        return _counted(
            (monday - first).days // 7 + 1, (after - first).days // 7, self.recur.by_week_number
        )


class WallClock:
    """DAILY, WEEKLY, MONTHLY, YEARLY: days of the calendar times times of the day.

    Readings are naive local times.
    """

    def __init__(self, recur: Recur, start: datetime, zone: str) -> None:
        begin = local.to_local(start, zone)
        self._zone = zone
        self._recur = _with_days(recur, begin.date())
        self._matches = DayFilter(self._recur)
        self._begin = begin.date()
        self._times = sorted(
            time(hour, minute, second)
            for hour in recur.by_hour or {begin.hour}
            for minute in recur.by_minute or {begin.minute}
            for second in recur.by_second or {begin.second}
        )

    def reading(self, moment: datetime) -> datetime:
        # One second earlier, because at the instant of a gap clocks show its end already.
        return local.to_local(moment - _SECOND, self._zone)

    def instant(self, reading: datetime) -> datetime:
        return local.to_utc(reading, self._zone)

    def index(self, reading: datetime) -> int:
        day, begin = reading.date(), self._begin
        if self._recur.freq == "YEARLY":
            periods = day.year - begin.year
        elif self._recur.freq == "MONTHLY":
            periods = (day.year - begin.year) * 12 + day.month - begin.month
        elif self._recur.freq == "WEEKLY":
            week_start = self._recur.week_start
            periods = (_week_of(day, week_start) - _week_of(begin, week_start)).days // 7
        else:
            periods = (day - begin).days
        return periods // self._recur.interval

    def block(self, index: int) -> Block:
        found = _Product([day for day in self._period(index) if self._matches(day)], self._times)
        if not self._recur.by_set_position:
            return found
        return _at_positions(found, self._recur.by_set_position)

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
            first = _week_of(begin, recur.week_start) + periods * 7 * _DAY
            yield from (first + days * _DAY for days in range(7))
        else:
            yield begin + periods * _DAY


class AbsoluteHours:
    """HOURLY: every so many hours of absolute time since the start, whatever clocks do meanwhile.

    Minutes and seconds are those of the clock as it stood at the start. The parts that speak of
    days and hours are read on the local clock of each instant. Readings are instants. A block is
    24 hours, however many periods of the rule it holds.
    """

    def __init__(self, recur: Recur, start: datetime, zone: str) -> None:
        begin = local.to_local(start, zone)
        self._zone = zone
        self._recur = recur
        self._matches = DayFilter(recur)
        self._base = start - timedelta(minutes=begin.minute, seconds=begin.second)
        self._offsets = sorted(
            timedelta(minutes=minute, seconds=second)
            for minute in recur.by_minute or {begin.minute}
            for second in recur.by_second or {begin.second}
        )

    def reading(self, moment: datetime) -> datetime:
        return moment

    def instant(self, reading: datetime) -> datetime:
        return reading

    def index(self, reading: datetime) -> int:
        return (reading - self._base) // _DAY

    def block(self, index: int) -> Block:
        if not self._may_match(self._base + index * _DAY):
            return []
        step = self._recur.interval
        first = -(-24 * index // step) * step
        found: list[datetime] = []
        for hour in range(first, 24 * (index + 1), step):
            found.extend(self._hour(self._base + hour * _HOUR))
        return found

    def _may_match(self, begin: datetime) -> bool:
        """Whether any day that 24 hours can touch, clocks being moved or not, is the rule's."""
        day = local.to_local(begin, self._zone).date()
        return any(self._matches(day + days * _DAY) for days in (-1, 0, 1, 2))

    def _hour(self, begin: datetime) -> Sequence[datetime]:
        if self._recur.by_hour and not self._may_be_hour(begin):
            return []
        found = [begin + offset for offset in self._offsets]
        found = [moment for moment in found if self._is_right(moment)]
        if not self._recur.by_set_position:
            return found
        return _at_positions(found, self._recur.by_set_position)

    def _may_be_hour(self, begin: datetime) -> bool:
        """Saves looking at each minute. Clocks that are moved inside this hour get the long way."""
        first = local.to_local(begin, self._zone)
        last = local.to_local(begin + _HOUR - _SECOND, self._zone)
        return (
            first.hour in self._recur.by_hour
            or last.hour in self._recur.by_hour
            or last - first != _HOUR - _SECOND
        )

    def _is_right(self, moment: datetime) -> bool:
        shown = local.to_local(moment, self._zone)
        hours = self._recur.by_hour
        return (not hours or shown.hour in hours) and self._matches(shown.date())


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


def _at_positions(block: Block, positions: frozenset[int]) -> list[datetime]:
    """BYSETPOS: the first is 1, the last -1. Positions that there are not are no error."""
    indexes = {position - 1 if position > 0 else len(block) + position for position in positions}
    return [block[index] for index in sorted(indexes) if 0 <= index < len(block)]


def _with_days(recur: Recur, begin: date) -> Recur:
    """What a rule leaves open about its days is taken from its start (RFC 5545, page 43)."""
    if recur.by_day or recur.by_month_day or recur.by_year_day or recur.freq == "DAILY":
        return recur
    if recur.freq == "WEEKLY" or recur.by_week_number:
        return replace(recur, by_day=frozenset({(0, begin.weekday())}))
    if recur.freq == "YEARLY" and not recur.by_month:
        recur = replace(recur, by_month=frozenset({begin.month}))
    return replace(recur, by_month_day=frozenset({begin.day}))


def _counted(position: int, length: int, wanted: frozenset[int]) -> bool:
    """Whether ``wanted`` has the position of a day, counted from 1 or, negative, from the end."""
    return position in wanted or position - length - 1 in wanted


def _month(year: int, month: int) -> Iterator[date]:
    return (date(year, month, day + 1) for day in range(calendar.monthrange(year, month)[1]))


def _days_in_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _days_in_year(year: int) -> int:
    return 366 if calendar.isleap(year) else 365


def _day_of_year(day: date) -> int:
    return day.timetuple().tm_yday


def _week_of(day: date, week_start: int) -> date:
    """The first day of its week."""
    return day - (day.weekday() - week_start) % 7 * _DAY
