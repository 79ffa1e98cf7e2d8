"""What each day since the start of a run may bring: its warm-up.

Ticks hand out by it, and the status of a run tells by it why nothing leaves and when it goes on.

Pure: takes ``now``, does no I/O. Counts are messages, times are UTC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

#: Warm-up grows the days' allowances without end; this is as good as none.
MAX_ALLOWANCE = 10**9

_ROUNDING = 1e-6
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ramp:
    """``first_day`` messages in the first 24 hours, and ``factor`` times as many in each next."""

    first_day: int
    factor: float


@dataclass(frozen=True, slots=True)
class RampState:
    """On day ``day`` (counted from 0), ``base`` messages had been handed out before."""

    day: int
    base: int


def ramp_of(warm_up: Mapping[str, Any] | None) -> Ramp | None:
    """The warm-up of a campaign, as its field has it."""
    return None if warm_up is None else Ramp(warm_up["first_day"], warm_up["factor"])


def day_of(started: datetime, now: datetime) -> int:
    """Whole days of 24 hours since ``started``."""
    return max((now - started) // _DAY, 0)


def allowance(ramp: Ramp, day: int) -> int:
    """Messages that day ``day`` (counted from 0) may bring, rounded down."""
    if ramp.first_day <= 0 or (ramp.factor <= 0 and day > 0):
        return 0
    # In logarithms nothing overflows.
    growth = day * math.log(ramp.factor) if day > 0 else 0.0
    if math.log(ramp.first_day) + growth >= math.log(MAX_ALLOWANCE):
        return MAX_ALLOWANCE
    return math.floor(ramp.first_day * ramp.factor**day + _ROUNDING)


def ramped(
    ramp: Ramp, state: RampState | None, handed_out: int, started: datetime, now: datetime
) -> tuple[int, RampState]:
    """How many messages this day may still bring, and the state to remember.

    ``handed_out`` counts the run's messages that were handed out and did not come back untried.
    What came back of an earlier day's is charged to the day on which it is handed out again.
    """
    day = day_of(started, now)
    if state is None or state.day < day:
        state = RampState(day, handed_out)
    elif handed_out < state.base:
        state = RampState(state.day, handed_out)
    return max(allowance(ramp, state.day) - (handed_out - state.base), 0), state


def next_day(started: datetime, now: datetime) -> datetime:
    """When the next allowance begins."""
    return started + (day_of(started, now) + 1) * _DAY
