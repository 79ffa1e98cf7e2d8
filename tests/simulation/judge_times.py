"""Judges of time: nothing leaves when it must not.

Hours, quiet hours and holidays are read off clocks on walls, independently of
:mod:`campaigns.schedule`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from campaigns.schedule.shifting import shifted
from campaigns.schedule.windows import Interval, Window
from tests.simulation.evidence import in_hours, on_wall, said_at
from tests.simulation.ledger import Row
from tests.simulation.workers import LEAVES_LATE, LONGEST_WAY, Departure
from tests.simulation.world import World
from worker.chunk import LATEST_END

#: What was granted just before somebody changed their mind leaves this much later at the latest.
UNDER_WAY = timedelta(seconds=LATEST_END + LEAVES_LATE) + LONGEST_WAY


def nothing_leaves_when_it_must_not(world: World) -> Iterator[str]:
    """Invariant 7: before the start, in a pause, outside of hours, after the end, once stopped."""
    for departure in world.departures:
        run = world.ledger.runs[departure.run_id]
        history = world.history[run["campaign_id"]]
        said = said_at(history, departure.at)
        fault = next(_faults(world, run, said, departure), None)
        before = said_at(history, departure.arrives - UNDER_WAY)
        if fault and (before is said or any(_faults(world, run, before, departure))):
            yield f"{departure}: {fault}"


def _faults(world: World, run: Row, said: Row, departure: Departure) -> Iterator[str]:
    if said["manually_paused"] or said["status"] == "stopped":
        yield "it was held by hand"
    for at in (departure.at, departure.arrives):
        yield from _faults_at(world, run, said, departure, at)


def _faults_at(
    world: World, run: Row, said: Row, departure: Departure, at: datetime
) -> Iterator[str]:
    window_at = next(begin for since, begin in reversed(world.windows[run["id"]]) if since <= at)
    window = _window(said, window_at)
    if at < max(run["starts_at"], window.start):
        yield f"before the start at {max(run['starts_at'], window.start)}"
    if window.finish is not None and at >= window.finish and said["leftover"] != "continue":
        yield f"after the finish at {window.finish}, and leftover is {said['leftover']}"
    expiry = _window(said, run["occurrence"]).expiry
    if expiry is not None and at >= expiry:
        yield f"after the expiry at {expiry}"
    if any(at in pause for pause in window.pauses):
        yield "in a pause"
    lanes = world.ledger.lanes[run["id"]]
    zone = next(lane["timezone"] for lane in lanes if lane["lo"] <= departure.seq < lane["hi"])
    for calendar in (said, world.ledger.teams[said["team_id"]]):
        yield from _closed(calendar, on_wall(at, zone or calendar["timezone"]))


def _window(said: Row, at: datetime) -> Window:
    pauses = tuple(Interval(*pause) for pause in said["pauses"])
    given = Window(
        said["scheduled_send_date"], said["scheduled_finish_date"], said["expiry_date"], pauses
    )
    return shifted(given, said["timezone"], at)


def _closed(calendar: Row, wall: datetime) -> Iterator[str]:
    if wall.date() in calendar["holidays"]:
        yield f"on a holiday, at {wall}"
    if calendar["sending_hours"] and not in_hours(calendar["sending_hours"], wall):
        yield f"outside of the sending hours, at {wall}"
    if calendar["quiet_hours"] and in_hours(calendar["quiet_hours"], wall):
        yield f"in quiet hours, at {wall}"


def windows_follow_each_other(world: World) -> Iterator[str]:
    """What waits for the next window goes on in a later one: of the next occurrence, or on a later
    day at the same time on the clock."""
    for run_id, moves in world.windows.items():
        run = world.ledger.runs[run_id]
        said = world.ledger.campaigns[run["campaign_id"]]
        occurrences = set(world.occurrences_of(said))
        begins = [begin for _, begin in moves]
        for begin in begins:
            wall, first = (on_wall(m, said["timezone"]) for m in (begin, run["occurrence"]))
            if said["schedule_rrule"]:
                is_right = begin in occurrences
            else:
                # A start in a gap is at its end.
                is_right = timedelta(0) <= _of_day(wall) - _of_day(first) <= timedelta(hours=2)
            if not is_right or begin < run["occurrence"]:
                yield f"run {run_id}: no window begins at {begin}"


def _of_day(wall: datetime) -> timedelta:
    return wall - wall.replace(hour=0, minute=0, second=0, microsecond=0)
