"""What the judges look at: departures by run, what campaigns said when, clocks on walls."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.schedule.windows import FOREVER
from tests.simulation.ledger import Row
from tests.simulation.processes import Departure
from tests.simulation.world import World
from worker.throttle.base import Pace

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: Of an account's rate, this many seconds may be outstanding.
QUANTA = 2

_MINUTE = timedelta(minutes=1)


def by_run(world: World) -> Mapping[int, Sequence[Departure]]:
    """What left of each run, in the order of time."""
    found: dict[int, list[Departure]] = defaultdict(list)
    for departure in sorted(world.departures):
        found[departure.run_id].append(departure)
    return found


def first_tries(departures: Sequence[Departure]) -> list[datetime]:
    """When each recipient's first message left, in the order of time."""
    seen: set[int] = set()
    found = []
    for each in departures:
        if each.seq not in seen:
            seen.add(each.seq)
            found.append(each.at)
    return found


def crowd(
    moments: Sequence[datetime],
    most: int,
    seconds: float,
    stood_still: Sequence[datetime] = (),
) -> datetime | None:
    """Where a half-open interval of that length begins that holds more than ``most``."""
    span = timedelta(seconds=seconds)
    tolerance = timedelta(seconds=Pace().tolerance)
    for first, last in zip(moments, moments[most:], strict=False):
        if last - first >= span:
            continue
        # A process that stood still uses slots that are not older than the tolerance.
        is_late = bisect_left(stood_still, first) < bisect_right(stood_still, last)
        if not is_late or last - first < span - tolerance:
            return first
    return None


def versions(history: Sequence[tuple[datetime, Row]]) -> Iterator[tuple[datetime, datetime, Row]]:
    """From when to when a campaign said what."""
    ends = [*(at for at, _ in history[1:]), FOREVER]
    for (low, said), high in zip(history, ends, strict=True):
        yield low, high, said


def said_at(history: Sequence[tuple[datetime, Row]], at: datetime) -> Row:
    """What the campaign said at that moment."""
    return next(said for low, said in reversed(history) if low <= at)


def on_wall(at: datetime, zone: str) -> datetime:
    """What a clock on a wall of that zone shows."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def in_hours(hours: Iterable[Row], wall: datetime) -> bool:
    """Whether the clock shows a time of ``[{"days", "from", "to"}]``."""
    minute = (wall - wall.replace(hour=0, minute=0, second=0, microsecond=0)) / _MINUTE
    for stretch in hours:
        start, end = _minutes(stretch["from"]), _minutes(stretch["to"])
        days = stretch.get("days", DAYS)
        today, yesterday = DAYS[wall.weekday()] in days, DAYS[wall.weekday() - 1] in days
        if start < end:
            if today and start <= minute < end:
                return True
        elif (today and minute >= start) or (yesterday and minute < end):
            return True
    return False


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def happened(world: World) -> Counter[str]:
    """How often each of the things happened that a year is made of. One of which nothing happened
    proves nothing."""
    ledger = world.ledger
    found = Counter(world.happened)
    for departure in world.departures:
        found[departure.outcome] += 1
        found["taken over"] += ledger.runs[departure.run_id]["provider"] != departure.provider
    for run in ledger.runs.values():
        found[f"run {run['reason']}"] += 1
        found["lanes"] += len(ledger.lanes.get(run["id"], ())) > 1
        found["next window"] += len(world.windows.get(run["id"], ())) > 1
        found["jitter"] += run["starts_at"] > run["occurrence"]
    return found
