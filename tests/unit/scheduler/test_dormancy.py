"""What a tick does not ask would have answered that it wants nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.schedule.active import ActiveTime
from campaigns.schedule.adaptive import Health
from campaigns.schedule.windows import Interval
from scheduler.model import Account, Lane, LaneKey, Run
from scheduler.pacing import QUANTUM, Ramp
from tests.support.worlds import World, at, cut, cut_pieces, worlds

ALONE = {"p": Account("p", None, 0, Health(), chain=("p",), attempts=(3,))}


def slow(*, per_second: float | None = None, messages: int = 100, finish: float = 500) -> Run:
    active = ActiveTime((Interval(at(-10), at(finish)),))
    lane = Lane(LaneKey(1, 0), 0, messages, 0, active, active)
    end = None if per_second is not None else at(finish)
    return Run(1, "p", at(-10), end, (lane,), per_second=per_second)


def world_of(*runs: Run) -> World:
    return World(runs, ALONE, {}, {}, {}, at(0), 0)


@settings(max_examples=1_000)
@given(worlds(), st.integers(1, 6), st.floats(0, 1))
def test_a_dormant_run_wants_nothing_and_changes_nothing(world: World, ticks: int, part: float):
    for _ in range(ticks):
        decision = world.decide()
        world = replace(world.after(decision), now=world.now)
        for run_id, until in decision.dormant.items():
            asleep = timedelta(seconds=(until - world.now).total_seconds() * part)
            later = replace(world, now=min(world.now + asleep, until - timedelta.resolution))
            asked = later.decide()
            assert run_id not in {piece.run_id for _, _, piece in cut_pieces(asked)}
            assert run_id not in {change.key.run_id for change in asked.lanes}
            assert run_id not in {change.run_id for change in asked.runs}
        world = replace(world, now=world.now + QUANTUM)


@given(st.floats(2.5, 60), st.booleans(), st.lists(st.floats(0.2, 3.0), min_size=30, max_size=30))
def test_a_run_is_sent_as_fast_when_it_may_sleep(
    interval: float, by_rate: bool, pauses: list[float]
):
    """Tick by tick, at whatever times ticks come: the same messages at the same ticks."""
    kind = {"per_second": 1 / interval} if by_rate else {"finish": 100 * interval}
    waking = sleeping = world_of(slow(**kind))  # type: ignore[arg-type]
    until = sleeping.now
    for seconds in pauses:
        asked = waking.decide()
        waking = waking.after(asked, seconds)
        if sleeping.now < until:
            assert cut(asked) == 0
            sleeping = replace(sleeping, now=waking.now)
            continue
        decided = sleeping.decide()
        assert cut(decided) == cut(asked)
        until = decided.dormant.get(1, sleeping.now)
        sleeping = sleeping.after(decided, seconds)


def test_a_run_of_one_message_in_five_seconds_sleeps_through_most_of_them():
    for run in (slow(per_second=0.2), slow(finish=500)):
        world = world_of(run)
        asleep, until = 0, world.now
        for _ in range(50):
            if world.now < until:
                asleep += 1
                world = replace(world, now=world.now + QUANTUM)
                continue
            decision = world.decide()
            until = decision.dormant.get(1, world.now)
            world = world.after(decision)
        assert asleep >= 15


def test_what_came_back_or_warms_up_is_asked_in_every_tick():
    lane = replace(slow().lanes[0], returned=1, next_seq=1)
    for run in (replace(slow(), lanes=(lane,)), replace(slow(), ramp=Ramp(1, 2.0))):
        world = world_of(run)
        for _ in range(3):
            decision = world.decide()
            assert not decision.dormant
            world = replace(world.after(decision), runs=(run,))
