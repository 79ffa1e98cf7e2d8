"""The expansion gives what python-dateutil gives, for rules that are known to match.

Each rule is made from the attributes of its own start, because dateutil would search for minutes
in one that never matches. Zones are without changes here; dateutil reads naive times.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from dateutil import rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.schedule import recurrence
from campaigns.schedule.rule_text import WEEKDAYS

FAR = datetime(2100, 1, 1, tzinfo=UTC)
#: Of each rule, this many occurrences are compared.
COMPARED = 40


def numbers(lowest: int, highest: int, *, size: int = 4) -> st.SearchStrategy[set[int]]:
    values = st.integers(lowest, highest).filter(bool) if lowest else st.integers(0, highest)
    return st.sets(values, max_size=size)


def joined(values: set[int]) -> str:
    return ",".join(map(str, sorted(values)))


@st.composite
def rules(draw: st.DrawFn, *frequencies: str) -> tuple[datetime, str]:
    """A start and a rule that it matches."""
    freq = draw(st.sampled_from(frequencies))
    start = draw(st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1))).replace(microsecond=0)
    week_start = draw(st.sampled_from(WEEKDAYS))
    parts = [f"FREQ={freq}", f"INTERVAL={draw(st.integers(1, 4))}", f"WKST={week_start}"]
    positions = draw(st.booleans())
    if positions and freq == "WEEKLY":
        # dateutil's first week begins at the start instead of at WKST.
        start -= timedelta(days=(start.weekday() - WEEKDAYS.index(week_start)) % 7)
    # Few parts on days, because rules that match once in decades keep dateutil busy.
    parts += draw(st.lists(st.sampled_from(_days(draw, freq, start)), unique=True, max_size=2))
    parts += [each for each in _times(draw, start) if draw(st.booleans())]
    if positions and len(parts) > 3:
        parts.append(f"BYSETPOS={joined(draw(st.sets(st.sampled_from([1, 2, -1, -2]))) | {1})}")
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 100))}")
    return start, ";".join(parts)


def _days(draw: st.DrawFn, freq: str, start: datetime) -> list[str]:
    found = [f"BYMONTH={joined(draw(numbers(1, 12)) | {start.month})}"]
    if freq != "WEEKLY":
        found.append(f"BYMONTHDAY={joined(draw(numbers(-31, 31)) | {start.day})}")
    if freq in ("HOURLY", "YEARLY"):
        day = start.timetuple().tm_yday
        found.append(f"BYYEARDAY={joined(draw(numbers(-366, 366)) | {day})}")
    found.append(_weekdays(draw, freq, start))
    return found


def _weekdays(draw: st.DrawFn, freq: str, start: datetime) -> str:
    more = draw(st.sets(st.sampled_from(WEEKDAYS), max_size=3))
    own = WEEKDAYS[start.weekday()]
    if freq == "MONTHLY" and draw(st.booleans()):
        # All of them or none: where plain ones stand beside those with an ordinal, dateutil takes
        # the days that are both, the RFC those that are either.
        more = {f"{draw(st.sampled_from([1, 2, 4, -1, -2, 5]))}{day}" for day in more}
        own = f"{(start.day + 6) // 7}{own}"
    return "BYDAY=" + ",".join(sorted(more | {own}))


def _times(draw: st.DrawFn, start: datetime) -> list[str]:
    return [
        f"BYHOUR={joined(draw(numbers(0, 23)) | {start.hour})}",
        f"BYMINUTE={joined(draw(numbers(0, 59)) | {start.minute})}",
        f"BYSECOND={joined(draw(numbers(0, 59, size=1)) | {start.second})}",
    ]


def compare(start: datetime, text: str, zone: str, hours: int) -> None:
    """``hours`` is what the clocks of ``zone`` are ahead of UTC."""
    ahead = timedelta(hours=hours)
    begin = start.replace(tzinfo=UTC) - ahead
    series = recurrence.parse(text, zone=zone, start=begin)
    ours = [
        each.replace(tzinfo=None) + ahead for each in series.between(begin, FAR, limit=COMPARED)
    ]
    oracle = rrule.rrulestr(text, dtstart=start)
    century = FAR.replace(tzinfo=None) + ahead
    assert ours == list(takewhile(lambda each: each < century, islice(oracle, COMPARED)))


@settings(max_examples=150)
@given(rules("DAILY", "WEEKLY", "MONTHLY", "YEARLY"))
def test_days_and_longer_periods(rule: tuple[datetime, str]) -> None:
    compare(*rule, "Asia/Tokyo", 9)


@settings(max_examples=100)
@given(rules("HOURLY"))
def test_hours(rule: tuple[datetime, str]) -> None:
    compare(*rule, "UTC", 0)


@settings(max_examples=50)
@given(
    st.integers(2000, 2050),
    st.sets(st.integers(2, 51), min_size=1, max_size=4),
    st.sampled_from(WEEKDAYS),
    st.sets(st.sampled_from(WEEKDAYS), min_size=1),
)
def test_weeks_inside_the_year(year: int, weeks: set[int], week_start: str, days: set[str]) -> None:
    """The weeks at the turn of the year are compared with the standard library below."""
    rule = f"FREQ=YEARLY;BYWEEKNO={joined(weeks)};WKST={week_start};BYDAY={','.join(sorted(days))}"
    compare(datetime(year, 1, 1), rule, "UTC", 0)


@settings(max_examples=20)
@given(st.integers(2000, 2060), st.sampled_from([1, 2, 51, 52, 53, -1]))
def test_weeks_at_the_turn_of_the_year(year: int, week: int) -> None:
    """Weeks of the rule are those of ISO 8601, which :meth:`datetime.date.isocalendar` counts."""
    start = datetime(year, 1, 1, tzinfo=UTC)
    days = (start + timedelta(days=day) for day in range(366 * 10))
    rule = f"FREQ=YEARLY;BYDAY={','.join(WEEKDAYS)};BYWEEKNO={week}"
    series = recurrence.parse(rule, zone="UTC", start=start)
    expected = [day for day in days if _is_week(day, week)]
    assert series.between(start, FAR, limit=len(expected)) == expected


def _is_week(day: datetime, week: int) -> bool:
    if week > 0:
        return day.isocalendar().week == week
    return day.isocalendar().year != (day + timedelta(days=7)).isocalendar().year


@settings(max_examples=50)
@given(
    st.integers(2000, 2050),
    st.sampled_from([1, 2, 20, 51, 52, 53, -1, -2, -30, -53]),
    st.sampled_from(WEEKDAYS),
    st.booleans(),
)
def test_the_nth_weekday_of_the_year(year: int, ordinal: int, day: str, one_month: bool) -> None:
    """Of the year; of the month, if there is a BYMONTH."""
    ordinal = max(-4, min(ordinal, 4)) if one_month else ordinal
    rule = f"FREQ=YEARLY;BYDAY={ordinal}{day}" + (";BYMONTH=3" if one_month else "")
    compare(datetime(year, 1, 1), rule, "UTC", 0)
