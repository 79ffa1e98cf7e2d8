"""Judges of pace: a campaign's own rate, its warm-up, and the line of an even one."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from campaigns.providers import parse_rate
from campaigns.schedule.shifting import shifted
from campaigns.schedule.windows import Interval, Window, active_intervals, active_seconds
from tests.simulation.evidence import by_run, crowd, first_tries, versions
from tests.simulation.ledger import Row
from tests.simulation.world import World
from worker.batch import BATCH_SECONDS, PATIENCE

_DAY = timedelta(days=1)

#: What a batch may be late, because its account is busy or its process stands still.
_LATE = BATCH_SECONDS + PATIENCE

#: How far ahead of now a tick hands out: its quantum, and the tail of a stretch.
_AHEAD = timedelta(seconds=2)
_BEHIND = timedelta(seconds=3)


def own_rates_are_kept(world: World) -> Iterator[str]:
    """A campaign's own rate over a minute and an hour, with one message more, and with what a
    batch may be late."""
    for run_id, departures in by_run(world).items():
        for low, high, said in versions(world.history[world.campaign_of(run_id)["id"]]):
            moments = [d.at for d in departures if low <= d.at < high] if said["rate"] else []
            for seconds in (60.0, 3600.0) if moments else ():
                most = math.floor(parse_rate(said["rate"]) * (seconds + _LATE)) + 1
                if at := crowd(moments, most, seconds):
                    yield f"run {run_id} of {said['rate']}: {most + 1} from {at} on"


def warm_ups_are_kept(world: World) -> Iterator[str]:
    """So many new recipients on each day since the start; what was handed out at the end of a day
    may leave at the beginning of the next."""
    for run_id, departures in by_run(world).items():
        warm_up = world.campaign_of(run_id)["warm_up"]
        if warm_up is None:
            continue
        start = world.ledger.runs[run_id]["starts_at"]
        moments = first_tries(departures)
        for day in range((moments[-1] - start) // _DAY + 1):
            low = start + day * _DAY + timedelta(seconds=_LATE if day else 0)
            new = bisect_left(moments, start + (day + 1) * _DAY) - bisect_left(moments, low)
            most = math.floor(warm_up["first_day"] * warm_up["factor"] ** day + 1e-6)
            if new > most:
                yield f"run {run_id}: {new} on day {day}, not {most}"


def lines_are_followed(world: World) -> Iterator[str]:
    """A run that is spread over its window is never ahead of the straight line, whatever kept it
    back before; and not behind it where nothing could keep it back."""
    for run_id, departures in by_run(world).items():
        run, said = world.ledger.runs[run_id], world.campaign_of(run_id)
        if not _is_even(world, run, said):
            continue
        window = shifted(_window(said), said["timezone"], run["occurrence"])
        assert window.finish is not None
        stretches = active_intervals(Window(run["starts_at"], window.finish, None, window.pauses))
        stretches = [each for each in stretches if each.start < window.finish]
        in_time = world.is_calm and run["provider"] in ("fast", "open")
        moments = first_tries(departures)
        yield from _off_the_line(run, stretches, moments, in_time=in_time)


def _off_the_line(
    run: Row, stretches: Sequence[Interval], moments: Sequence[datetime], *, in_time: bool
) -> Iterator[str]:
    start, finish = run["starts_at"], run["finishes_at"]
    whole = active_seconds(stretches, start, finish)
    for number, at in enumerate(moments, 1):
        if at >= finish:
            return
        share = active_seconds(stretches, start, at + _AHEAD) / whole
        if number > math.ceil(run["total"] * share) + 1:
            yield f"run {run['id']}: {number} of {run['total']} by {at}, the window to {finish}"
            return
        share = active_seconds(stretches, start, at - _BEHIND) / whole
        if in_time and number < math.floor(run["total"] * share):
            yield f"run {run['id']}: only {number} of {run['total']} by {at}"
            return


def _is_even(world: World, run: Row, said: Row) -> bool:
    """Whether it is spread over a window without hours, and nobody touched it."""
    team = world.ledger.teams[said["team_id"]]
    if not said["throttled"] or said["pacing"] != "evenly" or run["reason"] is None:
        return False
    names = ("sending_hours", "quiet_hours", "holidays", "rate", "warm_up")
    hours = [c.get(name) for c in (said, team) for name in names]
    moved = len(world.windows.get(run["id"], ())) > 1
    return not (any(hours) or moved or len(world.history[said["id"]]) > 1)


def _window(said: Row) -> Window:
    pauses = tuple(Interval(*pause) for pause in said["pauses"])
    return Window(said["scheduled_send_date"], said["scheduled_finish_date"], None, pauses)
