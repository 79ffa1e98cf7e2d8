"""How many messages of a run are due in this tick.

A throttled run follows a straight line from "everything left" to "nothing left" at its finish,
drawn over active time only. The line is remembered as the number that should be left at one
moment, so that fractions are carried from tick to tick. Whenever the run falls behind the line by
a message or more (no share, an outage, a pause by hand), the line is drawn again from where the
run stands: what was missed is spread over the time that is left, and never flooded out.

Pure: takes ``now``, does no I/O. Counts are messages, times are UTC.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.schedule.windows import Interval, active_seconds

#: What a tick plans for. A tick runs once per quantum.
QUANTUM = timedelta(seconds=1)

#: A gate closes this much before the boundary that it guards, because a request that was granted
#: still takes its time to arrive.
GUARD = timedelta(seconds=0.3)

#: The last stretch before a boundary is planned as one with what comes before it: work cut so late
#: could not be sent any more.
TAIL = timedelta(seconds=0.6)

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Line:
    """``remaining`` messages should be left uncut at ``until``."""

    remaining: float
    until: datetime


def horizon(intervals: Sequence[Interval], now: datetime) -> datetime:
    """The end of what a tick at ``now`` plans: one quantum, or up to a boundary that is near."""
    end = now + QUANTUM
    for interval in intervals:
        if interval.start < end < interval.end and interval.end - end < GUARD + TAIL:
            return interval.end
    return end


def due(
    line: Line | None, remaining: int, intervals: Sequence[Interval], now: datetime
) -> tuple[int, Line]:
    """How many of ``remaining`` to hand out now, and the line to remember.

    ``intervals`` is the active time up to the finish, sorted and disjoint. Without any active time
    left after ``now`` everything is due: whoever asks then is after the finish.
    """
    end = horizon(intervals, now)
    last = intervals[-1].end if intervals else now
    ideal = float(remaining)
    start = now
    if line is not None:
        if remaining - line.remaining < 1 - _ROUNDING:
            ideal = min(line.remaining, ideal)
        if line.until >= now - QUANTUM:
            # A tick that came early or late charges exactly the time that none has charged yet.
            start = line.until
    before = active_seconds(intervals, start, last)
    after = active_seconds(intervals, max(end, start), last)
    target = ideal * after / before if before > 0 else 0.0
    count = max(0, remaining - math.ceil(target - _ROUNDING))
    return count, Line(target, max(end, start))
