"""Judges of time: nothing leaves when it must not.

Hours, quiet hours, holidays and windows that move are read off clocks on walls, independently of
:mod:`campaigns.schedule`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.schedule.shifting import shifted
from campaigns.schedule.windows import Interval, Window
from tests.simulation.evidence import in_hours, on_wall, said_at
from tests.simulation.ledger import Row
from tests.simulation.processes import Departure
from tests.simulation.workers import LEAVES_LATE, LONGEST_WAY
from tests.simulation.world import World
from worker.chunk import LATEST_END

#: What was granted just before somebody changed their mind leaves this much later at the latest.
UNDER_WAY = timedelta(seconds=LATEST_END + LEAVES_LATE) + LONGEST_WAY

_HOURS = timedelta(hours=4)


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
    """The window that begins at ``at``: as the clocks of the campaign show it."""
    pauses = tuple(Interval(*pause) for pause in said["pauses"])
    given = Window(
        said["scheduled_send_date"], said["scheduled_finish_date"], said["expiry_date"], pauses
    )
    if at == given.start:
        return given
    ends = [end for end in (given.finish, given.expiry) if end is not None]
    moments = [*ends, *(moment for pause in pauses for moment in (pause.start, pause.end))]
    moved = {each: _moved(each, given.start, at, said["timezone"]) for each in moments}
    if not all(_is_plain(each, said["timezone"]) for each in (at, given.start, *moved.values())):
        # What is right where clocks change, tests of that module say.
        return shifted(given, said["timezone"], at)
    return Window(
        at,
        given.finish and moved[given.finish],
        given.expiry and moved[given.expiry],
        tuple(Interval(moved[pause.start], moved[pause.end]) for pause in pauses),
    )


def _moved(moment: datetime, start: datetime, at: datetime, zone: str) -> datetime:
    wall = on_wall(at, zone) + (on_wall(moment, zone) - on_wall(start, zone))
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _is_plain(moment: datetime, zone: str) -> bool:
    """Whether no clock changes within hours of it."""
    around = (moment - _HOURS, moment + _HOURS)
    return len({on_wall(each, zone) - each.replace(tzinfo=None) for each in around}) == 1


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
    occurrences: dict[UUID, set[datetime]] = {}
    for run_id, moves in world.windows.items():
        run = world.ledger.runs[run_id]
        said = world.ledger.campaigns[run["campaign_id"]]
        known = occurrences.setdefault(said["id"], set())
        known.update(() if known else world.occurrences_of(said))
        begins = [begin for _, begin in moves]
        for begin in begins:
            wall, first = (on_wall(m, said["timezone"]) for m in (begin, run["occurrence"]))
            if said["schedule_rrule"]:
                is_right = begin in known
            else:
                # A start in a gap is at its end.
                is_right = timedelta(0) <= _of_day(wall) - _of_day(first) <= timedelta(hours=2)
            if not is_right or begin < run["occurrence"]:
                yield f"run {run_id}: no window begins at {begin}"


def _of_day(wall: datetime) -> timedelta:
    return wall - wall.replace(hour=0, minute=0, second=0, microsecond=0)
