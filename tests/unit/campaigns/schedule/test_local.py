"""Wall-clock times and instants, compared with clocks that are looked at minute by minute."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from campaigns.schedule.local import readings, to_local, to_utc

MINUTE = timedelta(minutes=1)

#: Days on which clocks change by 60, 60, 60, 30 and 120 minutes, forward and back.
CHANGES = [
    ("Europe/London", date(2027, 3, 28)),
    ("Europe/London", date(2026, 10, 25)),
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2026, 11, 1)),
    ("Pacific/Chatham", date(2026, 9, 27)),
    ("Pacific/Chatham", date(2027, 4, 4)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Antarctica/Troll", date(2027, 3, 28)),
    ("Antarctica/Troll", date(2026, 10, 25)),
]


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_every_minute_names_the_instants_at_which_clocks_show_it(zone: str, day: date) -> None:
    midnight = datetime.combine(day, datetime.min.time())
    shown = defaultdict(list)
    for minute in range(-24 * 60, 48 * 60):
        moment = midnight.replace(tzinfo=UTC) + minute * MINUTE
        shown[to_local(moment, zone)].append(moment)
    left_out = repeated = 0
    for minute in range(24 * 60):
        naive = midnight + minute * MINUTE
        expected = shown[naive] or [min(m for n, ms in shown.items() if n > naive for m in ms)]
        left_out += not shown[naive]
        repeated += len(shown[naive]) > 1
        assert readings(naive, zone) == (expected[0], expected[-1])
        assert to_utc(naive, zone) == expected[0]
    assert max(left_out, repeated) in (30, 60, 120)


def test_the_instant_of_a_gap_is_exact_between_minutes_too() -> None:
    gap = datetime(2027, 3, 28, 1, tzinfo=UTC)
    for naive in (
        datetime(2027, 3, 28, 1),
        datetime(2027, 3, 28, 1, 17, 3, 500_001),
        datetime(2027, 3, 28, 1, 59, 59, 999_999),
    ):
        assert readings(naive, "Europe/London") == (gap, gap)


def test_a_date_that_a_zone_left_out_is_the_midnight_after_it() -> None:
    # Samoa crossed the date line: 30 December 2011 did not happen.
    assert to_utc(datetime(2011, 12, 30, 15), "Pacific/Apia") == datetime(
        2011, 12, 30, 10, tzinfo=UTC
    )


def test_local_times_are_naive_and_say_nothing_of_their_reading() -> None:
    second = to_local(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/London")
    assert second == datetime(2026, 10, 25, 1, 30)
    assert (second.tzinfo, second.fold) == (None, 0)
    assert to_utc(second.replace(fold=1), "Europe/London") == to_utc(second, "Europe/London")
