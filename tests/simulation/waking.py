"""From when on a run wants something again, so that ticks in which nothing happens can be left out.

A tick at which a run wants nothing changes nothing of it, so leaving it out changes nothing either;
a test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import datetime, timedelta

from campaigns.schedule.windows import FOREVER
from scheduler import pacing
from scheduler.active_times import ActiveTimes
from scheduler.model import Lane, Run
from scheduler.pacing import QUANTUM, Line

_NEAR = timedelta(milliseconds=5)
_MOMENT = timedelta(microseconds=1)
_ROUNDING = 1e-6

#: A meter is read a little ahead: ticks so long before the one that is due bring it up to date.
_BEFORE_METER = 3 * QUANTUM


class AllTimes(ActiveTimes):
    """The scheduler's cache of active times. A tick sees only the runs that are awake, so nothing
    is forgotten."""

    def keep(self, run_ids: Container[int]) -> None:
        """See :meth:`scheduler.active_times.ActiveTimes.keep`."""


def wake_at(run: Run, retries: dict[int, int], now: datetime) -> datetime:
    """The first moment after ``now`` at which the tick may find something to do about ``run``.

    ``retries`` are the messages of each lane that are to be tried again now. What waits for later
    is not looked at.
    """
    if run.paused:
        return FOREVER
    at = min(_lane_wakes(run, lane, retries.get(lane.key.lane, 0), now) for lane in run.lanes)
    if run.ramp is not None and at < FOREVER and not any(retries.values()):
        handed_out = sum(lane.handed_out for lane in run.lanes)
        left, state = pacing.ramped(run.ramp, run.ramped, handed_out, run.starts_at, now)
        if left == 0:
            at = max(at, run.starts_at + timedelta(days=state.day + 1))
    if run.per_second is not None and run.meter is not None and at < FOREVER:
        at = max(at, _metered_at(run, run.per_second, max(at, now)) - _BEFORE_METER)
    return at


def _lane_wakes(run: Run, lane: Lane, retries: int, now: datetime) -> datetime:
    current = lane.active.at(now) or lane.active.following(now)
    if current is None or not (lane.remaining or retries):
        return FOREVER
    if current.start >= now + QUANTUM:
        return current.start - QUANTUM + _MOMENT
    if retries or not run.evenly or run.finish is None or current.start >= run.finish:
        return now
    if lane.line is None or lane.remaining - lane.line.remaining >= 1:
        return now
    return _first(_falls_behind(lane, lane.line), now, current.end)


def _falls_behind(lane: Lane, line: Line) -> Callable[[datetime], bool]:
    """Whether a tick at some moment finds the lane a message above its line.

    Not by ``pacing.due`` itself: a tick that comes much later draws the line anew.
    """
    last = lane.paced.intervals[-1].end
    whole = lane.paced.seconds(line.until, last)
    drawn_from = min(line.remaining, lane.remaining)

    def wants(at: datetime) -> bool:
        left = lane.paced.seconds(max(pacing.horizon(lane.paced, at), line.until), last)
        return drawn_from * left <= (lane.remaining - 1 + _ROUNDING) * whole

    return wants


def _metered_at(run: Run, per_second: float, now: datetime) -> datetime:
    active = next((lane.active for lane in run.lanes if lane.remaining), run.lanes[0].active)
    current = active.at(now)
    if current is None:
        return now
    return _first(
        lambda t: pacing.metered(run.meter, per_second, active, t)[0] > 0, now, current.end
    )


def _first(wants: Callable[[datetime], bool], low: datetime, high: datetime) -> datetime:
    """The first moment in ``[low, high]`` at which it wants something, or ``high``.

    It wants nothing before that, and goes on wanting from then on.
    """
    if wants(low + QUANTUM):
        return low
    span = 2 * QUANTUM
    while low + span < high and not wants(low + span):
        span *= 2
    bottom, top = low + span / 2, min(low + span, high)
    while top - bottom > _NEAR:
        middle = bottom + (top - bottom) / 2
        if wants(middle):
            top = middle
        else:
            bottom = middle
    return bottom
