"""What holds for every decision of a tick, whatever it finds."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.schedule import adaptive
from scheduler import pacing
from scheduler.demand import demand
from scheduler.model import Account, Run, Slice
from scheduler.pacing import GUARD, QUANTUM
from scheduler.sharing import LONG_REST, OUTSTANDING_QUANTA, OUTSTANDING_WITHOUT_CEILING
from tests.support.worlds import World, cut, cut_pieces, rows_of, worlds

TICKS = 3

#: For what goes wrong only where several rare things meet.
MANY = settings(max_examples=1_000)


@MANY
@given(worlds(), st.integers(1, TICKS))
def test_every_row_is_cut_at_most_once_and_was_there_to_be_cut(world: World, ticks: int):
    seen: set[tuple[int, int]] = set()
    for _ in range(ticks):
        decision = world.decide()
        pieces = [piece for _, _, piece in cut_pieces(decision)]
        rows = [(piece.run_id, seq) for piece in pieces for seq in rows_of(piece)]
        assert len(rows) == len(set(rows))
        assert all(piece.messages == len(rows_of(piece)) for piece in pieces)
        assert not seen & set(rows)
        seen |= set(rows)
        moved = {change.key: change.next_seq for change in decision.lanes}
        for lane in (lane for run in world.runs for lane in run.lanes):
            fresh = [p for p in pieces if (p.run_id, p.lane) == lane.key and p.kind == "fresh"]
            reached = moved.get(lane.key, lane.next_seq)
            places = sorted(seq for piece in fresh for seq in rows_of(piece))
            assert places == list(range(lane.next_seq, reached))
            assert reached <= lane.hi
        world = world.after(decision)


@given(worlds())
def test_what_waits_is_used_up_or_goes_on_waiting_as_what_it_is(world: World):
    """Each slice that was used is cut, but for its rest, and its rows keep kind and attempts."""

    def named(pieces: list[Slice]) -> Counter[tuple[object, ...]]:
        return Counter(
            (p.run_id, p.lane, p.kind, p.attempts, p.bound_to, s)
            for p in pieces
            for s in rows_of(p)
        )

    decision = world.decide()
    offered = {piece.slice_id: piece for pieces in world.waiting.values() for piece in pieces}
    assert len(set(decision.used)) == len(decision.used)
    again = [piece for _, _, piece in cut_pieces(decision) if piece.kind != "fresh"]
    assert named([*again, *decision.rests]) == named([offered[n] for n in decision.used])
    assert all(rest.messages == len(rows_of(rest)) > 0 for rest in decision.rests)


@given(worlds())
def test_nothing_is_cut_for_what_is_closed_paused_or_cooling(world: World):
    for name, _, piece in cut_pieces(world.decide()):
        run = world.run(piece.run_id)
        lane = next(lane for lane in run.lanes if lane.key.lane == piece.lane)
        assert not run.paused
        assert name in (piece.bound_to, *world.accounts[run.provider].chain)
        assert not world.accounts[name].health.is_cooling(world.now)
        coming = lane.active.at(world.now) or lane.active.following(world.now)
        assert coming is not None
        assert coming.start < world.now + QUANTUM


@MANY
@given(worlds())
def test_what_is_cut_is_spread_over_time_at_which_its_gate_is_open(world: World):
    decision = world.decide()
    gates = {change.key: change.gate for change in decision.lanes}
    for _, spread, piece in cut_pieces(decision):
        lane = next(x for x in world.run(piece.run_id).lanes if x.key.lane == piece.lane)
        gate = gates.get(lane.key, lane.gate)
        assert gate is not None
        assert world.now <= spread.start <= spread.end
        assert gate.start <= spread.start < gate.end
        assert spread.end <= gate.end
        assert lane.active.at(spread.start).end >= gate.end + GUARD  # type: ignore[union-attr]


def cost(account: Account, run: Run) -> int:
    return run.segments if account.counts_segments else 1


def units(world: World, name: str) -> int:
    """What was cut for an account, in the units that it counts."""
    account = world.accounts[name]
    return sum(
        piece.messages * cost(account, world.run(piece.run_id))
        for provider, _, piece in cut_pieces(world.decide())
        if provider == name
    )


@given(worlds(), st.integers(1, TICKS))
def test_never_more_than_two_quanta_of_an_account_or_a_limit_are_outstanding(
    world: World, ticks: int
):
    """But for one message, which may be dearer than that. Nobody held or claims anything."""
    accounts = {name: replace(one, outstanding=0) for name, one in world.accounts.items()}
    runs = [
        replace(run, lanes=tuple(replace(lane, later=0) for lane in run.lanes))
        for run in world.runs
    ]
    world = replace(world, runs=tuple(runs), accounts=accounts, used={})
    found: Counter[str] = Counter()
    rates: dict[str, float | None] = {}
    dearest: Counter[str] = Counter()
    for account in accounts.values():
        for run in world.runs:
            for key in (account.name, *(limit.key for limit in account.limits(run))):
                dearest[key] = max(dearest[key], cost(account, run))
    for _ in range(ticks):
        decision = world.decide()
        for batch in decision.batches:
            account = world.accounts[batch.provider]
            binding = {limit.key: limit.per_second for limit in batch.limits}
            rates |= binding | {account.name: account.per_second}
            for piece in batch.slices:
                run = world.run(piece.run_id)
                assert batch.limits == account.limits(run)
                for key in (*binding, account.name):
                    unit = cost(account, run) if rates[key] is not None else 1
                    found[key] += piece.messages * unit
        world = world.after(decision)
    for key, amount in found.items():
        per_second = rates[key]
        if per_second is None:
            assert amount <= OUTSTANDING_WITHOUT_CEILING
        else:
            ceiling = OUTSTANDING_QUANTA * per_second * QUANTUM.total_seconds()
            assert amount < max(ceiling, dearest[key]) + dearest[key]


@given(worlds())
def test_what_is_outstanding_already_leaves_less_room(world: World):
    for name, account in world.accounts.items():
        if account.per_second is not None and account.outstanding:
            ceiling = math.floor(OUTSTANDING_QUANTA * account.per_second * QUANTUM.total_seconds())
            dearest = max(cost(account, run) for run in world.runs)
            room = max(max(ceiling, dearest) - account.outstanding, 0)
            assert units(world, name) < room + dearest


@MANY
@given(worlds())
def test_no_lane_gets_more_than_it_wants(world: World):
    decision = world.decide()
    for run in world.runs:
        for lane in demand(run, world.waiting, world.now, tick=world.tick).lanes:
            here = [p for _, _, p in cut_pieces(decision) if (p.run_id, p.lane) == lane.lane.key]
            again = sum(piece.messages for piece in here if piece.kind == "retry")
            assert again <= lane.retries
            assert sum(piece.messages for piece in here) - again <= lane.paced


@given(worlds(), st.integers(1, 2 * TICKS))
def test_a_run_s_own_rate_is_kept_whatever_the_ticks_do(world: World, ticks: int):
    taken: Counter[int] = Counter()
    first = world
    for _ in range(ticks):
        decision = world.decide()
        for run in world.runs:
            taken[run.run_id] += cut(decision, run.run_id)
        world = world.after(decision, 0.7)
    for run in first.runs:
        if run.per_second is not None:
            planned = (ticks - 1) * 0.7 + (QUANTUM + pacing.LOOKAHEAD).total_seconds()
            assert taken[run.run_id] <= run.per_second * planned + 1 + 1e-6


@given(worlds(), st.integers(1, TICKS))
def test_a_warm_up_is_kept_whatever_the_ticks_do(world: World, ticks: int):
    for _ in range(ticks):
        decision = world.decide()
        for run in world.runs:
            untried = sum(
                piece.messages
                for _, _, piece in cut_pieces(decision)
                if piece.run_id == run.run_id and piece.kind != "retry"
            )
            if run.ramp is not None and untried:
                handed_out = sum(lane.handed_out for lane in run.lanes)
                args = run.ramp, run.ramped, handed_out, run.starts_at, world.now
                assert untried <= pacing.ramped(*args)[0]
        world = world.after(decision)


@given(worlds(plain=True))
def test_a_class_gets_nothing_before_those_above_it_have_all_they_want(world: World):
    decision = world.decide()
    wanted = {run.run_id: demand(run, world.waiting, world.now).amount for run in world.runs}
    known = [run for run in world.runs if run.provider in world.accounts]
    for low in known:
        for high in known:
            if high.priority < low.priority and cut(decision, low.run_id):
                assert cut(decision, high.run_id) == wanted[high.run_id]


@given(worlds(plain=True))
def test_nobody_of_a_class_gets_more_by_weight_than_who_wants_more(world: World):
    """But for the one message by which a share is rounded."""
    decision = world.decide()
    known = [run for run in world.runs if run.provider in world.accounts]
    for poor in known:
        got = cut(decision, poor.run_id)
        if got == demand(poor, world.waiting, world.now).amount:
            continue
        for rich in known:
            if rich.priority == poor.priority:
                assert (cut(decision, rich.run_id) - 1) / rich.weight < (got + 1) / poor.weight


def accepts(world: World, name: str) -> bool:
    health = world.accounts[name].health
    rest = health.cooling_until
    return health.circuit == "closed" and not (rest and rest > world.now + LONG_REST)


@given(worlds())
def test_a_message_goes_to_the_account_whose_turn_it_is_or_to_who_stands_in(world: World):
    for name, _, piece in cut_pieces(world.decide()):
        if piece.bound_to is not None:
            continue
        first = world.accounts[world.run(piece.run_id).provider]
        place = adaptive.chain_position(piece.attempts, first.attempts)
        passed = first.chain[place : first.chain.index(name)]
        assert first.chain.index(name) >= place
        assert not any(accepts(world, other) for other in passed)
        later = first.chain[first.chain.index(name) + 1 :]
        if not accepts(world, name) and any(accepts(world, other) for other in later):
            assert cut(world.decide(), provider=name) == 1, "a probe goes alone"
            assert piece.kind != "retry"


@MANY
@given(worlds(), st.integers(1, TICKS))
def test_what_is_in_doubt_goes_to_the_account_that_knows_it_and_to_no_other(
    world: World, ticks: int
):
    """However the accounts fare, however many attempts it has behind it, in whatever parts."""
    doubtful = {
        (piece.run_id, seq): piece.bound_to
        for pieces in world.waiting.values()
        for piece in pieces
        if piece.bound_to is not None
        for seq in rows_of(piece)
    }
    for _ in range(ticks):
        decision = world.decide()
        for name, _, piece in cut_pieces(decision):
            for seq in rows_of(piece):
                assert doubtful.get((piece.run_id, seq), name) == name
        world = world.after(decision)


@given(worlds())
def test_an_open_circuit_is_probed_by_one_message_at_a_time(world: World):
    decision = world.decide()
    for name, account in world.accounts.items():
        if account.health.circuit == "open":
            assert cut(decision, provider=name) <= (0 if account.outstanding else 1)


@given(worlds(plain=True))
def test_no_account_has_room_left_while_somebody_wants_it(world: World):
    decision = world.decide()
    for name, account in world.accounts.items():
        wanted = sum(
            demand(run, world.waiting, world.now).amount
            for run in world.runs
            if run.provider == name
        )
        room: float = OUTSTANDING_WITHOUT_CEILING
        if account.per_second is not None:
            room = max(1, math.floor(OUTSTANDING_QUANTA * account.per_second))
        if account.health.circuit == "open":
            room = 1
        if account.health.is_cooling(world.now):
            room = 0
        assert cut(decision) == min(wanted, max(room - account.outstanding, 0))


@given(worlds())
def test_the_same_finds_lead_to_the_same_decision_and_are_left_as_they_are(world: World):
    before = repr(world)
    assert world.decide() == world.decide()
    assert repr(world) == before
