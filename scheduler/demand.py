"""What each run wants to hand out in this tick, before anybody's share is looked at.

The window and the calendars say whether, the pacing line how much, and the campaign's own rate and
warm-up how much at most. Pure: takes ``now``, does no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from campaigns.schedule.windows import Interval
from scheduler import pacing
from scheduler.allocation import LANES_CAPPED, max_min
from scheduler.model import Lane, LaneKey, Run, Slice
from scheduler.pacing import GUARD, QUANTUM, Line, Meter, RampState

Waiting = Mapping[LaneKey, Sequence[Slice]]

#: Sends are spread up to this long before the gate closes.
MARGIN = GUARD / 2


@dataclass(frozen=True, slots=True)
class LaneDemand:
    """What one lane wants now, and the gate behind which its claims are granted."""

    lane: Lane
    #: Messages that were never tried.
    paced: int
    #: Messages to be tried again.
    retries: int
    gate: Interval | None
    line: Line | None
    spread: Interval

    @property
    def amount(self) -> int:
        return self.paced + self.retries


@dataclass(frozen=True, slots=True)
class Demand:
    """What one run wants now, lane by lane, and what its own rate and warm-up remember."""

    run: Run
    lanes: tuple[LaneDemand, ...]
    meter: Meter | None
    ramped: RampState | None

    @property
    def amount(self) -> int:
        return sum(lane.amount for lane in self.lanes)


def demand(run: Run, waiting: Waiting, now: datetime, *, tick: int = 0) -> Demand:
    """What ``run`` wants now."""
    evenly = run.evenly and not _is_behind(run, now)
    lanes = [_of_lane(run, lane, _retries(waiting, lane), now, evenly) for lane in run.lanes]
    ramped = run.ramped
    if run.ramp is not None:
        handed_out = sum(lane.handed_out for lane in run.lanes)
        left, ramped = pacing.ramped(run.ramp, run.ramped, handed_out, run.starts_at, now)
        lanes = _capped(lanes, left, tick, with_retries=False)
    meter = run.meter
    if run.per_second is not None and any(lane.amount for lane in lanes):
        active = next(lane.lane.active for lane in lanes if lane.amount)
        left, meter, spread = pacing.metered(run.meter, run.per_second, active, now)
        binding = sum(lane.amount for lane in lanes) > left
        lanes = _capped(lanes, left, tick, with_retries=True)
        lanes = [_within(lane, spread, binding=binding) for lane in lanes]
    return Demand(run, tuple(lanes), meter, ramped)


def _is_behind(run: Run, now: datetime) -> bool:
    """Whether the lines are steeper than the run's own rate, which is then what paces it.

    Whole messages of a line and of a meter would meet less often than either comes.
    """
    if run.per_second is None or run.finish is None:
        return False
    needed = 0.0
    for lane in run.lanes:
        if seconds := lane.paced.seconds(now, run.finish):
            needed += lane.remaining / seconds
    return needed > run.per_second


def _of_lane(run: Run, lane: Lane, retries: int, now: datetime, evenly: bool) -> LaneDemand:
    nothing = LaneDemand(lane, 0, 0, None, lane.line, Interval(now, now))
    current = lane.active.at(now) or lane.active.following(now)
    if current is None:
        return nothing
    gate = Interval(current.start, max(current.end - GUARD, current.start))
    if run.paused or current.start >= now + QUANTUM:
        return replace(nothing, gate=gate)
    start = max(now, current.start)
    if start >= gate.end:
        # What is handed out so late could only be handed back.
        return replace(nothing, gate=gate)
    if not evenly or run.finish is None or current.start >= run.finish:
        return LaneDemand(lane, lane.remaining, retries, gate, None, Interval(start, start))
    amount, line = pacing.due(lane.line, lane.remaining, lane.paced, now)
    end = max(start, min(pacing.horizon(lane.paced, now), gate.end - MARGIN))
    return LaneDemand(lane, amount, retries, gate, line, Interval(start, end))


def _retries(waiting: Waiting, lane: Lane) -> int:
    return sum(piece.messages for piece in waiting.get(lane.key, ()) if piece.kind == "retry")


def _capped(
    lanes: Sequence[LaneDemand], left: int, tick: int, *, with_retries: bool
) -> list[LaneDemand]:
    """The demands cut down to ``left`` messages in all, retries before the others."""
    room = max(left, 0)
    if sum(lane.paced + lane.retries * with_retries for lane in lanes) <= room:
        return list(lanes)
    again = [lane.retries for lane in lanes]
    if with_retries:
        again = _shared(again, room, tick)
        room -= sum(again)
    paced = _shared([lane.paced for lane in lanes], room, tick)
    return [
        replace(lane, paced=count, retries=retries)
        for lane, count, retries in zip(lanes, paced, again, strict=True)
    ]


def _shared(wanted: Sequence[int], room: int, tick: int) -> list[int]:
    """What each lane gets of ``room``; nearly every run has only one."""
    if len(wanted) == 1:
        return [min(wanted[0], room)]
    shares = max_min(dict(enumerate(wanted)), room, rotation=tick, stage=LANES_CAPPED)
    return [shares[n] for n in range(len(wanted))]


def _within(lane: LaneDemand, spread: Interval, *, binding: bool) -> LaneDemand:
    """Spread as the campaign's own rate has it, where that binds or the line spreads nothing."""
    if lane.gate is None or not lane.amount:
        return lane
    if not (binding or lane.spread.start == lane.spread.end):
        return lane
    start = max(lane.gate.start, spread.start)
    if start >= lane.gate.end:
        return replace(lane, paced=0, retries=0)
    end = max(start, min(spread.end, lane.gate.end - MARGIN))
    return replace(lane, spread=Interval(start, end))
