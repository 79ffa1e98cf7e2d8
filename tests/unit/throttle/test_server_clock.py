"""What the server's clock showed, in terms of the local one: never early, and soon exact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.throttle.gcra import SECOND_US
from worker.throttle.server_clock import DRIFT, ServerClock

#: The way there, the way back, and the time until the next question, in seconds.
ways = st.tuples(st.floats(0, 2), st.floats(0, 2), st.floats(0, 60))
OFFSET = 1_900_000_000.0


def shown(local: float, offset: float = OFFSET) -> int:
    return round((local + offset) * SECOND_US)


@given(st.lists(ways, min_size=1, max_size=30), st.floats(-1, 1))
def test_a_moment_is_never_early_and_never_after_the_answer(
    history: list[tuple[float, float, float]], drifting: float
) -> None:
    """However the two clocks drift within what is allowed for."""
    clock, asked, offset = ServerClock(), 1000.0, OFFSET
    for there, back, pause in history:
        read, answered = asked + there, asked + there + back
        found = clock.learn(shown(read, offset), asked, answered)
        assert read - 1e-5 <= found <= answered + 1e-5
        offset += drifting * DRIFT / 2 * (answered + pause - read)
        asked = answered + pause


@given(st.lists(ways, max_size=20))
def test_one_quick_answer_makes_the_slow_ones_exact(
    slow: list[tuple[float, float, float]],
) -> None:
    clock, asked = ServerClock(), 1000.0
    clock.learn(shown(asked + 0.0001), asked, asked + 0.0002)
    since = asked
    for there, back, pause in slow:
        read, answered = asked + there, asked + there + back
        found = clock.learn(shown(read), asked, answered)
        assert found - read <= 0.0002 + (answered - since) * DRIFT + 1e-5
        asked = answered + pause


@pytest.mark.parametrize("step", [-3600.0, -0.5, 0.5, 3600.0])
def test_a_clock_that_was_set_is_learnt_anew(step: float) -> None:
    clock = ServerClock()
    clock.learn(shown(1000.001), 1000.0, 1000.002)
    assert clock.learn(shown(1001.001 + step), 1001.0, 1001.002) == pytest.approx(1001.002)
    assert clock.learn(shown(1002.4 + step), 1002.0, 1002.9) == pytest.approx(1002.4, abs=0.003)
