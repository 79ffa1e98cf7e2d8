"""Windows on other days: what the clock shows stays, whatever the clocks do in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.schedule.local import readings, to_local, to_utc
from campaigns.schedule.shifting import next_day, shifted
from campaigns.schedule.windows import Interval, Window

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

#: A zone and the noon before a night, or after a midnight, in which its clocks change.
CHANGES = [
    ("Europe/London", datetime(2027, 3, 27, 12, tzinfo=UTC)),
    ("Europe/London", datetime(2026, 10, 24, 12, tzinfo=UTC)),
    ("America/New_York", datetime(2027, 3, 13, 18, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 31, 18, tzinfo=UTC)),
    ("Pacific/Chatham", datetime(2026, 9, 26, 2, tzinfo=UTC)),
    ("Pacific/Chatham", datetime(2027, 4, 3, 2, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 2, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 4, 3, 2, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2027, 3, 27, 12, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 10, 24, 12, tzinfo=UTC)),
]
changes = st.sampled_from(CHANGES)
near = st.integers(11 * 60, 17 * 60) | st.integers(-1440, 2880)
lengths = st.integers(1, 120) | st.integers(1, 2880)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@st.composite
def windows(draw: st.DrawFn, around: datetime) -> Window:
    """In good order, with every boundary near ``around``."""
    start = around + draw(near) * MINUTE
    finish = start + draw(lengths) * MINUTE
    expiry = finish + draw(st.integers(0, 600)) * MINUTE
    pauses = []
    for _ in range(draw(st.integers(0, 3))):
        first = start + draw(st.integers(0, 2000)) * MINUTE
        pauses.append(Interval(first, first + draw(lengths) * MINUTE))
    return Window(start, finish, draw(st.sampled_from([None, expiry])), tuple(pauses))


@given(st.data(), changes)
def test_a_window_shifted_to_its_own_start_is_itself(data, change) -> None:
    zone, around = change
    window = data.draw(windows(around))
    assert shifted(window, zone, window.start) == window


@given(st.data(), changes, st.integers(-2, 2), st.booleans())
def test_every_boundary_keeps_what_the_clock_shows(data, change, days, second) -> None:
    """From a week without a change to the days around one, in either reading of the start."""
    zone, around = change
    apart = timedelta(days=35)
    window = data.draw(windows(around - apart))
    distance = apart + days * DAY
    start = readings(to_local(window.start, zone) + distance, zone)[second]

    def expected(moment: datetime) -> datetime:
        first, last = readings(to_local(moment, zone) + distance, zone)
        return first if first >= start else last

    moved = shifted(window, zone, start)
    assert moved.start == start
    for before, after in ((window.finish, moved.finish), (window.expiry, moved.expiry)):
        if before is None:
            assert after is None
        elif expected(before) > start:
            assert after == expected(before)
        else:
            # Only where the clock leaves no room, seconds count instead.
            assert after == start + (before - window.start)
    pauses = [Interval(expected(pause.start), expected(pause.end)) for pause in window.pauses]
    assert moved.pauses == tuple(pause for pause in pauses if pause.start < pause.end)


@given(st.data(), changes, st.integers(-3000, 3000))
def test_order_and_room_survive_every_shift(data, change, offset) -> None:
    zone, around = change
    window = data.draw(windows(around))
    moved = shifted(window, zone, window.start + offset * MINUTE)
    assert moved.start == window.start + offset * MINUTE
    assert moved.finish is not None
    assert moved.finish > moved.start
    if moved.expiry is not None:
        assert moved.expiry >= moved.finish
    assert all(pause.start < pause.end for pause in moved.pauses)


@given(st.data(), changes, st.integers(-3000, 3000))
def test_a_pause_vanishes_only_in_a_gap(data, change, offset) -> None:
    """What somebody paused is paused on every day on which its time exists."""
    zone, around = change
    window = data.draw(windows(around))
    moved = shifted(window, zone, window.start + offset * MINUTE)
    vanished = len(window.pauses) - len(moved.pauses)
    longest = timedelta(hours=2)  # no clock of these is put forward by more
    short = sum(to_local(p.end, zone) - to_local(p.start, zone) <= longest for p in window.pauses)
    assert vanished <= short
    no_gap = not any(
        a != b for a, b in [(to_local(to_utc(n, zone), zone), n) for n in _minutes(moved, zone)]
    )
    assert not (vanished and no_gap)


def _minutes(window: Window, zone: str) -> list[datetime]:
    first = to_local(window.start, zone) - DAY
    return [first + minutes * 30 * MINUTE for minutes in range(7 * 48)]


def test_a_working_day_is_the_same_on_the_clock_after_the_change() -> None:
    zone = "Europe/London"
    window = Window(
        utc(2026, 10, 23, 8),
        utc(2026, 10, 23, 16),
        utc(2026, 10, 30, 17),
        (Interval(utc(2026, 10, 23, 11), utc(2026, 10, 23, 12)),),
        "expire",
    )
    assert shifted(window, zone, utc(2026, 10, 26, 9)) == Window(
        utc(2026, 10, 26, 9),
        utc(2026, 10, 26, 17),
        utc(2026, 11, 2, 17),
        (Interval(utc(2026, 10, 26, 12), utc(2026, 10, 26, 13)),),
        "expire",
    )


def test_boundaries_in_a_gap_are_at_its_instant() -> None:
    """London, 28 March 2027: 01:00 to 02:00 does not exist."""
    window = Window(
        utc(2027, 3, 20, 0, 30),
        utc(2027, 3, 20, 1, 30),
        pauses=(
            Interval(utc(2027, 3, 20, 1, 10), utc(2027, 3, 20, 1, 20)),
            Interval(utc(2027, 3, 20, 0, 40), utc(2027, 3, 20, 1, 20)),
        ),
    )
    gap = utc(2027, 3, 28, 1)
    assert shifted(window, "Europe/London", utc(2027, 3, 28, 0, 30)) == Window(
        utc(2027, 3, 28, 0, 30), gap, pauses=(Interval(utc(2027, 3, 28, 0, 40), gap),)
    )


def test_a_start_in_a_gap_does_not_move_the_finish() -> None:
    window = Window(utc(2027, 3, 20, 1, 30), utc(2027, 3, 20, 17))
    gap = utc(2027, 3, 28, 1)
    moved = shifted(window, "Europe/London", gap)
    assert moved == Window(gap, utc(2027, 3, 28, 16))


def test_a_window_within_a_gap_keeps_its_length() -> None:
    window = Window(utc(2027, 3, 20, 1, 10), utc(2027, 3, 20, 1, 40), utc(2027, 3, 20, 1, 50))
    gap = utc(2027, 3, 28, 1)
    moved = shifted(window, "Europe/London", gap)
    assert moved == Window(gap, gap + 30 * MINUTE, gap + 40 * MINUTE)


def test_a_window_from_an_overlap_keeps_its_length_where_the_clock_went_back() -> None:
    """From 01:50 to 01:10 on the clock, in twenty minutes; the pause fills the second half."""
    start = utc(2026, 10, 25, 0, 50)
    window = Window(
        start,
        start + 20 * MINUTE,
        start + 25 * MINUTE,
        (Interval(start + 10 * MINUTE, start + 20 * MINUTE),),
    )
    occurrence = utc(2026, 11, 2, 1, 50)
    assert shifted(window, "Europe/London", occurrence) == Window(
        occurrence,
        occurrence + 20 * MINUTE,
        occurrence + 25 * MINUTE,
        (Interval(occurrence + 10 * MINUTE, occurrence + 20 * MINUTE),),
    )


@pytest.mark.parametrize(("begin", "minutes"), [(50, 20), (30, 60)])
def test_a_pause_over_an_overlap_keeps_its_length_where_the_clock_went_back(begin, minutes) -> None:
    first = utc(2026, 10, 25, 0, begin)  # 01:50 or 01:30 on the clock, ends at 01:10 or 01:30
    window = Window(
        utc(2026, 10, 24, 22),
        utc(2026, 10, 25, 5),
        pauses=(Interval(first, first + minutes * MINUTE),),
    )
    moved = shifted(window, "Europe/London", utc(2026, 11, 1, 23))
    start = utc(2026, 11, 2, 1, begin)
    assert moved.pauses == (Interval(start, start + minutes * MINUTE),)


def test_a_pause_of_the_second_reading_stays_one_when_the_window_begins_in_the_first() -> None:
    """In Troll clocks went back from 03:00 to 01:00; this pause is from 01:00 to 03:00 after it."""
    start = utc(2026, 10, 24, 23, 35)  # 01:35 on the clock
    pause = Interval(utc(2026, 10, 25, 1), utc(2026, 10, 25, 3))
    window = Window(start, start + DAY, pauses=(pause,))
    moved = shifted(window, "Antarctica/Troll", start + MINUTE)
    assert moved.pauses == (Interval(pause.start + MINUTE, pause.end + MINUTE),)
    ordinary = utc(2026, 11, 2, 1, 35)
    moved = shifted(window, "Antarctica/Troll", ordinary)
    assert moved.pauses == (Interval(utc(2026, 11, 2, 3), utc(2026, 11, 2, 5)),)


def test_a_reversed_pause_over_an_overlap_pauses_nothing_elsewhere() -> None:
    """From 01:10 after the change to 01:50 before it: later on the clock, earlier in time."""
    reversed_pause = Interval(utc(2026, 10, 25, 1, 10), utc(2026, 10, 25, 0, 50))
    window = Window(utc(2026, 10, 24, 22), utc(2026, 10, 25, 5), pauses=(reversed_pause,))
    assert shifted(window, "Europe/London", utc(2026, 11, 1, 23)).pauses == ()


def test_a_reversed_pause_pauses_nothing_in_an_overlap_either() -> None:
    reversed_pause = Interval(utc(2026, 10, 18, 0, 50), utc(2026, 10, 18, 0, 40))
    window = Window(utc(2026, 10, 17, 22), utc(2026, 10, 18, 5), pauses=(reversed_pause,))
    assert shifted(window, "Europe/London", utc(2026, 10, 24, 22)).pauses == ()


def test_an_expiry_is_not_before_the_finish_where_the_clock_went_back_between_them() -> None:
    """A finish at 01:50, and twenty minutes later, at 01:10, the expiry."""
    finish = utc(2026, 10, 25, 0, 50)
    window = Window(utc(2026, 10, 24, 22), finish, finish + 20 * MINUTE)
    moved = shifted(window, "Europe/London", utc(2026, 11, 1, 23))
    assert moved.finish == moved.expiry == utc(2026, 11, 2, 1, 50)


def test_boundaries_of_an_occurrence_in_the_second_reading_follow_it() -> None:
    window = Window(
        utc(2026, 10, 20, 0, 30),
        utc(2026, 10, 20, 0, 50),
        pauses=(Interval(utc(2026, 10, 20, 0, 35), utc(2026, 10, 20, 0, 40)),),
    )
    second = utc(2026, 10, 25, 1, 30)
    assert shifted(window, "Europe/London", second) == Window(
        second,
        second + 20 * MINUTE,
        pauses=(Interval(second + 5 * MINUTE, second + 10 * MINUTE),),
    )


@pytest.mark.parametrize(
    "pauses",
    [
        [(4, 4)],
        [(6, 2)],
        [(1, 5), (3, 7)],
        [(1, 9), (3, 4)],
        [(-5, -1), (20, 30)],
    ],
    ids=["zero-length", "reversed", "overlapping", "nested", "outside"],
)
def test_odd_pauses_are_shifted_like_others_or_dropped_if_they_pause_nothing(pauses) -> None:
    start = utc(2026, 11, 20, 9)
    hours = [Interval(start + a * 60 * MINUTE, start + b * 60 * MINUTE) for a, b in pauses]
    window = Window(start, start + 10 * 60 * MINUTE, pauses=tuple(hours))
    moved = shifted(window, "Europe/London", start + 7 * DAY)
    assert moved.pauses == tuple(
        Interval(p.start + 7 * DAY, p.end + 7 * DAY) for p in hours if p.start < p.end
    )


@given(st.data(), changes)
def test_the_next_window_is_the_first_later_one_at_the_same_time_of_day(data, change) -> None:
    zone, around = change
    window = data.draw(windows(around))
    found = next_day(window, zone)
    assert found.expiry == window.expiry
    assert found.leftover == window.leftover
    local = to_local(window.start, zone)
    starts = [to_utc(local + days * DAY, zone) for days in range(1, 9)]
    assert window.finish is not None
    assert found.start == next(start for start in starts if start >= window.finish)
    assert found.finish is not None
    assert found.finish > found.start


def test_the_next_window_keeps_the_clock_and_the_expiry() -> None:
    window = Window(
        utc(2026, 10, 24, 8),
        utc(2026, 10, 24, 16),
        utc(2026, 10, 30),
        (Interval(utc(2026, 10, 24, 11), utc(2026, 10, 24, 12)),),
        "next_window",
    )
    assert next_day(window, "Europe/London") == Window(
        utc(2026, 10, 25, 9),
        utc(2026, 10, 25, 17),
        utc(2026, 10, 30),
        (Interval(utc(2026, 10, 25, 12), utc(2026, 10, 25, 13)),),
        "next_window",
    )


def test_a_window_of_days_has_its_next_one_after_its_finish() -> None:
    start = utc(2026, 11, 2, 9)
    for length, days in (
        (timedelta(hours=24), 1),
        (timedelta(hours=24, minutes=1), 2),
        (timedelta(hours=60), 3),
    ):
        window = Window(start, start + length)
        assert next_day(window, "UTC") == Window(start + days * DAY, start + days * DAY + length)


def test_a_gap_moves_one_day_only_when_counted_from_the_first_window() -> None:
    """A window at 01:30 starts at 02:00 where 01:30 does not exist, and at 01:30 again after."""
    zone = "Europe/London"
    window = Window(utc(2027, 3, 27, 1, 30), utc(2027, 3, 27, 2, 30), leftover="next_window")
    second = next_day(window, zone)
    assert (second.start, second.finish) == (utc(2027, 3, 28, 1), utc(2027, 3, 28, 1, 30))
    third = next_day(window, zone, second.finish)
    assert (third.start, third.finish) == (utc(2027, 3, 29, 0, 30), utc(2027, 3, 29, 1, 30))


def test_after_a_long_time_the_next_window_is_still_found_at_once() -> None:
    window = Window(utc(2026, 11, 2, 9), utc(2026, 11, 2, 10))
    found = next_day(window, "Europe/London", utc(2090, 7, 1, 12))
    assert found.start == utc(2090, 7, 2, 8)


def test_a_window_without_a_finish_goes_on_tomorrow() -> None:
    window = Window(utc(2026, 11, 2, 9), expiry=utc(2026, 11, 9))
    assert next_day(window, "UTC") == Window(utc(2026, 11, 3, 9), expiry=utc(2026, 11, 9))
