"""Requests per token, and failures per address: a bucket each."""

from __future__ import annotations

from web import limits
from web.limits import Limits


def test_burst_passes_and_then_the_rate() -> None:
    bucket = Limits(2.0, burst=3.0)
    passed = [bucket.wait("a", 100.0) for _ in range(7)]
    assert passed[:6] == [0.0] * 6
    assert passed[6] == 0.5
    assert bucket.wait("a", 100.5) == 0.0
    assert bucket.wait("b", 100.0) == 0.0, "each has a bucket of its own"


def test_looking_ahead_counts_nothing() -> None:
    bucket = Limits(1.0, burst=1.0)
    assert [bucket.ahead("a", 5.0) for _ in range(9)] == [0.0] * 9
    assert bucket.wait("a", 5.0) == 0.0
    assert bucket.ahead("a", 5.25) == 0.75
    assert bucket.ahead("a", 6.0) == 0.0


def test_whoever_was_quiet_longest_is_forgotten() -> None:
    bucket = Limits(1.0, burst=1.0)
    bucket.wait("first", 0.0)
    for number in range(limits.MOST_KNOWN):
        bucket.wait(number, 0.0)
    assert bucket.ahead("first", 0.0) == 0.0
    assert bucket.ahead(limits.MOST_KNOWN - 1, 0.0) == 1.0
