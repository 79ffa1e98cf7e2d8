"""One tick's decision: gates, capacity, priorities."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from campaigns.schedule.windows import Interval, Window
from scheduler.decision import OUTSTANDING_WITHOUT_CEILING, capacity, decide, demand
from scheduler.model import Account, RunState
from scheduler.pacing import GUARD

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
UNLIMITED = {"p": Account("p", None, 0)}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def run(run_id: int = 1, total: int = 1000, **changes: object) -> RunState:
    state = RunState(
        run_id=run_id,
        lane=0,
        provider="p",
        next_seq=0,
        hi=total,
        returned=0,
        retries=0,
        window=Window(START),
        paused=False,
        is_test=False,
        line=None,
        gate=None,
    )
    return replace(state, **changes)


def cut(decision, run_id: int) -> int:
    return sum(
        piece.messages
        for batch in decision.batches
        for piece in batch.slices
        if piece.run_id == run_id
    )


def test_nothing_is_handed_out_before_the_start_in_a_pause_or_by_hand():
    pause = Window(START, at(60), pauses=(Interval(at(10), at(20)),))
    assert demand(run(), at(-5)).amount == 0
    assert demand(run(window=pause), at(12)).amount == 0
    assert demand(run(paused=True), at(5)).amount == 0
    assert demand(run(window=Window(START, expiry=at(60))), at(60)).amount == 0


def test_the_gate_is_the_current_interval_and_closes_early_enough():
    window = Window(START, at(60), pauses=(Interval(at(10), at(20)),))
    assert demand(run(window=window), at(3)).gate == Interval(START, at(10) - GUARD)
    assert demand(run(window=window), at(12)).gate.start == at(20)


def test_work_is_ready_when_a_pause_ends_and_not_a_tick_later():
    window = Window(START, at(60), pauses=(Interval(at(10), at(20)),))
    wanted = demand(run(window=window), at(19.5))
    assert wanted.amount > 0
    assert wanted.spread.start == at(20)


def test_paced_work_is_spread_up_to_the_gate_and_not_beyond():
    window = Window(START, at(60), pauses=(Interval(at(10), at(20)),))
    wanted = demand(run(window=window), at(9))
    assert at(9) <= wanted.spread.start <= wanted.spread.end < at(10) - GUARD


def test_without_a_window_everything_is_due_up_to_the_capacity():
    decision = decide([run(total=100_000)], UNLIMITED, {}, at(0))
    assert cut(decision, 1) == OUTSTANDING_WITHOUT_CEILING


def test_never_more_than_two_quanta_are_outstanding():
    assert capacity(Account("p", 50.0, 0)) == 100
    assert capacity(Account("p", 50.0, 70)) == 30
    assert capacity(Account("p", 50.0, 500)) == 0
    assert capacity(Account("p", 1 / 60, 0)) == 1
    assert capacity(Account("p", 1 / 60, 1)) == 0


def test_an_account_that_cools_down_gets_nothing():
    assert cut(decide([run()], {"p": Account("p", 50.0, 0, cooling=True)}, {}, at(0)), 1) == 0


def test_test_sends_go_first():
    runs = [run(1, 10_000), run(2, 1, is_test=True)]
    decision = decide(runs, {"p": Account("p", 1.0, 1)}, {}, at(0))
    assert (cut(decision, 1), cut(decision, 2)) == (0, 1)


def test_a_provider_that_is_not_configured_sends_nothing_and_still_has_its_gate():
    decision = decide([run()], {}, {}, at(0))
    assert not decision.batches
    assert decision.changes[0].gate is not None


def test_a_small_run_is_not_held_up_by_a_large_one():
    decision = decide([run(1, 100_000), run(2, 20)], {"p": Account("p", 50.0, 0)}, {}, at(0))
    assert (cut(decision, 1), cut(decision, 2)) == (80, 20)


def test_a_run_that_does_not_change_is_not_written():
    still = run(total=0)
    first = decide([still], UNLIMITED, {}, at(0))
    settled = replace(still, gate=first.changes[0].gate)
    assert decide([settled], UNLIMITED, {}, at(1)).changes == []
