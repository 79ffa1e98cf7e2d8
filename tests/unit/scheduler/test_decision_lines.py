"""A slow line is followed through hundreds of ticks that hand out nothing, and through what holds
it up: it is never left standing until the end of its window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.schedule.active import ActiveTime
from campaigns.schedule.adaptive import Health
from campaigns.schedule.windows import Interval
from scheduler.decision import decide
from scheduler.model import Account, Lane, LaneKey, Run
from scheduler.pacing import Meter

START = datetime(2030, 1, 1, tzinfo=UTC)
LENGTH = 3600
TOTAL = 24
#: From one message to the next, in seconds.
STEP = LENGTH / TOTAL

FREE = Account("p", None, 0, Health(), chain=("p",), attempts=(5,))
RESTING = replace(FREE, health=Health(cooling_until=START + timedelta(days=1)))


def handed_out(
    *,
    ticks_at: Callable[[int], bool] = lambda second: True,
    account_at: Callable[[int], Account] = lambda second: FREE,
    returns_at: int | None = None,
    per_second: float | None = None,
) -> list[int]:
    """In which seconds a message was handed out."""
    active = ActiveTime((Interval(START, START + timedelta(seconds=LENGTH)),))
    lane = Lane(LaneKey(1, 0), 0, TOTAL, 0, active, active)
    finish = active.intervals[-1].end
    run = Run(1, "p", START, finish, (lane,), per_second=per_second)
    meter: Meter | None = None
    found = []
    for second in filter(ticks_at, range(LENGTH)):
        run = replace(run, lanes=(lane,), meter=meter)
        moment = START + timedelta(seconds=second)
        decision = decide([run], {"p": account_at(second)}, {}, moment, tick=second)
        found += [second] * sum(batch.messages for batch in decision.batches)
        for change in decision.lanes:
            next_seq, line, gate = change.next_seq, change.line, change.gate
            lane = replace(lane, next_seq=next_seq, line=line, gate=gate)
        for run_change in decision.runs:
            meter = run_change.meter
        if second == returns_at:
            # Its worker is gone: the message is to be handed out again, as a fresh one here.
            lane = replace(lane, next_seq=lane.next_seq - 1)
    return found


def longest_gap(seconds: list[int]) -> int:
    return max(later - earlier for earlier, later in zip([0, *seconds], seconds, strict=False))


def test_nothing_holds_it_up():
    found = handed_out()
    assert len(found) == TOTAL
    assert longest_gap(found) <= STEP + 1


@pytest.mark.parametrize("outage", [2, 5, 40])
@pytest.mark.parametrize("begin", range(int(5 * STEP) - 3, int(5 * STEP) + 2))
def test_no_beat_ticks_when_a_message_falls_due(begin: int, outage: int):
    found = handed_out(ticks_at=lambda second: not begin <= second < begin + outage)
    assert len(found) == TOTAL
    assert longest_gap(found) <= 2 * STEP + outage


@pytest.mark.parametrize("outage", [1, 5, 40])
def test_the_account_takes_nothing_when_a_message_falls_due(outage: int):
    begin = int(5 * STEP) - 2
    resting = range(begin, begin + outage)
    found = handed_out(account_at=lambda second: RESTING if second in resting else FREE)
    assert len(found) == TOTAL
    assert longest_gap(found) <= 2 * STEP + outage


def test_a_message_comes_back():
    found = handed_out(returns_at=int(7 * STEP) + 20)
    assert len(found) == TOTAL + 1
    assert longest_gap(found) <= 2 * STEP


def test_the_campaign_s_own_rate_is_slower_for_a_moment():
    found = handed_out(per_second=1.02 / STEP)
    assert len(found) >= TOTAL - 2
    assert longest_gap(found) <= 2 * STEP
