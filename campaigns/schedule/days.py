"""Which days a recurrence rule means: RFC 5545 section 3.3.10.

A day is looked at by itself, and each part of the rule says yes or no. That is the same as the
RFC's table of expanding and limiting parts, once what a rule leaves open is filled in from its
start (:func:`with_start`).

Pure: no clock, no I/O.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, replace
from datetime import date, timedelta

from campaigns.schedule.rule_text import Recur

_DAY = timedelta(days=1)


def with_start(recur: Recur, begin: date) -> Recur:
    """What a rule leaves open about its days is taken from its start (RFC 5545, page 43)."""
    if recur.by_day or recur.by_month_day or recur.by_year_day or recur.freq == "DAILY":
        return recur
    if recur.freq == "WEEKLY" or recur.by_week_number:
        return replace(recur, by_day=frozenset({(0, begin.weekday())}))
    if recur.freq == "YEARLY" and not recur.by_month:
        recur = replace(recur, by_month=frozenset({begin.month}))
    return replace(recur, by_month_day=frozenset({begin.day}))


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
        from_start, from_end = (position + 6) // 7, -((length - position) // 7 + 1)
        return not self.recur.by_day.isdisjoint({(from_start, weekday), (from_end, weekday)})

    def _week_number(self, day: date) -> bool:
        """In the year that the week belongs to: the one that has at least four of its days."""
        begin = week_of(day, self.recur.week_start)
        year = (begin + 3 * _DAY).year
        first = week_of(date(year, 1, 4), self.recur.week_start)
        after = week_of(date(year + 1, 1, 4), self.recur.week_start)
        number, length = (begin - first).days // 7 + 1, (after - first).days // 7
        return _counted(number, length, self.recur.by_week_number)


def _counted(position: int, length: int, wanted: frozenset[int]) -> bool:
    """Whether ``wanted`` has the position of a day, counted from 1 or, negative, from the end."""
    return position in wanted or position - length - 1 in wanted


def _days_in_month(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _days_in_year(year: int) -> int:
    return 366 if calendar.isleap(year) else 365


def _day_of_year(day: date) -> int:
    return day.timetuple().tm_yday


def week_of(day: date, week_start: int) -> date:
    """The first day of its week."""
    return day - (day.weekday() - week_start) % 7 * _DAY
