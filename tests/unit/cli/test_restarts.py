"""When a process that ended is started again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.restarts import Backoff, Restarts


def pauses(*lives: float) -> list[float | None]:
    """The pause after each life, one following on the other."""
    restarts, now, found = Restarts(Backoff()), 0.0, []
    for ran in lives:
        now += ran
        pause = restarts.ended(now, ran=ran)
        found.append(pause)
        now += pause or 0.0
    return found


def test_what_ends_at_once_five_times_within_a_minute_is_given_up() -> None:
    assert pauses(0, 0, 0, 0, 0) == [1, 2, 4, 8, None]


def test_the_pause_doubles_up_to_half_a_minute() -> None:
    assert pauses(*[20.0] * 8) == [1, 2, 4, 8, 16, 30, 30, 30]


def test_who_ran_for_a_minute_begins_anew() -> None:
    assert pauses(20, 20, 60, 20) == [1, 2, 1, 2]


@pytest.mark.parametrize(("last", "given_up"), [(60.0, True), (60.1, False)])
def test_five_ends_in_more_than_a_minute_are_no_reason_to_give_up(
    last: float, given_up: bool
) -> None:
    restarts = Restarts(Backoff())
    for moment in (0.0, 1.0, 2.0, 3.0):
        assert restarts.ended(moment, ran=0.0) is not None
    assert (restarts.ended(last, ran=0.0) is None) is given_up


def test_what_was_well_for_a_minute_once_is_never_given_up() -> None:
    """A message that kills its worker is found by its deaths, of which there may be ten."""
    assert None not in pauses(60, *[0.0] * 20)


@given(st.lists(st.floats(0, 200), max_size=30))
def test_nobody_waits_longer_than_the_longest_pause(lives: list[float]) -> None:
    assert all(pause is None or 1 <= pause <= 30 for pause in pauses(*lives))
