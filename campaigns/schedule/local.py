"""Wall-clock times of a zone and the instants that they name.

Twice a year, in most zones, that is no one-to-one relation. The policy of this project:

- A time in a gap (clocks go forward over it) names the instant of the gap, the first valid one
  after it.
- A time in an overlap (clocks go back over it) has two readings; the first counts, unless the
  caller asks for both.

Zone rules come from :mod:`zoneinfo` (the IANA time zone database, RFC 6557). Names must have been
checked by :func:`campaigns.schedule.calendars.parse_zone`, because a name is a path in there.

Pure: no clock. Instants are aware and in UTC, local times are naive. Far beyond the years 2 to
9998 the calendar of :mod:`datetime` ends, and ``OverflowError`` is raised.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=1024)
def _rules(zone: str) -> ZoneInfo:
    # The class's own cache holds eight zones, and would read the files of all others again.
    return ZoneInfo(zone)


def to_local(moment: datetime, zone: str) -> datetime:
    """What clocks in ``zone`` show at ``moment``, naive.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: there is no such zone.
    """
    return moment.astimezone(_rules(zone)).replace(tzinfo=None, fold=0)


def to_utc(naive: datetime, zone: str) -> datetime:
    """The instant at which clocks in ``zone`` show ``naive``: the first one, or that of the gap.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: there is no such zone.
    """
    return readings(naive, zone)[0]


def readings(naive: datetime, zone: str) -> tuple[datetime, datetime]:
    """The first and the last instant that ``naive`` names in ``zone``.

    They differ in an overlap only. In a gap both are its instant.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: there is no such zone.
    """
    rules = _rules(zone)
    before = naive.replace(tzinfo=rules, fold=0).utcoffset() or timedelta(0)
    after = naive.replace(tzinfo=rules, fold=1).utcoffset() or timedelta(0)
    moment = naive.replace(tzinfo=UTC, fold=0)
    if before == after:
        only = moment - before
        return only, only
    if before > after:
        return moment - before, moment - after
    gap = _transition(rules, moment - after, moment - before)
    return gap, gap


def _transition(rules: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The instant in ``(low, high]`` from which on the offset of ``high`` holds.

    There is one change in between: both are readings of a time that this change leaves out.
    """
    offset = high.astimezone(rules).utcoffset()
    # Rules change on whole seconds (RFC 9636, section 3.2); the first candidate lies before it.
    start = low.replace(microsecond=0)
    wrong, right = 0, -((start - high) // _SECOND)
    while right - wrong > 1:
        middle = (wrong + right) // 2
        if (start + middle * _SECOND).astimezone(rules).utcoffset() == offset:
            right = middle
        else:
            wrong = middle
    return start + right * _SECOND
