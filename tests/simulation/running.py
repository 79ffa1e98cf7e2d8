"""A plan, with everything that chance does to beats, workers and providers, played to its end."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from tests.simulation.beats import Beats
from tests.simulation.broker import Chances
from tests.simulation.carrier import Carrier, Trouble
from tests.simulation.generate import Plan
from tests.simulation.processes import Process
from tests.simulation.spans import Spans
from tests.simulation.world import World

Times = list[tuple[datetime, datetime]]

#: What is left of runs after the last campaign began has so long to come to its end.
TAIL = timedelta(days=75)


def play(
    plan: Plan, *, calm: bool = False, every_tick: bool = False, tail: timedelta = TAIL
) -> World:
    """The world after ``plan``. In a calm one nothing ever fails.

    ``every_tick`` leaves no tick out, which takes as long as the time is.
    """
    draw = random.Random(f"trouble {plan.seed}")
    starts = [row["next_dt"] for row in plan.campaigns]
    amount = 0 if calm else max(len(starts) // 25, 1)
    world = World(
        seed=plan.seed,
        begin=plan.begin,
        providers=plan.providers,
        beats=Beats(
            random.Random(f"beats {plan.seed}"),
            plan.begin,
            outages=_times(draw, starts, amount, (2, 40, 600, 9000)),
            twice=_times(draw, starts, amount, (3600, 90_000)),
        ),
        processes=[_process(draw, starts, amount, number) for number in range(3)],
        carrier=_carrier(draw, plan, starts, amount, calm=calm),
        audiences=plan.audiences,
        chances=Chances(0.0, 0.0) if calm else Chances(),
        every_tick=every_tick,
    )
    for team in plan.teams:
        world.ledger.teams[team["id"]] = dict(team)
    for row in plan.campaigns:
        world.add(dict(row))
    for at, campaign_id, fields in plan.changes:
        world.later(at, partial(world.change, campaign_id, fields))
    for at, _ in _times(draw, starts, amount, (1,)):
        world.later(at, world.lose_limiter)
    # What does not take place is warned of, which thousands of occurrences do not.
    logging.disable(logging.WARNING)
    try:
        world.run(plan.end + tail)
    finally:
        logging.disable(logging.NOTSET)
    return world


def _process(draw: random.Random, starts: list[datetime], amount: int, number: int) -> Process:
    return Process(
        name=f"send-{number}",
        slowness=(0.5, 1.0, 6.0)[number % 3],
        stalls=_times(draw, starts, amount, (1, 5, 14, 22)),
        deaths=_times(draw, starts, amount, (3, 20, 90)),
    )


def _carrier(
    draw: random.Random, plan: Plan, starts: list[datetime], amount: int, *, calm: bool
) -> Carrier:
    trouble = {
        name: Trouble(
            down=Spans(_times(draw, starts, 2 * amount, (3, 30, 300))),
            busy=Spans(_times(draw, starts, 3 * amount, (0.5, 3, 30))),
        )
        for name in plan.providers.by_name
        if name != "second"
    }
    source = random.Random(f"carrier {plan.seed}")
    if calm:
        return Carrier(source, 0.0)
    # What the first account of a chain fails at, the next one takes over.
    return Carrier(source, 0.04, trouble, {"first": 0.5})


def _times(
    draw: random.Random, starts: list[datetime], amount: int, lengths: Sequence[float]
) -> Times:
    """Some stretches of time soon after campaigns begin, where they hurt; apart from each other."""
    found: Times = []
    for start in sorted(draw.sample(starts, min(amount, len(starts)))):
        at = start + timedelta(seconds=draw.choice((1, 20, 600, 7000)) * draw.random())
        if not found or at > found[-1][1]:
            found.append((at, at + timedelta(seconds=draw.choice(lengths) * (0.5 + draw.random()))))
    return found
