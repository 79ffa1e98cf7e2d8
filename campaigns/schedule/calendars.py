"""Sending hours, quiet hours and holidays: when the calendar of a team or campaign is closed.

Hours are wall-clock times of a zone. Where clocks go back, a time has two readings, and the
careful one counts: sending hours begin at the later reading and end at the earlier one, quiet
hours and holidays begin at the earlier and end at the later one. So nothing is ever sent at a time
that may be meant to be quiet; the price is that up to the whole overlap is closed once a year. A
time that clocks leave out means the instant at which they go forward.

Sending hours that touch or overlap are one stretch, so that the time between two of them has no
meaning of its own: hours around the clock stay open in the night of a change as well.

Pure: no clock, no I/O. Instants are in UTC.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from campaigns.errors import Invalid
from campaigns.names import may_be_address
from campaigns.schedule.local import readings, to_local
from campaigns.schedule.windows import Interval, merged, subtract

#: As JSON names them; Monday is 0, as in :meth:`datetime.date.weekday`.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

MOST_HOURS = 50
MOST_HOLIDAYS = 400

_DAY = 24 * 60
_ONE_DAY = timedelta(days=1)
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LONGEST_ZONE = 60
#: Found beside the zones on many machines, but not in the database: what they mean differs.
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of the day, in minutes after local midnight, on some days of the week.

    With ``end <= start`` it lasts past midnight, and belongs to the day on which it begins.
    """

    days: frozenset[int]
    start: int
    end: int

    def __post_init__(self) -> None:
        if not (0 <= self.start < _DAY and 0 <= self.end <= _DAY and self.start != self.end):
            raise ValueError(f"no hours of a day: {self.start} to {self.end} minutes")

    @property
    def length(self) -> int:
        """In minutes, as clocks count them on a day without a change."""
        return self.end - self.start + (_DAY if self.end <= self.start else 0)


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a team or a campaign does not send, whatever its windows are.

    Without ``sending`` hours every hour is one. Quiet hours and holidays (whole local days) go
    before sending hours.
    """

    zone: str
    sending: tuple[Hours, ...] = ()
    quiet: tuple[Hours, ...] = ()
    holidays: frozenset[date] = frozenset()

    def in_zone(self, zone: str) -> Calendar:
        """The same hours and days on the clocks of another zone."""
        return replace(self, zone=zone)

    @property
    def is_open_always(self) -> bool:
        """Whether it never closes, so that nobody needs to ask it."""
        return not (self.quiet or self.holidays) and _covers_the_week(self.sending)


def closed(calendar: Calendar, low: datetime, high: datetime) -> list[Interval]:
    """When ``calendar`` is closed within ``[low, high)``, sorted and disjoint.

    Its cost grows with the days in between: both ends should be near, not "no end".
    """
    if calendar.is_open_always:
        return []
    # Hours that last past midnight began the day before. Clocks that go back over midnight have
    # shown the day after already.
    first = to_local(low, calendar.zone).date() - _ONE_DAY
    last = to_local(high, calendar.zone).date() + _ONE_DAY
    quiet = _spans(calendar.quiet, first, last) + _whole_days(calendar.holidays, first, last)
    holes = [_widest(span, calendar.zone) for span in quiet]
    if calendar.sending:
        sending = merged(_spans(calendar.sending, first, last))
        opened = [_narrowest(span, calendar.zone) for span in sending]
        holes += subtract(Interval(low, high), opened)
    clipped = (Interval(max(hole.start, low), min(hole.end, high)) for hole in holes)
    return merged(clipped)


def _spans(hours: Iterable[Hours], first: date, last: date) -> list[Interval]:
    """The local stretches of ``hours`` that begin on the days from ``first`` to ``last``."""
    by_day: list[list[tuple[timedelta, timedelta]]] = [[] for _ in DAYS]
    for stretch in hours:
        start = timedelta(minutes=stretch.start)
        for day in stretch.days:
            by_day[day].append((start, start + timedelta(minutes=stretch.length)))
    midnight = datetime.combine(first, time())
    spans: list[Interval] = []
    for _ in range((last - first).days + 1):
        spans += [Interval(midnight + a, midnight + b) for a, b in by_day[midnight.weekday()]]
        midnight += _ONE_DAY
    return spans


def _whole_days(days: Iterable[date], first: date, last: date) -> list[Interval]:
    midnights = (datetime.combine(day, time()) for day in days if first <= day <= last)
    return [Interval(midnight, midnight + _ONE_DAY) for midnight in midnights]


def _widest(span: Interval, zone: str) -> Interval:
    return Interval(readings(span.start, zone)[0], readings(span.end, zone)[1])


def _narrowest(span: Interval, zone: str) -> Interval:
    """Reversed where the whole span lies in an overlap: which of the two is meant is unknown."""
    return Interval(readings(span.start, zone)[1], readings(span.end, zone)[0])


@lru_cache(maxsize=1024)
def _covers_the_week(hours: tuple[Hours, ...]) -> bool:
    """Whether these hours leave nothing of a week out; no hours are no restriction."""
    first = date(2001, 1, 1)
    spans = merged(_spans(hours, first, first + 20 * _ONE_DAY))
    second_week = datetime.combine(first + 7 * _ONE_DAY, time())
    week = Interval(second_week, second_week + 7 * _ONE_DAY)
    return not hours or not subtract(week, spans)


def parse_hours(value: object, field: str) -> tuple[Hours, ...]:
    """Hours from their JSON form, ``[{"days": ["mon"], "from": "09:00", "to": "18:00"}]``.

    Without ``days`` they hold on all of them. ``to`` may be ``24:00``; a ``to`` before ``from``
    is on the following day. ``None`` means no restriction, and gives no hours.

    Raises:
        Invalid: something breaks a rule; the field is named like ``sending_hours[0].from``.
    """
    if value is None:
        return ()
    entries = _entries(value, field, MOST_HOURS, 'must be a list of {"days", "from", "to"}')
    if not entries:
        # Read as "never" by some and as "always" by others.
        raise Invalid(field, None, "must have at least 1 entry; null means no restriction")
    return tuple(_hours(entry, f"{field}[{index}]") for index, entry in enumerate(entries))


def hours_as_json(hours: Sequence[Hours]) -> list[dict[str, Any]] | None:
    """The inverse of :func:`parse_hours`; ``None`` for no hours."""
    return [_as_json(stretch) for stretch in hours] or None


def _as_json(hours: Hours) -> dict[str, Any]:
    times = {"from": _clock(hours.start), "to": _clock(hours.end)}
    if len(hours.days) == len(DAYS):
        return times
    return {"days": [DAYS[day] for day in sorted(hours.days)], **times}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _hours(entry: object, field: str) -> Hours:
    if not isinstance(entry, Mapping):
        raise Invalid(field, None, 'must be an object of "days", "from" and "to"')
    for name in entry:
        if name not in ("days", "from", "to"):
            raise Invalid(field, _shown(name), "is no known field; known are days, from and to")
    start = _minutes(entry.get("from"), f"{field}.from")
    end = _minutes(entry.get("to"), f"{field}.to", midnight=True)
    if start == end:
        rule = "must differ from 'from'; '00:00' to '24:00' is the whole day"
        raise Invalid(f"{field}.to", entry["to"], rule)
    return Hours(_days(entry.get("days", DAYS), f"{field}.days"), start, end)


def _minutes(value: object, field: str, *, midnight: bool = False) -> int:
    if value is None:
        raise Invalid(field, None, "is required")
    if midnight and value == "24:00":
        return _DAY
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Invalid(field, _shown(value), "must be a time of day such as '09:00'")
    return int(found[1]) * 60 + int(found[2])


def _days(value: object, field: str) -> frozenset[int]:
    rule = f"must be a list of some of {', '.join(DAYS)}"
    names = _entries(value, field, len(DAYS), rule)
    if not names:
        raise Invalid(field, None, rule)
    for index, name in enumerate(names):
        if name not in DAYS:
            raise Invalid(f"{field}[{index}]", _shown(name), f"must be one of {', '.join(DAYS)}")
    return frozenset(DAYS.index(name) for name in names)


def parse_holidays(value: object, field: str) -> frozenset[date]:
    """Holidays from their JSON form, ``["2026-12-25"]``; ``None`` gives none.

    Raises:
        Invalid: it is no such list, or has more than :data:`MOST_HOLIDAYS` entries.
    """
    if value is None:
        return frozenset()
    entries = _entries(value, field, MOST_HOLIDAYS, "must be a list of dates")
    return frozenset(_date(entry, f"{field}[{index}]") for index, entry in enumerate(entries))


def _date(value: object, field: str) -> date:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Invalid(field, _shown(value), "must be a date such as '2026-12-25'")


def parse_zone(name: object, field: str) -> str:
    """The name, if it is that of a zone in the machine's IANA time zone database.

    Raises:
        Invalid: it is not; the nearest known name is given where one is near.
    """
    if isinstance(name, str) and name in known_zones():
        return name
    rule = "must be the name of a time zone such as 'Europe/London'"
    near = _nearest_zone(name) if isinstance(name, str) else None
    if near is not None:
        rule += f"; the nearest known one is {near!r}"
    raise Invalid(field, _shown(name), rule)


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """The names of all zones in the machine's IANA time zone database."""
    # Looks through the machine's files, which takes milliseconds.
    return frozenset(available_timezones()) - _NO_ZONES


def _nearest_zone(name: str) -> str | None:
    wanted = name[:_LONGEST_ZONE].strip().lower().replace(" ", "_")
    zones = {zone.lower(): zone for zone in sorted(known_zones())}
    cities = {zone.rpartition("/")[2]: zone for zone in zones}
    for known in (zones, cities):
        if near := difflib.get_close_matches(wanted, known, n=1, cutoff=0.82):
            return zones.get(near[0]) or zones[cities[near[0]]]
    return None


def _entries(value: object, field: str, most: int, rule: str) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise Invalid(field, _shown(value), rule)
    if len(value) > most:
        raise Invalid(field, None, f"must have at most {most} entries")
    return value


def _shown(value: object) -> object:
    """The value, unless it is a container or may be somebody's address in the wrong place."""
    if not isinstance(value, str | int | float):
        return None
    return value if _DATE.fullmatch(str(value)) or not may_be_address(str(value)) else None
