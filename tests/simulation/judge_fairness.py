"""The judge of sharing: whoever could take any number of messages is not passed by the others."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from scheduler.model import CLASSES
from tests.simulation.evidence import QUANTA, by_run, first_tries
from tests.simulation.processes import Departure
from tests.simulation.world import World
from worker.ledger import LEASE_SECONDS

#: For how many seconds a run may be held up alone: its batch was lost with its worker, or its
#: message on the way, which the next ticks after the lease make good.
HELD_UP = 2 * LEASE_SECONDS


def nobody_starves(world: World) -> Iterator[str]:
    """Between two messages of a run that takes whatever it gets, no other one of its class, and
    none of a lower one, gets more than its weight says, and two quanta."""
    greedy = {
        run_id: departures
        for run_id, departures in by_run(world).items()
        if _is_greedy(world, run_id)
    }
    accounts: dict[str, list[int]] = defaultdict(list)
    for run_id, departures in greedy.items():
        accounts[departures[0].provider].append(run_id)
    moments = {run_id: [each.at for each in departures] for run_id, departures in greedy.items()}
    for name, run_ids in accounts.items():
        rate = world.providers.by_name[name].per_second
        if rate is None:
            continue
        spare = rate * (QUANTA + (0 if world.is_calm else HELD_UP))
        for run_id in run_ids:
            yield from _passed(world, run_id, run_ids, moments, greedy, spare)


def _passed(
    world: World,
    run_id: int,
    others: Sequence[int],
    moments: dict[int, list[datetime]],
    departures: dict[int, Sequence[Departure]],
    spare: float,
) -> Iterator[str]:
    mine = world.campaign_of(run_id)
    mine_left = first_tries(departures[run_id])
    for other in others:
        theirs = world.campaign_of(other)
        rank = CLASSES[theirs["priority"]] - CLASSES[mine["priority"]]
        if other == run_id or rank < 0 or not _meet(moments[run_id], moments[other]):
            continue
        ratio = 0.0 if rank else theirs["weight"] / mine["weight"]
        for low, high in pairwise(mine_left):
            passed = bisect_left(moments[other], high) - bisect_right(moments[other], low)
            if passed > 2 * ratio + spare:
                yield f"run {run_id} was passed by run {other} {passed} times from {low} on"


def _meet(mine: Sequence[datetime], theirs: Sequence[datetime]) -> bool:
    return mine[0] < theirs[-1] and theirs[0] < mine[-1]


def _is_greedy(world: World, run_id: int) -> bool:
    """Whether nothing but its share holds the run up."""
    campaign = world.campaign_of(run_id)
    team = world.ledger.teams[campaign["team_id"]]
    config = world.providers.by_name[world.ledger.runs[run_id]["provider"]]
    restricted = (
        campaign["throttled"],
        campaign["rate"],
        campaign["warm_up"],
        campaign["sending_hours"],
        campaign["quiet_hours"],
        campaign["holidays"],
        team["sending_hours"],
        team["quiet_hours"],
        team["holidays"],
        team["rate"],
        config.sender_rate,
        config.fallback,
        len(world.history[campaign["id"]]) > 1,
        len(world.ledger.lanes[run_id]) > 1,
    )
    return not any(restricted)
