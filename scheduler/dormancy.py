"""For how long a run that wants nothing goes on wanting nothing.

Of a thousand slow runs few want anything in one tick. Which of them could is told in advance, so
that a tick does not ask all the others again.

Pure: takes ``now``, does no I/O.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from campaigns.schedule.windows import FOREVER
from scheduler.demand import Demand
from scheduler.model import Lane, Run
from scheduler.pacing import GUARD, LOOKAHEAD, QUANTUM, TAIL, Line

#: Nothing is taken for granted for longer than this: clocks can be set.
LONGEST = timedelta(minutes=1)

#: How far ahead a tick plans, with something for what is rounded; near to a boundary it plans up
#: to that.
_AHEAD = QUANTUM + LOOKAHEAD + timedelta(seconds=0.01)
_NEAR = _AHEAD + GUARD + TAIL

#: More seconds than count, for what a date could not hold.
_LONG = 1e6


def dormant_until(wanted: Demand, now: datetime) -> datetime | None:
    """A moment before which the run of ``wanted`` wants nothing and remembers nothing new, as long
    as nothing about it is changed; ``None``: it has to be asked again in the next tick.

    To be asked of a demand that is empty, and that leaves the run as it was.
    """
    run = wanted.run
    if run.ramp is not None or (run.per_second is not None and run.finish is not None):
        return None
    wake = now + LONGEST
    for lane in wanted.lanes:
        if lane.retries or lane.lane.returned:
            return None
        wake = min(wake, _boundary(lane.lane, now), _next_due(run, lane.lane))
    return wake if wake > now + QUANTUM else None


def _boundary(lane: Lane, now: datetime) -> datetime:
    """When its gate moves, or comes so near that work is handed out behind it."""
    if (current := lane.active.at(now)) is not None:
        return current.end - _NEAR
    coming = lane.active.following(now)
    return FOREVER if coming is None else coming.start - QUANTUM


def _next_due(run: Run, lane: Lane) -> datetime:
    """A moment before which no message of an open lane is due."""
    if not lane.remaining or run.paused:
        return FOREVER
    if run.per_second is not None and run.meter is not None:
        return _later(run.meter.until, (1 - run.meter.credit) / run.per_second)
    # Whoever has neither meter nor line wants everything, unless its gate is closed.
    return FOREVER if lane.line is None else _by_line(lane.line, lane)


def _by_line(line: Line, lane: Lane) -> datetime:
    """When the line will have fallen by a whole message, if all time until then were active."""
    paced = lane.paced
    seconds = paced.seconds(line.until, paced.intervals[-1].end) if paced else 0.0
    ideal = min(line.remaining, float(lane.remaining))
    if seconds <= 0 or ideal <= 0:
        return line.until
    return _later(line.until, seconds * (1 - (lane.remaining - 1) / ideal))


def _later(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=min(max(seconds, 0.0), _LONG)) - _AHEAD
