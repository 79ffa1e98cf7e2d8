"""What the first word of a message is."""

from __future__ import annotations

import pytest

from campaigns.audience.keywords import STOP_WORDS, first_word


@pytest.mark.parametrize(
    "text",
    ["STOP", "stop", " Stop.", "stop please", "STÓP", "“Stop!”", "\nstop\n", "ＳＴＯＰ",
     "Stop-now", "sto\u0301p"],
)  # fmt: skip
def test_a_stop_is_understood_however_it_is_typed(text):
    assert first_word(text) == "stop"
    assert first_word(text) in STOP_WORDS


@pytest.mark.parametrize("text", ["Please stop", "stopping", "nonstop", "1 stop", "s t o p"])
def test_only_the_first_word_counts_and_only_whole(text):
    assert first_word(text) not in STOP_WORDS


@pytest.mark.parametrize("text", ["", "   ", "!?", "👍", "_"])
def test_a_message_without_a_word_has_none(text):
    assert first_word(text) is None


def test_a_long_message_costs_nothing():
    assert first_word("x" * 1_000_000) is not None
