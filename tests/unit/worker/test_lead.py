"""How much earlier to begin, by how long it took lately."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.lead import Lead

times = st.lists(st.floats(0, 2), max_size=50)


@given(times, st.floats(0, 0.1))
def test_a_long_time_counts_at_once(before: list[float], seconds: float) -> None:
    lead = Lead(0.1)
    for each in before:
        lead.learn(each)
    lead.learn(seconds)
    assert seconds <= lead.seconds <= 0.1


@given(times)
def test_it_lies_within_what_was_seen_and_the_most(before: list[float]) -> None:
    lead = Lead(0.1)
    for each in before:
        lead.learn(each)
    assert lead.seconds <= min(max(before, default=0.0), 0.1)


def test_a_long_time_is_forgotten_slowly() -> None:
    lead = Lead(0.1)
    lead.learn(0.1)
    lead.learn(0.0)
    assert 0.09 < lead.seconds < 0.1
    for _ in range(100):
        lead.learn(0.001)
    assert lead.seconds < 0.002
