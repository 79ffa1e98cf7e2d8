"""How many messages of a run are due in this tick: by its window, its own rate and its warm-up.

A throttled run follows a straight line from "everything left" to "nothing left" at its finish,
drawn over active time only. The line is remembered as the number that should be left at one
moment, so that fractions are carried from tick to tick. Whenever the run falls behind the line by
a message or more (no share, an outage, a pause by hand), the line is drawn again from where the
run stands: what was missed is spread over the time that is left, and never flooded out.

A campaign's own rate is metered: active time earns an allowance, which never adds up to more than
one message beyond what is being planned. What an outage missed is lost, as in GCRA (ITU-T I.371).

What a warm-up (campaigns/schedule/warm_up.py) allows is asked for beside it.

Pure: takes ``now``, does no I/O. Counts are messages, times are UTC.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.schedule.active import ActiveTime
from campaigns.schedule.warm_up import MAX_ALLOWANCE as MAX_ALLOWANCE
from campaigns.schedule.warm_up import Ramp as Ramp
from campaigns.schedule.warm_up import RampState as RampState
from campaigns.schedule.warm_up import allowance as allowance
from campaigns.schedule.warm_up import day_of as day_of
from campaigns.schedule.warm_up import ramped as ramped
from campaigns.schedule.windows import Interval

#: What a tick plans for. A tick runs once per quantum.
QUANTUM = timedelta(seconds=1)

#: A gate closes this much before the boundary that it guards, because a request that was granted
#: still takes its time to arrive.
GUARD = timedelta(seconds=0.3)

#: The last stretch before a boundary is planned as one with what comes before it: work cut so late
#: could not be sent any more.
TAIL = timedelta(seconds=0.6)

#: A meter is read this much further than to the end of the quantum. A tick that comes late by less
#: finds no time that was not planned for, which could only be lost.
LOOKAHEAD = timedelta(seconds=0.3)

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Line:
    """``remaining`` messages should be left uncut at ``until``."""

    remaining: float
    until: datetime


@dataclass(frozen=True, slots=True)
class Meter:
    """``credit`` messages may still be handed out of what was earned up to ``until``."""

    credit: float
    until: datetime


def horizon(active: ActiveTime, now: datetime, span: timedelta = QUANTUM) -> datetime:
    """The end of what a tick at ``now`` plans: ``span``, or up to a boundary that is near."""
    end = now + span
    interval = active.at(end)
    if interval is not None and interval.start < end and interval.end - end < GUARD + TAIL:
        return interval.end
    return end


def due(line: Line | None, remaining: int, active: ActiveTime, now: datetime) -> tuple[int, Line]:
    """How many of ``remaining`` to hand out now, and the line to remember.

    ``active`` is the active time up to the finish. Without any of it left after ``now`` everything
    is due: whoever asks then is after the finish.
    """
    end = horizon(active, now)
    last = active.intervals[-1].end if active else now
    ideal = float(remaining)
    start = now
    goes_on = False
    if line is not None:
        goes_on = remaining - line.remaining < 1 - _ROUNDING
        if goes_on:
            ideal = min(line.remaining, ideal)
        if line.until >= now - QUANTUM or _on_line(line, remaining, active, now - QUANTUM, last):
            # A tick that came early or late charges exactly the time that none has charged yet.
            start = line.until
        else:
            goes_on = False
    before = active.seconds(start, last)
    after = active.seconds(max(end, start), last)
    target = ideal * after / before if before > 0 else 0.0
    count = max(0, remaining - math.ceil(target - _ROUNDING))
    if count == 0 and goes_on and line is not None:
        # A thousand slow runs need no thousand writes. A line that was drawn anew does not go on:
        # without being remembered it would begin now in every tick, and never come to anything.
        return 0, line
    return count, Line(target, max(end, start))


def _on_line(
    line: Line, remaining: int, active: ActiveTime, moment: datetime, last: datetime
) -> bool:
    """Whether at ``moment`` less than a message was due of a line that was drawn before.

    A line need not be remembered anew by ticks that hand out nothing.
    """
    whole = active.seconds(line.until, last)
    if whole <= 0:
        return False
    ideal = line.remaining * active.seconds(moment, last) / whole
    return remaining - ideal < 1


def metered(
    meter: Meter | None, per_second: float, active: ActiveTime, now: datetime
) -> tuple[int, Meter, Interval]:
    """How many messages a rate of ``per_second`` allows now, and where they are to be sent.

    The meter returned is the one before anything is handed out; :func:`spent` gives the one to
    remember. All that is handed out belongs into the interval, which overlaps that of no other
    tick: over any number of ticks never more than the rate allows, plus one. It ends with the
    present stretch of active time at the latest.
    """
    if meter is None:
        meter = Meter(1.0, now)
    start = max(now, meter.until)
    # What lies between two plans earns no more than one message: there is no catching up.
    credit = min(meter.credit + per_second * active.seconds(meter.until, start), 1.0)
    current = active.at(start) or active.following(start)
    if current is None:
        return 0, Meter(credit, start), Interval(start, start)
    opens = max(start, current.start)
    end = min(horizon(active, now, QUANTUM + LOOKAHEAD), current.end)
    if end <= opens:
        return 0, Meter(credit, start), Interval(opens, opens)
    earned = Meter(credit + per_second * active.seconds(opens, end), end)
    return math.floor(earned.credit + _ROUNDING), earned, Interval(opens, end)


def spent(meter: Meter, granted: int) -> Meter:
    """The meter after ``granted`` messages; what is left beyond one is lost."""
    return Meter(min(meter.credit - granted, 1.0), meter.until)
