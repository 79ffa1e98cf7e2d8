"""Which message of a chunk leaves when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.departures import Departure, departures, lapsed
from worker.throttle.base import Permits


def block(count: int, interval: float = 1.0) -> Permits:
    return Permits(start=10.0, interval=interval, count=count, tolerance=0.5)


def test_units_are_used_in_order_and_a_dear_message_does_not_hold_up_the_others() -> None:
    found = departures(block(5), [2, 4, 3], latest=100.0)
    assert found == [Departure(10.0, 10.5), None, Departure(12.0, 12.5)]


def test_nothing_leaves_after_the_latest_moment() -> None:
    found = departures(block(5), [1, 1, 1], latest=11.2)
    assert found == [Departure(10.0, 10.5), Departure(11.0, 11.2), None]


def test_units_whose_moment_has_passed_are_left_out() -> None:
    """A message that took one would find it too late, and be claimed in vain."""
    found = departures(block(4), [1, 1, 1, 1], latest=100.0, now=11.6)
    assert found == [Departure(12.0, 12.5), Departure(13.0, 13.5), None, None]


def test_a_unit_lapses_when_its_tolerance_has_passed() -> None:
    assert [lapsed(block(3), now) for now in (0.0, 10.5, 10.6, 11.6, 99.0)] == [0, 0, 1, 2, 3]
    assert lapsed(block(3, interval=0.0), 99.0) == 0


def test_where_nothing_limits_all_leave_at_once() -> None:
    assert departures(block(2, interval=0.0), [1, 1], latest=10.2) == [Departure(10.0, 10.2)] * 2


@given(st.integers(1, 30), st.lists(st.integers(1, 8), max_size=30))
def test_no_more_units_are_used_than_were_leased(count: int, costs: list[int]) -> None:
    found = departures(block(count), costs, latest=1000.0)
    used = sum(cost for cost, departure in zip(costs, found, strict=True) if departure)
    assert used <= count
    # What was left behind would not have fitted.
    assert all(
        departure or cost > count - used for cost, departure in zip(costs, found, strict=True)
    )
