"""Searching in a series: where it begins and ends, what is added and left out, what a search costs.

Costs are counted in blocks looked at, not in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.errors import Invalid
from campaigns.schedule import recurrence
from campaigns.schedule.expansion import Block, WallClock
from campaigns.schedule.hours import AbsoluteHours
from campaigns.schedule.windows import FOREVER

START = datetime(2026, 11, 25, 9, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def parse(rule: str, **options: object) -> recurrence.Rule:
    return recurrence.parse(rule, **({"zone": "Europe/London", "start": START} | options))


@contextmanager
def counted_blocks() -> Iterator[list[int]]:
    """The numbers of all blocks that are looked at."""
    seen: list[int] = []

    def counting(kind: type[WallClock] | type[AbsoluteHours]) -> object:
        original = kind.block

        def block(self: WallClock | AbsoluteHours, index: int) -> Block:
            seen.append(index)
            return original(self, index)

        return block

    with pytest.MonkeyPatch.context() as patch:
        for kind in (WallClock, AbsoluteHours):
            patch.setattr(kind, "block", counting(kind))
        yield seen


# --- the start, the end, additions and exclusions


def test_a_start_that_does_not_match_is_no_occurrence_and_does_not_count() -> None:
    """The 25th is a Wednesday."""
    series = parse("FREQ=WEEKLY;BYDAY=MO;COUNT=2")
    assert series.between(START, FAR) == [START + 5 * DAY, START + 12 * DAY]
    assert series.first() == START + 5 * DAY


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=YEARLY", datetime(2027, 11, 25, 9, tzinfo=UTC)),
        ("FREQ=YEARLY;BYMONTH=2", datetime(2027, 2, 25, 9, tzinfo=UTC)),
        ("FREQ=YEARLY;BYWEEKNO=20", datetime(2027, 5, 19, 9, tzinfo=UTC)),
        ("FREQ=MONTHLY", datetime(2026, 12, 25, 9, tzinfo=UTC)),
        ("FREQ=WEEKLY", datetime(2026, 12, 2, 9, tzinfo=UTC)),
        ("FREQ=DAILY;BYHOUR=6", datetime(2026, 11, 26, 6, tzinfo=UTC)),
    ],
)
def test_what_a_rule_leaves_open_is_taken_from_the_start(rule: str, expected: datetime) -> None:
    """A Wednesday, the 25th of November, 9:00."""
    assert parse(rule, zone="UTC").after(START) == expected


def test_an_endless_series_has_no_last_occurrence() -> None:
    assert parse("FREQ=DAILY").last() is None


@pytest.mark.parametrize("end", ["COUNT=3", "UNTIL=20261127", "UNTIL=20261127T090000Z"])
def test_the_last_occurrence_of_a_series_that_ends(end: str) -> None:
    series = parse(f"FREQ=DAILY;{end}")
    assert series.last() == START + 2 * DAY
    assert series.after(START + 2 * DAY) is None
    assert series.after(START + 2 * DAY, inclusive=True) == START + 2 * DAY


def test_an_end_in_the_year_9999_is_the_end_of_the_calendar() -> None:
    series = parse("FREQ=YEARLY;UNTIL=99991231T235959Z")
    assert series.last() == datetime(2099, 11, 25, 9, tzinfo=UTC)


def test_excluded_instants_are_left_out_and_counted_all_the_same() -> None:
    series = parse("FREQ=DAILY;COUNT=4", exdates=[START, START + 3 * DAY])
    assert series.between(START, FAR) == [START + DAY, START + 2 * DAY]
    assert (series.first(), series.last()) == (START + DAY, START + 2 * DAY)


def test_added_instants_happen_once_and_not_if_they_are_excluded() -> None:
    noon, later = START + timedelta(hours=3), START + 9 * DAY
    series = parse(
        "FREQ=DAILY;COUNT=2", rdates=[later, noon, START + DAY, START + 5 * DAY], exdates=[later]
    )
    assert series.between(START, FAR) == [START, noon, START + DAY, START + 5 * DAY]
    assert series.last() == START + 5 * DAY
    assert series.after(START) == noon


def test_instants_are_whole_seconds_whatever_is_asked() -> None:
    half = timedelta(seconds=0.5)
    series = parse("FREQ=DAILY", start=START + half, exdates=[START + DAY + half])
    assert series.first() == START
    assert series.after(START + half) == START + 2 * DAY


def test_a_series_that_excludes_itself_is_refused() -> None:
    with pytest.raises(Invalid, match="schedule_exdates: 1 entries exclude every occurrence"):
        parse("FREQ=DAILY;COUNT=1", exdates=[START])


def test_too_many_exceptions_are_refused() -> None:
    many = [START + days * DAY for days in range(10_000)]
    with pytest.raises(Invalid, match="schedule_exdates: 10000 entries are more than 1,000"):
        parse("FREQ=DAILY", exdates=many)
    with pytest.raises(Invalid, match="schedule_rdates: 10000 entries are more than 1,000"):
        parse("FREQ=DAILY", rdates=many)


def test_additions_before_the_start_are_refused() -> None:
    with pytest.raises(Invalid, match="schedule_rdates: '2026-11-24 09:00:00' must not lie before"):
        parse("FREQ=DAILY", rdates=[START - DAY])


@pytest.mark.parametrize("rule", ["FREQ=DAILY", "FREQ=HOURLY", "FREQ=DAILY;COUNT=3"])
def test_nothing_comes_after_the_end_of_the_calendar(rule: str) -> None:
    assert parse(rule, zone="Asia/Tokyo").after(FOREVER) is None


def test_a_list_is_no_longer_than_asked_for() -> None:
    assert len(parse("FREQ=HOURLY").between(START, FAR)) == recurrence.MOST_LISTED
    assert len(parse("FREQ=HOURLY").between(START, FAR, limit=7)) == 7
    assert parse("FREQ=HOURLY").between(START, START) == []


# --- searching

RULES = [
    "FREQ=HOURLY;INTERVAL=7;BYMINUTE=5,35",
    "FREQ=HOURLY;BYDAY=MO,SU;BYHOUR=0,1,2",
    "FREQ=DAILY;INTERVAL=3;BYHOUR=1,2,9;BYMINUTE=0,15,30",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1",
    "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=-1,31",
    "FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=MO,SU",
    "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU;BYHOUR=1;BYMINUTE=30",
]
ENDS = ["", ";COUNT=23", ";UNTIL=20280326T013000"]


@settings(max_examples=100)
@given(
    st.sampled_from(RULES),
    st.sampled_from(ENDS),
    st.sampled_from(["Europe/London", "Australia/Lord_Howe", "America/New_York"]),
    st.integers(0, 4 * 366 * 24 * 60),
    st.booleans(),
)
def test_every_search_agrees_with_counting_from_the_start(
    rule: str, end: str, zone: str, minutes: int, exactly: bool
) -> None:
    series = parse(rule + end, zone=zone)
    everything = series.between(START, FAR, limit=6_000)
    moment = START + timedelta(minutes=minutes)
    if exactly:
        moment = max((each for each in everything if each <= moment), default=moment)
    following = [each for each in everything if each > moment]
    assert series.after(moment) == (following[0] if following else None)
    at = [each for each in everything if each >= moment]
    assert series.after(moment, inclusive=True) == (at[0] if at else None)
    assert (
        series.between(moment, moment + 50 * DAY, limit=10)
        == [each for each in at if each < moment + 50 * DAY][:10]
    )
    assert series.last() == (everything[-1] if end else None)


@pytest.mark.parametrize("rule", RULES)
def test_a_search_years_later_does_not_count_from_the_start(rule: str) -> None:
    series = parse(rule)
    with counted_blocks() as seen:
        assert series.after(datetime(2090, 5, 1, tzinfo=UTC)) is not None
    assert len(seen) <= 10


def test_the_end_of_a_count_is_looked_for_once() -> None:
    series = parse("FREQ=DAILY;BYMINUTE=0,1;COUNT=2000")
    with counted_blocks() as seen:
        assert series.after(START + 900 * DAY) is not None
        searched = len(seen)
        assert searched <= 1_010
        assert series.after(START + 901 * DAY) is not None
    assert len(seen) - searched <= 3


@pytest.mark.parametrize("count", ["", ";COUNT=100000"])
@pytest.mark.parametrize(
    ("rule", "most"),
    [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 12),
        ("FREQ=YEARLY;BYMONTH=6;BYSETPOS=2", 12),
        ("FREQ=YEARLY;BYWEEKNO=30;BYMONTH=1", 12),
        ("FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4", 123),
        ("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1", 123),
        ("FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2", 525),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", 3_656),
        ("FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", 3_656),
        ("FREQ=HOURLY;INTERVAL=2;BYHOUR=10", 3_656),
        ("FREQ=HOURLY;INTERVAL=1000;BYDAY=MO;BYMONTHDAY=29;BYMONTH=2", 3_656),
    ],
)
def test_a_rule_that_never_matches_is_refused_after_ten_years_of_blocks(
    rule: str, most: int, count: str
) -> None:
    with counted_blocks() as seen, pytest.raises(Invalid, match="within ten years of its start"):
        parse(rule + count, zone="UTC")
    assert len(seen) <= most


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;COUNT=1000000000", "FREQ=SECONDLY"]
)
def test_a_rule_that_is_out_of_bounds_is_refused_without_a_search(rule: str) -> None:
    with counted_blocks() as seen, pytest.raises(Invalid):
        parse(rule)
    assert seen == []


def test_a_dense_block_is_not_written_down() -> None:
    """Every minute of a year is one block, and a search in it takes a handful of steps."""
    minutes = ",".join(map(str, range(60)))
    hours = ",".join(map(str, range(24)))
    series = parse(f"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={hours};BYMINUTE={minutes}")
    reads = 0
    block = WallClock(series.recur, START, "UTC").block(0)

    class Counting:
        def __len__(self) -> int:
            return len(block)

        def __getitem__(self, index: int, /) -> datetime:
            nonlocal reads
            reads += 1
            return block[index]

    assert len(block) == 365 * 1_440
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WallClock, "block", lambda self, index: Counting())
        moment = datetime(2026, 12, 24, 13, 37, tzinfo=UTC)
        assert series.after(moment) == moment + timedelta(minutes=1)
    assert reads < 40
