"""What a tick hands out: gates, dues, shares, accounts and limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from campaigns.schedule.active import ActiveTime
from campaigns.schedule.adaptive import Health
from campaigns.schedule.windows import Interval, Window, active_intervals
from scheduler.decision import decide
from scheduler.demand import demand
from scheduler.model import BULK, URGENT, Account, Lane, LaneKey, Limit, Run, Slice
from scheduler.pacing import GUARD, Ramp
from scheduler.sharing import OUTSTANDING_WITHOUT_CEILING, Claim, capacity

START = datetime(2030, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def lane(run_id: int, hi: int, window: Window, **changes: object) -> Lane:
    active = ActiveTime(tuple(active_intervals(window)))
    paced = active if window.finish is None else active.until(window.finish)
    made = Lane(LaneKey(run_id, 0), lo=0, hi=hi, next_seq=0, active=active, paced=paced)
    return replace(made, **changes)


def run(run_id: int = 1, total: int = 1000, window: Window | None = None, **changes: object) -> Run:
    window = window or Window(START)
    made = Run(
        run_id=run_id,
        provider="p",
        starts_at=START,
        finish=window.finish,
        lanes=(lane(run_id, total, window),),
    )
    return replace(made, **changes)


def account(name: str = "p", per_second: float | None = 50.0, **changes: object) -> Account:
    made = Account(name, per_second, 0, Health(), chain=(name,), attempts=(5,))
    return replace(made, **changes)


UNLIMITED = {"p": account(per_second=None)}


def cut(decision, run_id: int | None = None, provider: str | None = None) -> int:
    return sum(
        piece.messages
        for batch in decision.batches
        for piece in batch.slices
        if run_id in (None, piece.run_id) and provider in (None, batch.provider)
    )


def wanted(a_run: Run, seconds: float):
    return demand(a_run, {}, at(seconds))


def test_nothing_is_handed_out_before_the_start_in_a_pause_or_by_hand():
    pause = Window(START, at(60), pauses=(Interval(at(10), at(20)),))
    assert wanted(run(), -5).amount == 0
    assert wanted(run(window=pause), 12).amount == 0
    assert wanted(run(paused=True), 5).amount == 0
    assert wanted(run(window=Window(START, expiry=at(60))), 60).amount == 0


def test_the_gate_is_the_current_interval_and_closes_early_enough():
    window = Window(START, at(60), pauses=(Interval(at(10), at(20)),))
    assert wanted(run(window=window), 3).lanes[0].gate == Interval(START, at(10) - GUARD)
    assert wanted(run(window=window), 12).lanes[0].gate.start == at(20)


def test_work_is_ready_when_a_pause_ends_and_not_a_tick_later():
    window = Window(START, at(60), pauses=(Interval(at(10), at(20)),))
    found = wanted(run(window=window), 19.5)
    assert found.amount > 0
    assert found.lanes[0].spread.start == at(20)


def test_paced_work_is_spread_up_to_the_gate_and_not_beyond():
    window = Window(START, at(60), pauses=(Interval(at(10), at(20)),))
    spread = wanted(run(window=window), 9).lanes[0].spread
    assert at(9) <= spread.start <= spread.end < at(10) - GUARD


def test_as_fast_as_allowed_means_no_line_inside_the_window():
    found = wanted(run(window=Window(START, at(60)), evenly=False), 1)
    assert (found.amount, found.lanes[0].line) == (1000, None)


def test_without_a_window_everything_is_due_up_to_the_capacity():
    decision = decide([run(total=100_000)], UNLIMITED, {}, at(0))
    assert cut(decision, 1) == OUTSTANDING_WITHOUT_CEILING


def test_never_more_than_two_quanta_are_outstanding():
    assert capacity(account(outstanding=0), at(0)) == 100
    assert capacity(account(outstanding=70), at(0)) == 30
    assert capacity(account(outstanding=500), at(0)) == 0
    assert capacity(account(per_second=1 / 60), at(0)) == 1
    assert capacity(account(per_second=1 / 60, outstanding=1), at(0)) == 0


def test_two_quanta_of_segments_are_fewer_messages():
    accounts = {"p": account(counts_segments=True)}
    assert cut(decide([run(segments=3)], accounts, {}, at(0))) == 33
    assert cut(decide([run(segments=3)], {"p": account()}, {}, at(0))) == 100


def test_an_account_that_cools_down_gets_nothing():
    cooling = {"p": account(health=Health(cooling_until=at(9)))}
    assert cut(decide([run()], cooling, {}, at(0)), 1) == 0


def test_classes_are_served_one_after_the_other():
    runs = [run(1, 10_000), run(2, 30, priority=BULK), run(3, 30, priority=URGENT)]
    decision = decide(runs, {"p": account()}, {}, at(0))
    assert [cut(decision, n) for n in (1, 2, 3)] == [70, 0, 30]


def test_shares_follow_the_weights():
    decision = decide([run(1), run(2, weight=3)], {"p": account()}, {}, at(0))
    assert [cut(decision, n) for n in (1, 2)] == [25, 75]


def test_a_provider_that_is_not_configured_sends_nothing_and_still_has_its_gate():
    decision = decide([run()], {}, {}, at(0))
    assert not decision.batches
    assert decision.lanes[0].gate is not None


def test_a_small_run_is_not_held_up_by_a_large_one():
    decision = decide([run(1, 100_000), run(2, 20)], {"p": account()}, {}, at(0))
    assert (cut(decision, 1), cut(decision, 2)) == (80, 20)


def test_a_run_that_does_not_change_is_not_written():
    still = run(total=0)
    first = decide([still], UNLIMITED, {}, at(0))
    settled = replace(still, lanes=(replace(still.lanes[0], gate=first.lanes[0].gate),))
    decision = decide([settled], UNLIMITED, {}, at(1))
    assert (decision.lanes, decision.runs) == ([], [])


def test_the_lanes_of_a_run_share_what_it_gets_and_count_as_one():
    asleep = lane(1, 200, Window(at(3600)), key=LaneKey(1, 1), lo=100, next_seq=100)
    two = replace(run(1, 100), lanes=(run(1, 100).lanes[0], asleep))
    decision = decide([two, run(2)], {"p": account()}, {}, at(0))
    assert [cut(decision, n) for n in (1, 2)] == [50, 50]
    assert {piece.lane for batch in decision.batches for piece in batch.slices} == {0}


def test_a_team_keeps_its_limit_over_all_accounts():
    limit = Limit("team:x", 10.0)
    runs = [run(1, limits=(limit,)), run(2, limits=(limit,), provider="q"), run(3)]
    accounts = {"p": account(), "q": account("q")}
    decision = decide(runs, accounts, {}, at(0), used={"team:x": 4})
    assert cut(decision, 1) + cut(decision, 2) == 16
    assert cut(decision, 3) == 100 - cut(decision, 1)
    limited = {b.limits for b in decision.batches if b.slices[0].run_id != 3}
    assert limited == {(limit,)}


def test_each_sender_has_its_own_limit():
    runs = [run(1, sender="a"), run(2, sender="a"), run(3, sender="b")]
    decision = decide(runs, {"p": account(per_sender=2.0)}, {}, at(0))
    assert cut(decision, 1) + cut(decision, 2) == 4
    assert cut(decision, 3) == 4


def test_a_campaign_s_own_rate_is_not_caught_up():
    slow = run(1, per_second=5.0)
    decision = decide([slow], UNLIMITED, {}, at(0))
    first = cut(decision)
    late = replace(slow, meter=decision.runs[0].meter)
    assert 1 <= first <= 8
    assert cut(decide([late], UNLIMITED, {}, at(60))) <= 8


def test_messages_at_a_campaign_s_own_rate_are_spread_over_the_quantum():
    decision = decide([run(1, per_second=5.0)], UNLIMITED, {}, at(0))
    spread = decision.batches[0].spread
    assert (spread.start, spread.end >= at(1)) == (at(0), True)


def test_a_warm_up_bounds_each_day():
    warm = run(1, ramp=Ramp(100, 2.0))
    assert cut(decide([warm], UNLIMITED, {}, at(0))) == 100
    spent = replace(warm, lanes=(replace(warm.lanes[0], next_seq=100),))
    ramped = decide([warm], UNLIMITED, {}, at(0)).runs[0].ramped
    assert cut(decide([replace(spent, ramped=ramped)], UNLIMITED, {}, at(3600))) == 0
    assert cut(decide([replace(spent, ramped=ramped)], UNLIMITED, {}, at(86_400))) == 200


CHAIN = {
    "p": account(chain=("p", "q"), attempts=(2, 3)),
    "q": account("q", chain=("q",), attempts=(3,)),
}
OPEN = Health(failures=3, circuit="open", cooling_until=at(-1))


def retry(attempts: int, slice_id: int) -> Slice:
    return Slice(1, 0, "retry", slice_id, slice_id + 1, 1, None, slice_id, at(0), attempts)


def test_a_retry_goes_to_the_account_whose_turn_it_is():
    tried = run(1, 20)
    tried = replace(tried, lanes=(replace(tried.lanes[0], next_seq=20),))
    waiting = {LaneKey(1, 0): [retry(1, 5), retry(2, 6), retry(4, 7)]}
    decision = decide([tried], CHAIN, waiting, at(0))
    assert (cut(decision, provider="p"), cut(decision, provider="q")) == (1, 2)
    assert sorted(decision.used) == [5, 6, 7]


def test_a_fallback_takes_over_while_a_circuit_is_open_but_for_one_probe():
    broken = {**CHAIN, "p": replace(CHAIN["p"], health=OPEN)}
    decision = decide([run(1, 50)], broken, {}, at(0))
    assert (cut(decision, provider="p"), cut(decision, provider="q")) == (1, 49)
    probing = {**broken, "p": replace(broken["p"], outstanding=1)}
    decision = decide([run(1, 50)], probing, {}, at(0))
    assert (cut(decision, provider="p"), cut(decision, provider="q")) == (0, 50)


def test_a_fallback_takes_over_for_a_long_rest_only():
    def resting(seconds: float) -> dict[str, Account]:
        return {**CHAIN, "p": replace(CHAIN["p"], health=Health(cooling_until=at(seconds)))}

    assert cut(decide([run(1, 50)], resting(31), {}, at(0)), provider="q") == 50
    assert cut(decide([run(1, 50)], resting(29), {}, at(0))) == 0


def test_with_an_open_circuit_and_nobody_to_take_over_one_probe_goes_at_a_time():
    accounts = {"p": account(health=OPEN)}
    assert cut(decide([run(1, 50), run(2, 50)], accounts, {}, at(0))) == 1


def test_who_comes_when_others_hold_everything_is_brought_level_at_once():
    """One quantum of 50 is free, the other run holds the other one."""
    accounts = {"p": account(outstanding=50)}
    held = {Claim("p", 1): 50}
    decision = decide([run(1), run(2)], accounts, {}, at(0), held=held)
    assert [cut(decision, n) for n in (1, 2)] == [0, 50]
    decision = decide([run(1), run(2, 10)], accounts, {}, at(0), held=held)
    assert [cut(decision, n) for n in (1, 2)] == [40, 10]


def test_dear_messages_that_wait_take_no_room_from_cheap_ones_of_a_higher_class():
    """An account of 50 segments per second has room for 100, whoever else wants it."""
    accounts = {"p": account(counts_segments=True)}
    cheap, dear = run(1, 30, priority=URGENT), run(2, 100_000, priority=BULK, segments=10)
    decision = decide([cheap, dear], accounts, {}, at(0))
    assert [cut(decision, n) for n in (1, 2)] == [30, 7]


def test_cheap_messages_that_wait_make_no_room_for_dear_ones():
    accounts = {"p": account(counts_segments=True)}
    dear, cheap = run(1, 1000, priority=URGENT, segments=10), run(2, 100_000, priority=BULK)
    assert [cut(decide([dear, cheap], accounts, {}, at(0)), n) for n in (1, 2)] == [10, 0]


def test_a_limit_is_counted_as_the_account_counts():
    sender = {"per_second": None, "per_sender": 10.0}
    by_message = {"p": account(**sender)}
    by_segment = {"p": account(counts_segments=True, **sender)}
    assert cut(decide([run(1, segments=5)], by_message, {}, at(0))) == 20
    assert cut(decide([run(1, segments=5)], by_segment, {}, at(0))) == 4


def test_what_is_outstanding_counts_with_its_own_segments():
    accounts = {"p": account(counts_segments=True, outstanding=8)}
    dear, cheap = run(1, 0, segments=10), run(2, 1000)
    held = {Claim("p", 1): 8}
    assert cut(decide([dear, cheap], accounts, {}, at(0), held=held)) == 20


def test_a_message_dearer_than_two_quanta_goes_alone():
    accounts = {"p": account(per_second=1.0, counts_segments=True)}
    assert cut(decide([run(1, segments=10)], accounts, {}, at(0))) == 1
    busy = {"p": replace(accounts["p"], outstanding=1)}
    assert cut(decide([run(1, segments=10)], busy, {}, at(0), held={Claim("p", 1): 1})) == 0


def test_what_waits_for_a_limit_is_outstanding_below_it():
    """Or each tick would cut the next rows, only to see them handed back as well."""
    limit = Limit("team:x", 0.1)
    waits = run(1, 10, limits=(limit,))
    waits = replace(waits, lanes=(replace(waits.lanes[0], next_seq=1, later=1),))
    assert cut(decide([waits], UNLIMITED, {}, at(0))) == 0


def broken(**changes: object) -> dict[str, Account]:
    return {**CHAIN, "p": replace(CHAIN["p"], health=OPEN, **changes)}


def test_what_a_probe_leaves_of_a_slice_is_cut_in_the_same_tick():
    came_back = run(1, 20)
    came_back = replace(came_back, lanes=(replace(came_back.lanes[0], next_seq=20, returned=20),))
    waiting = {LaneKey(1, 0): [Slice(1, 0, "returned", 0, 20, 20, None, 7, at(0))]}
    decision = decide([came_back], broken(), waiting, at(0))
    assert (cut(decision, provider="p"), cut(decision, provider="q")) == (1, 19)
    assert (decision.used, decision.rests) == ([7], [])


def test_one_probe_holds_up_nobody_else():
    """A thousand slow runs want one message each, and one of these is the probe."""
    decision = decide([run(number, 1) for number in range(1, 50)], broken(), {}, at(0))
    assert (cut(decision, provider="p"), cut(decision, provider="q")) == (1, 48)


def test_beside_limited_batches_the_others_leave_room():
    runs = [run(1, limits=(Limit("campaign:x", 10.0),)), run(2)]
    decision = decide(runs, {"p": account()}, {}, at(0))
    assert {bool(b.limits): b.interleaved for b in decision.batches} == {True: False, False: True}
    assert not any(b.interleaved for b in decide([run(2)], {"p": account()}, {}, at(0)).batches)


def test_a_slice_that_made_the_probe_is_not_cut_again():
    came_back = run(1, 20)
    came_back = replace(came_back, lanes=(replace(came_back.lanes[0], next_seq=20, returned=20),))
    one = Slice(1, 0, "returned", 0, 1, 1, None, 7, at(0))
    rest = Slice(1, 0, "returned", 1, 20, 19, None, 8, at(0))
    decision = decide([came_back], broken(), {LaneKey(1, 0): [one, rest]}, at(0))
    stretches = [(p.lo, p.hi) for batch in decision.batches for p in batch.slices]
    assert sorted(stretches) == [(0, 1), (1, 20)]
    assert decision.used == [7, 8]
