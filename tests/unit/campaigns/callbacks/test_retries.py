"""When attempts are repeated, and how long a receiver is left alone."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from campaigns.callbacks import retries

CHANCES = st.floats(0, 1)


def test_the_pauses_are_those_of_the_standard() -> None:
    hours = [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24]
    found = [retries.pause(attempt, 0.0) for attempt in range(1, 10)]
    assert found == [timedelta(hours=pause) for pause in hours]


def test_the_tenth_attempt_is_the_last() -> None:
    assert retries.pause(9, 1.0) is not None
    assert retries.pause(10, 0.0) is None


@given(st.integers(1, 9), CHANCES)
def test_a_pause_is_at_most_a_tenth_longer(attempt: int, chance: float) -> None:
    shortest, found = retries.pause(attempt, 0.0), retries.pause(attempt, chance)
    assert shortest is not None
    assert found is not None
    assert shortest <= found <= shortest * 1.1


@given(st.lists(CHANCES, min_size=9, max_size=9))
def test_nothing_is_given_up_for_its_age_before_its_last_attempt(chances: list[float]) -> None:
    pauses = [retries.pause(n, chance) for n, chance in enumerate(chances, 1)]
    assert sum((one for one in pauses if one), timedelta()) <= retries.LONGEST


@given(st.integers(1, 10_000))
def test_a_receiver_rests_longer_with_each_failure_and_never_for_long(failures: int) -> None:
    assert retries.FIRST_REST <= retries.rest(failures) <= retries.LONGEST_REST
    assert retries.rest(failures) <= retries.rest(failures + 1)


def test_a_rest_is_no_longer_than_the_first_pause() -> None:
    """A single failure delays nothing else by more than it delays itself."""
    assert retries.rest(1) == retries.PAUSES[0]
