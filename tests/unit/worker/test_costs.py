"""Guessing what messages cost before they are rendered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.costs import REMEMBERED, Estimate, Stragglers

guesses = st.floats(1, 10)
histories = st.lists(st.integers(1, 10), max_size=50)


@given(guesses, histories, st.integers(1, 500))
def test_units_asked_for_messages_suffice_for_them(
    guess: float, costs: list[int], messages: int
) -> None:
    estimate = Estimate(guess)
    estimate.learn(costs)
    assert estimate.messages(estimate.units(messages)) >= messages
    assert estimate.units(messages) >= messages


@given(guesses, histories)
def test_one_message_is_claimed_however_few_units_there_are(guess: float, costs: list[int]) -> None:
    estimate = Estimate(guess)
    estimate.learn(costs)
    assert estimate.messages(1) >= 1


def test_the_guess_gives_way_to_what_messages_cost() -> None:
    estimate = Estimate(1.0)
    estimate.learn([3] * 99)
    assert estimate.mean == pytest.approx(2.98)


def test_a_straggler_is_reckoned_with_until_one_as_dear_was_sent() -> None:
    stragglers = Stragglers()
    stragglers.note(1, 5, now=0.0)
    stragglers.note(1, 3, now=1.0)
    assert stragglers.needed([1, 2], now=2.0) == 5
    stragglers.sent(1, 4)
    stragglers.sent(2, 9)
    assert stragglers.needed([1], now=2.0) == 5
    stragglers.sent(1, 5)
    assert stragglers.needed([1], now=2.0) == 1


def test_a_straggler_that_another_process_sent_is_forgotten() -> None:
    stragglers = Stragglers()
    stragglers.note(1, 5, now=0.0)
    assert stragglers.needed([1], now=REMEMBERED) == 1
