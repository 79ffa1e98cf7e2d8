"""When a run may send, read once for a person: its window, its lanes, the plan and the end.

Pure but for the rows it is given; the tick keeps the same in scheduler/active_times.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from campaigns.schedule.active import ActiveTime, active_time
from campaigns.schedule.calendars import Calendar
from campaigns.schedule.flow import Pace, Turn, flow
from campaigns.schedule.stored import next_window, run_calendars, run_window
from campaigns.schedule.windows import Window, active_intervals, active_seconds

#: How far ahead of now, or of the finish, the hours of a run without an end are looked at.
AHEAD = timedelta(days=60)

#: How many windows of a run whose rest waits for the next one are foretold.
MOST_WINDOWS = 60


@dataclass(frozen=True, slots=True)
class LaneTimes:
    """One lane: its size, and when it may send."""

    total: int
    #: Neither cut nor waiting to be tried again.
    uncut: int
    active: ActiveTime
    paced: ActiveTime


@dataclass(frozen=True, slots=True)
class Timing:
    """Everything about when one run may send."""

    window: Window
    calendars: tuple[Calendar, ...]
    lanes: tuple[LaneTimes, ...]
    #: The row that the windows after this one are found by.
    _row: Mapping[str, Any]

    def planned_by(self, now: datetime) -> int | None:
        """How many the straight lines have behind them; ``None`` for a run without a finish."""
        if self.window.finish is None:
            return None
        return round(sum(_planned(lane, self.window, now) for lane in self.lanes))

    def expected_finish(
        self,
        waiting: int,
        per_second: float | None,
        *,
        evenly: bool,
        now: datetime,
        allowance: Callable[[int], int] | None = None,
    ) -> datetime | None:
        """When the last of ``waiting`` messages leaves; ``None`` if they do not all leave, or if
        nothing but the account says how fast. Each day since the start brings ``allowance``."""
        whole = sum(lane.uncut for lane in self.lanes)
        parts = [waiting * lane.uncut / whole if whole else 0.0 for lane in self.lanes]
        if not whole:
            parts[0] = waiting
        pace = Pace(evenly, per_second, allowance, began=self._row["starts_at"])
        found = flow(parts, self._turns(now), pace, now)
        if not found.pieces or sum(found.left) >= 1:
            return None
        last = found.pieces[-1]
        is_jump = last.start == last.end
        return None if is_jump and per_second is None else last.end

    def _turns(self, now: datetime) -> Iterator[Turn]:
        yield Turn(tuple(lane.active for lane in self.lanes), self.window.finish)
        window: Window | None = self.window
        for _ in range(MOST_WINDOWS if self.window.leftover == "next_window" else 0):
            window = next_window(self._row, window.start) if window else None
            if window is None:
                return
            row = {**self._row, "window_at": window.start, "finishes_at": window.finish}
            lanes = of_lanes(row, [{**lane, "hi": 0} for lane in self._row["lanes"]], now)
            yield Turn(tuple(lane.active for lane in lanes), window.finish)


def planned_by(total: int, window: Window, now: datetime) -> int | None:
    """How many of ``total`` the straight line has behind it; ``None`` for a window without finish.

    Pure. The line runs over active time from the start to the finish.
    """
    if window.finish is None:
        return None
    intervals = [i for i in active_intervals(window) if i.end <= window.finish]
    whole = active_seconds(intervals, window.start, window.finish)
    if not whole:
        return total
    return round(total * active_seconds(intervals, window.start, now) / whole)


def timing(row: Mapping[str, Any], now: datetime) -> Timing:
    """The timing of the run in ``row``, which is one of ``run_state`` in status.sql."""
    calendars = tuple(run_calendars(row, None))
    return Timing(run_window(row), calendars, of_lanes(row, row["lanes"] or (), now), row)


def of_lanes(
    row: Mapping[str, Any], lanes: Iterable[Mapping[str, Any]], now: datetime
) -> tuple[LaneTimes, ...]:
    """When each lane may send; a run that is not resolved yet is one lane."""
    window = run_window(row)
    through = now + AHEAD
    found: list[LaneTimes] = []
    for lane in lanes or ({"timezone": None, "lo": 0, "hi": 0, "next_seq": 0},):
        calendars = run_calendars(row, lane["timezone"])
        active = active_time(_bounded(window, calendars, through), calendars, through)
        paced = active.until(window.finish) if window.finish is not None else active
        total, uncut = lane["hi"] - lane["lo"], lane["hi"] - lane["next_seq"]
        found.append(LaneTimes(total, max(uncut, 0), active, paced))
    return tuple(found)


def _bounded(window: Window, calendars: Sequence[Calendar], through: datetime) -> Window:
    if window.end <= through or all(calendar.is_open_always for calendar in calendars):
        return window
    return replace(window, expiry=max(through, window.finish or through))


def _planned(lane: LaneTimes, window: Window, now: datetime) -> float:
    assert window.finish is not None
    whole = lane.paced.seconds(window.start, window.finish)
    if not whole:
        return lane.total
    return lane.total * lane.paced.seconds(window.start, now) / whole
