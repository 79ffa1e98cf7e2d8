"""What a window will bring: nobody is lost to rounding, no ceiling is broken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from campaigns.schedule.forecast import forecast
from campaigns.schedule.windows import Interval, Window

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def counts(found) -> list[int]:
    return [part.messages for part in found.parts]


def test_a_window_is_filled_in_proportion_to_its_active_time() -> None:
    window = Window(at(0), at(40), at(100), (Interval(at(10), at(20)),))
    found = forecast(300, window, 50, NOW)
    assert counts(found) == [100, 200, 0]
    assert (found.finish, found.left, found.late) == (at(40), 0, 0)


def test_what_is_over_is_not_planned_again() -> None:
    window = Window(at(-20), at(20), at(100))
    assert counts(forecast(300, window, 50, NOW)) == [300, 0]
    assert forecast(300, window, 50, NOW).parts[0].interval == Interval(NOW, at(20))


def test_above_the_ceiling_the_rest_continues_after_the_finish() -> None:
    found = forecast(1000, Window(at(0), at(40), at(100)), 20, NOW)
    assert counts(found) == [800, 200]
    assert (found.finish, found.left, found.late) == (at(50), 0, 200)


def test_above_the_ceiling_the_rest_expires_where_the_policy_says_so() -> None:
    found = forecast(1000, Window(at(0), at(40), at(100), leftover="expire"), 20, NOW)
    assert counts(found) == [800]
    assert (found.left, found.late) == (200, 200)


def test_what_the_expiry_cuts_off_is_left() -> None:
    found = forecast(1000, Window(at(0), None, at(10)), 20, NOW)
    assert (counts(found), found.left, found.late) == ([200], 800, 0)


def test_without_a_window_it_runs_at_the_ceiling() -> None:
    assert forecast(1000, Window(at(0)), 20, NOW).finish == at(50)


def test_without_a_ceiling_nobody_can_say_when_it_ends() -> None:
    assert forecast(1000, Window(at(0)), None, NOW).finish is None


def test_an_empty_audience_is_done_at_once() -> None:
    assert forecast(0, Window(at(5)), 20, NOW).finish == at(5)


def test_the_guard_takes_room_from_each_interval() -> None:
    window = Window(at(0), at(10), at(10), (Interval(at(4), at(6)),), "expire")
    found = forecast(10_000, window, 100, NOW, guard=timedelta(seconds=0.5))
    assert counts(found) == [350, 350]


seconds = st.integers(0, 5_000)


@given(
    messages=st.integers(0, 100_000),
    finish=st.none() | st.integers(1, 3_000),
    expiry=st.none() | st.integers(3_000, 5_000),
    pauses=st.lists(st.tuples(seconds, seconds), max_size=5),
    per_second=st.none() | st.floats(0.1, 500),
    leftover=st.sampled_from(["continue", "expire"]),
    now=st.integers(-100, 5_000),
)
def test_everybody_is_in_an_interval_or_left(
    messages, finish, expiry, pauses, per_second, leftover, now
) -> None:
    window = Window(
        at(0),
        None if finish is None else at(finish),
        None if expiry is None else at(expiry),
        tuple(Interval(at(min(p)), at(max(p))) for p in pauses),
        leftover,
    )
    found = forecast(messages, window, per_second, at(now))
    assert sum(counts(found)) + found.left == messages
    assert all(part.messages >= 0 for part in found.parts)
    for part in found.parts:
        assert part.interval.start >= at(now)
        if per_second is not None and part.interval.length < timedelta(days=1):
            # Rounding along the sum may shift one message over a boundary.
            assert part.messages <= per_second * part.interval.length.total_seconds() + 1
