"""The clock that processes use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC

import pytest
import uvloop

from campaigns.clock import SystemClock, sleep_until
from tests.support.clock import FakeClock

Loop = Callable[[], asyncio.AbstractEventLoop]


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_sleeper_never_wakes_early(loop: Loop) -> None:
    """Not even where the loop's timers count whole milliseconds."""

    async def early_by(seconds: float) -> float:
        clock = SystemClock()
        start = time.monotonic()
        await clock.sleep(seconds)
        return seconds - (time.monotonic() - start)

    async def several() -> list[float]:
        return [await early_by(0.0001 * tenths) for tenths in range(25)]

    with asyncio.Runner(loop_factory=loop) as runner:
        assert max(runner.run(several())) <= 0


def test_now_is_aware_and_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_waiting_for_a_moment_ends_at_it_and_never_turns_back() -> None:
    clock = FakeClock()
    goal = clock.monotonic() + 2.5
    asyncio.run(sleep_until(clock, goal))
    assert clock.monotonic() == goal
    asyncio.run(sleep_until(clock, goal - 10))
    assert clock.monotonic() == goal
