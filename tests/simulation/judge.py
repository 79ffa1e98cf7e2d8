"""The judges: what has to be true of what left, whatever the engine thought while it was at it.

Each takes the world as it ended and gives a sentence for every fault.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from campaigns.providers import parse_rate
from scheduler.sharing import OUTSTANDING_WITHOUT_CEILING
from tests.simulation.evidence import QUANTA, by_run, crowd
from tests.simulation.judge_fairness import nobody_starves
from tests.simulation.judge_pace import (
    lines_are_followed,
    own_rates_are_kept,
    warm_ups_are_kept,
)
from tests.simulation.judge_times import nothing_leaves_when_it_must_not, windows_follow_each_other
from tests.simulation.world import World

_PERIODS = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0}


def no_limit_is_exceeded(world: World) -> Iterator[str]:
    """Invariant 6: accounts, senders and teams, in any sliding interval."""
    moments: dict[tuple[str, str, int], list[datetime]] = defaultdict(list)
    for departure in sorted(world.departures):
        campaign = world.campaign_of(departure.run_id)
        config = world.providers.by_name[departure.provider]
        team = world.ledger.teams[campaign["team_id"]]
        units = campaign["segments"] if config.counts_segments else 1
        limits = (
            (f"account {config.name}", config.rate, config.together(1), units),
            (f"sender {campaign['sender']} of {config.name}", config.sender_rate, 1, 1),
            (f"team {team['id']}", team["rate"], 1, 1),
        )
        for name, rate, burst, each in limits:
            if rate:
                moments[name, rate, burst] += [departure.at] * each
    for (name, rate, burst), found in moments.items():
        yield from _crowds(name, found, rate, burst, world.stood_still)


def _crowds(
    name: str, moments: Sequence[datetime], rate: str, burst: int, stood_still: Sequence[datetime]
) -> Iterator[str]:
    number, _, unit = rate.partition("/")
    per_second = parse_rate(rate)
    periods = [(_PERIODS[unit], int(number))]
    if burst == 1:
        shortest = max(1.0, 1 / per_second)
        periods.append((shortest, math.ceil(per_second * shortest)))
    for seconds, most in periods:
        if at := crowd(moments, most, seconds, stood_still):
            yield f"{name}, {rate}: more than {most} in {seconds} s, from {at} on"


def everybody_gets_it_once(world: World) -> Iterator[str]:
    """Nobody is handed to a provider again, but after an answer that it was not taken; and to an
    account that another one can stand in for not more often than it says."""
    for run_id, departures in by_run(world).items():
        outcomes: dict[int, list[str]] = defaultdict(list)
        failed: Counter[tuple[int, str]] = Counter()
        for departure in departures:
            outcomes[departure.seq].append(departure.outcome)
            failed[departure.seq, departure.provider] += departure.outcome == "Failed"
        for (seq, name), times in failed.items():
            config = world.providers.by_name[name]
            if config.fallback and times > config.max_attempts:
                yield f"run {run_id}, row {seq}: tried {times} times at {name}"
        for seq, found in outcomes.items():
            if again := [each for each in found[:-1] if each not in ("Failed", "Throttled")]:
                yield f"run {run_id}, row {seq}: sent again after {again[0]}"
            if found.count("Failed") > world.most_attempts(run_id):
                yield f"run {run_id}, row {seq}: tried {len(found)} times"


def no_more_than_two_quanta_are_outstanding(world: World) -> Iterator[str]:
    """Back-pressure: what an account has outstanding once anything was cut for it."""
    for cut in world.cuts:
        rate = world.providers.by_name[cut.provider].per_second
        most = OUTSTANDING_WITHOUT_CEILING if rate is None else max(rate * QUANTA, 1)
        if cut.outstanding > most:
            yield f"{cut.at}: {cut.provider} has {cut.outstanding} outstanding, not {most}"


def every_run_comes_to_its_end(world: World) -> Iterator[str]:
    """Completion: each run is finished, each row is settled, as its counters and what left say."""
    left = by_run(world)
    for run in world.ledger.runs.values():
        rows = world.ledger.deliveries.get(run["id"])
        found = Counter(rows.status if rows else ())
        if run["status"] != "finished" or found.keys() & {"pending", "sending"}:
            yield f"run {run['id']} is {run['status']}, its rows are {dict(found)}"
        elif any(run[name] != number for name, number in found.items()):
            yield f"run {run['id']}: its rows are {dict(found)}, its counters differ"
        accepted = {d.seq for d in left.get(run["id"], ()) if d.outcome == "Accepted"}
        if not found["accepted"] <= len(accepted) <= found["accepted"] + found["unknown"]:
            yield f"run {run['id']}: {len(accepted)} were accepted, its rows are {dict(found)}"
        if run["reason"] == "completed" and found["expired"] + found["cancelled"]:
            yield f"run {run['id']} is complete, but its rows are {dict(found)}"
    for campaign in world.ledger.campaigns.values():
        if campaign["status"] not in ("finished", "stopped"):
            yield f"campaign {campaign['id']} is {campaign['status']}"


def every_occurrence_ends_in_one_way(world: World) -> Iterator[str]:
    """Each is started, skipped or missed; none is left out, and none is made up."""
    decided: dict[object, list[datetime]] = defaultdict(list)
    for run in world.ledger.runs.values():
        decided[run["campaign_id"]].append(run["occurrence"])
    for campaign in world.ledger.campaigns.values():
        expected, found = world.occurrences_of(campaign), sorted(decided[campaign["id"]])
        if campaign["status"] == "stopped":
            expected = expected[: len(found)]
        if campaign["schedule_rrule"] is None and not found and campaign["start_deadline"]:
            continue
        if found != expected:
            odd = set(found) ^ set(expected)
            yield f"campaign {campaign['id']}: {len(odd)} occurrences differ, such as {min(odd)}"


JUDGES = (
    no_limit_is_exceeded,
    own_rates_are_kept,
    warm_ups_are_kept,
    lines_are_followed,
    nothing_leaves_when_it_must_not,
    windows_follow_each_other,
    everybody_gets_it_once,
    no_more_than_two_quanta_are_outstanding,
    nobody_starves,
    every_run_comes_to_its_end,
    every_occurrence_ends_in_one_way,
)


def verdicts(world: World) -> list[str]:
    """All faults, a few of each judge."""
    found = []
    for judge in JUDGES:
        faults = list(judge(world))
        found += [f"{judge.__name__}: {fault}" for fault in faults[:3]]
        if len(faults) > 3:
            found.append(f"{judge.__name__}: and {len(faults) - 3} more")
    return found
