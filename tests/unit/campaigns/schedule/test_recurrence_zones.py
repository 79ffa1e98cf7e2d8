"""Recurrence across changes of the clocks, in the zones that break schedulers.

London and New York move by an hour; Chatham is 45 minutes off; Lord Howe moves by half an hour,
Troll by two hours.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.schedule import recurrence
from campaigns.schedule.local import readings, to_local, to_utc

HOUR = timedelta(hours=1)

#: Zone, the instant at which its clocks go forward, and the one at which they go back.
CHANGES = {
    "Europe/London": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "America/New_York": (
        datetime(2026, 3, 8, 7, tzinfo=UTC),
        datetime(2026, 11, 1, 6, tzinfo=UTC),
    ),
    "Pacific/Chatham": (
        datetime(2026, 9, 26, 14, tzinfo=UTC),
        datetime(2026, 4, 4, 14, tzinfo=UTC),
    ),
    "Australia/Lord_Howe": (
        datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
        datetime(2026, 4, 4, 15, tzinfo=UTC),
    ),
    "Antarctica/Troll": (
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
    ),
}
ZONES = sorted(CHANGES)
INSTANTS = [(zone, change) for zone in ZONES for change in CHANGES[zone]]


@pytest.mark.parametrize("zone", ZONES)
def test_the_changes_are_where_this_test_believes_them(zone: str) -> None:
    for change, forward in zip(CHANGES[zone], (True, False), strict=True):
        before, after = (to_local(change + delta, zone) for delta in (-HOUR, timedelta(0)))
        assert (after - before > HOUR) is forward


@pytest.mark.parametrize(("zone", "change"), INSTANTS)
def test_every_hour_is_neither_lost_nor_repeated(zone: str, change: datetime) -> None:
    start = change - timedelta(hours=30, minutes=17)
    series = recurrence.parse("FREQ=HOURLY", zone=zone, start=start)
    assert series.between(start, start + timedelta(hours=60)) == [
        start + hours * HOUR for hours in range(60)
    ]


@pytest.mark.parametrize(("zone", "change"), INSTANTS)
def test_every_fifth_hour_keeps_its_distance_with_several_minutes_too(
    zone: str, change: datetime
) -> None:
    start = change - timedelta(days=2)
    rule = "FREQ=HOURLY;INTERVAL=5;BYMINUTE=0,20,40"
    found = recurrence.parse(rule, zone=zone, start=start).between(start, change + 2 * 24 * HOUR)
    assert len(found) > 50
    assert {later - earlier for earlier, later in zip(found, found[3:], strict=False)} == {5 * HOUR}


@pytest.mark.parametrize(("zone", "change"), INSTANTS)
def test_hours_of_an_hourly_rule_are_those_that_clocks_show(zone: str, change: datetime) -> None:
    """An hour that is repeated has two occurrences, one that is left out has none."""
    start = change.replace(minute=0) - timedelta(days=2)
    rule = "FREQ=HOURLY;BYHOUR=0,1,2,3,4"
    found = recurrence.parse(rule, zone=zone, start=start).between(start, start + 96 * HOUR)
    every = [start + hours * HOUR for hours in range(96)]
    assert found == [each for each in every if to_local(each, zone).hour <= 4]


@pytest.mark.parametrize("zone", ZONES)
def test_a_time_that_does_not_exist_happens_at_the_first_valid_instant(zone: str) -> None:
    change = CHANGES[zone][0]
    missing = to_local(change - timedelta(seconds=1), zone) + timedelta(minutes=15, seconds=1)
    start = to_utc(missing - timedelta(days=2), zone)
    found = recurrence.parse("FREQ=DAILY;COUNT=5", zone=zone, start=start).between(
        start, start + timedelta(days=9)
    )
    assert len(found) == 5
    assert found[2] == change
    shown = [to_local(each, zone) for each in found]
    assert {each.time() for each in shown[:2] + shown[3:]} == {missing.time()}
    assert [each.date() for each in shown] == [
        missing.date() + timedelta(days=days) for days in range(-2, 3)
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_times_of_one_gap_are_one_occurrence(zone: str) -> None:
    change = CHANGES[zone][0]
    missing = to_local(change - timedelta(seconds=1), zone) + timedelta(seconds=1)
    start = to_utc(missing - timedelta(days=1), zone)
    minutes = ",".join(str((missing.minute + each) % 60) for each in (0, 10, 20))
    rule = f"FREQ=DAILY;BYHOUR={missing.hour};BYMINUTE={minutes}"
    found = recurrence.parse(rule, zone=zone, start=start).between(
        change - timedelta(minutes=5), change + timedelta(minutes=5)
    )
    assert found == [change]


@pytest.mark.parametrize("zone", ZONES)
def test_a_time_that_exists_twice_happens_the_first_time_only(zone: str) -> None:
    change = CHANGES[zone][1]
    twice = to_local(change, zone) + timedelta(minutes=15)
    first, second = readings(twice, zone)
    assert first < change < second
    start = to_utc(twice - timedelta(days=2), zone)
    series = recurrence.parse("FREQ=DAILY", zone=zone, start=start)
    found = series.between(start, start + timedelta(days=5))
    assert first in found
    assert second not in found
    assert [to_local(each, zone) for each in found[:5]] == [
        twice + timedelta(days=days) for days in range(-2, 3)
    ]
    assert series.after(first) == found[3]


def test_a_series_that_starts_at_the_second_reading_goes_on_the_day_after() -> None:
    """Nothing lies before the start, and COUNT does not count what would."""
    zone = "Europe/London"
    first, second = readings(datetime(2026, 10, 25, 1, 30), zone)
    series = recurrence.parse("FREQ=DAILY;COUNT=2", zone=zone, start=second)
    assert first < second
    assert series.between(first, first + timedelta(days=9)) == [
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
        datetime(2026, 10, 27, 1, 30, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("until", "hours"),
    [
        ("20261025T013000", [22, 23, 0, 1]),
        ("20261025T003000Z", [22, 23, 0]),
        ("20261025T012959Z", [22, 23, 0]),
        ("20261025", [22, 23, *range(24)]),
    ],
)
def test_until_is_inclusive_local_without_a_z_and_lasts_a_whole_day(
    until: str, hours: list[int]
) -> None:
    """A local time that exists twice is the second one here: nothing before it is cut off."""
    zone = "Europe/London"
    start = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
    found = recurrence.parse(f"FREQ=HOURLY;UNTIL={until}", zone=zone, start=start).between(
        start, start + timedelta(days=9)
    )
    assert [each.astimezone(UTC).hour for each in found] == hours


@settings(max_examples=100)
@given(
    st.sampled_from(ZONES),
    st.times().map(lambda each: each.replace(microsecond=0)),
    st.dates(date(2026, 1, 1), date(2030, 1, 1)),
)
def test_every_day_has_one_occurrence_whatever_the_clocks_do(
    zone: str, clock: time, first: date
) -> None:
    rule = f"FREQ=DAILY;BYHOUR={clock.hour};BYMINUTE={clock.minute};BYSECOND={clock.second}"
    midnight = datetime.combine(first, time(0))
    start, end = to_utc(midnight, zone), to_utc(midnight + timedelta(days=370), zone)
    found = recurrence.parse(rule, zone=zone, start=start).between(start, end)
    assert [to_local(each, zone).date() for each in found] == [
        first + timedelta(days=days) for days in range(370)
    ]
    assert all(earlier < later for earlier, later in pairwise(found))
    moved = [each for each in found if to_local(each, zone).time() != clock]
    assert set(moved) <= {
        to_utc(datetime.combine(to_local(each, zone), clock), zone) for each in moved
    }
    assert len(moved) <= 2
