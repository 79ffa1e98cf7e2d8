"""A campaign's own rate: never above it, on the mean exactly at it, and no catching up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.schedule.active import ActiveTime
from campaigns.schedule.windows import Interval
from scheduler.pacing import LOOKAHEAD, QUANTUM, Meter, metered, spent

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
AHEAD = (QUANTUM + LOOKAHEAD).total_seconds()

#: 5000/day, 12/min, 200/min, whole and odd ones.
RATES = [5000 / 86_400, 12 / 60, 200 / 60, 1.0, 7.3, 1000.0]
rates = st.one_of(st.sampled_from(RATES), st.floats(min_value=1e-4, max_value=2000))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def active(*pairs: tuple[float, float]) -> ActiveTime:
    return ActiveTime(tuple(Interval(at(start), at(end)) for start, end in pairs))


def plan(
    per_second: float, open_time: ActiveTime, ticks: list[float], wishes: list[float] | None = None
) -> list[tuple[int, Interval]]:
    """What each tick hands out and where to; ``wishes`` are parts of what it would be allowed."""
    meter: Meter | None = None
    result = []
    for index, tick in enumerate(ticks):
        count, meter, spread = metered(meter, per_second, open_time, at(tick))
        granted = count if wishes is None else round(count * wishes[index % len(wishes)])
        meter = spent(meter, granted)
        result.append((granted, spread))
    return result


@st.composite
def stretches(draw: st.DrawFn) -> ActiveTime:
    """Active time in up to four stretches, some of them very short or touching."""
    edges = draw(st.lists(st.floats(min_value=0, max_value=90), min_size=2, max_size=8))
    marks = sorted({round(edge, 3) for edge in edges})
    pairs = [(a, b) for index, (a, b) in enumerate(pairwise(marks)) if index % 2 == 0]
    if draw(st.booleans()):
        pairs = list(pairwise(marks))
    return active(*pairs)


gaps = st.lists(
    st.one_of(
        st.floats(min_value=0.8, max_value=1.2), st.sampled_from([0.0, 0.5, 1.0, 1.31, 2.0, 30.0])
    ),
    min_size=1,
    max_size=80,
)
wishes = st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=10)


@given(rates, stretches(), gaps, wishes)
@settings(max_examples=300, deadline=None)
def test_whatever_the_ticks_and_grants_no_stretch_of_time_gets_more_than_the_rate_and_one(
    per_second, open_time, gaps, wishes
):
    plans = plan(per_second, open_time, list(accumulate(gaps)), wishes)
    for first, (_, spread) in enumerate(plans):
        count = 0
        for granted, later in plans[first:]:
            count += granted
            if count:
                seconds = open_time.seconds(spread.start, later.end)
                assert count <= per_second * seconds + 1 + 1e-5


@given(stretches(), gaps, rates)
@settings(max_examples=200, deadline=None)
def test_plans_lie_in_active_time_and_never_overlap(open_time, gaps, per_second):
    ticks = list(accumulate(gaps))
    plans = plan(per_second, open_time, ticks)
    for (count, spread), tick in zip(plans, ticks, strict=True):
        assert count >= 0
        assert at(tick) <= spread.start <= spread.end
        if count:
            stretch = open_time.at(spread.start)
            assert stretch is not None
            assert spread.end <= stretch.end
    planned = [spread for count, spread in plans if count]
    assert all(before.end <= after.start for before, after in pairwise(planned))


@pytest.mark.parametrize("per_second", RATES)
def test_with_demand_always_there_the_mean_is_the_rate_within_one_message(per_second):
    plans = plan(per_second, active((0, 1e6)), [float(tick) for tick in range(5000)])
    out = 0
    for tick, (count, _) in enumerate(plans):
        out += count
        assert abs(out - per_second * (tick + AHEAD)) <= 1 + 1e-5


@given(st.lists(st.floats(min_value=0, max_value=0.15), min_size=2, max_size=60), rates)
@settings(deadline=None)
def test_ticks_that_come_a_little_early_or_late_lose_nothing_and_charge_nothing_twice(late, rate):
    ticks = [second + delay for second, delay in enumerate(late)]
    plans = plan(rate, active((0, 1e6)), ticks)
    planned = plans[-1][1].end - at(ticks[0])
    ideal = rate * planned.total_seconds()
    assert ideal - 1e-4 <= sum(count for count, _ in plans) <= ideal + 1 + 1e-4


@pytest.mark.parametrize("tenths", range(1, 40))
def test_fractions_add_up_to_whole_messages_whatever_floats_make_of_them(tenths):
    """Ten times 0.1 is one message, and not 0.9999999999999999 of one."""
    plans = plan(tenths / 10, active((0, 10)), [float(tick) for tick in range(10)])
    assert sum(count for count, _ in plans) == 1 + tenths


def test_a_slow_rate_sends_its_messages_one_by_one():
    """12/min: one every 5 s. Only the first plan looks further than one quantum."""
    plans = plan(12 / 60, active((0, 1e6)), [float(tick) for tick in range(60)])
    moments = [tick for tick, (count, _) in enumerate(plans) if count]
    assert moments == [0, *range(4, 60, 5)]
    assert {count for count, _ in plans} == {0, 1}


def test_after_an_outage_nothing_is_caught_up():
    ticks = [float(tick) for tick in range(10)] + [float(tick) for tick in range(600, 610)]
    counts = dict(
        zip(ticks, [count for count, _ in plan(10.0, active((0, 1e6)), ticks)], strict=True)
    )
    assert counts[9.0] == 10
    assert counts[600.0] <= 10 * AHEAD + 1
    assert counts[601.0] == 10


def test_what_was_allowed_and_not_used_is_lost_but_for_one_message():
    """A share of nothing for a minute: then the rate again, and not a minute's worth."""
    meter = None
    for tick in range(60):
        _, meter, _ = metered(meter, 10.0, active((0, 1e6)), at(tick))
        meter = spent(meter, 0)
        assert meter.credit <= 1
    count, _, _ = metered(meter, 10.0, active((0, 1e6)), at(60))
    assert count <= 11


def test_only_active_time_earns():
    """Nothing comes in a pause, and a pause of an hour is no reason to hurry after it."""
    open_time = active((0, 10), (3610, 3700))
    ticks = [float(tick) for tick in range(3620)]
    plans = plan(4.0, open_time, ticks)
    before = sum(count for count, spread in plans if spread.start < at(10))
    pause = sum(count for count, spread in plans if at(10) <= spread.start < at(3610))
    after = sum(count for count, spread in plans if at(3610) <= spread.start < at(3620))
    assert before in (40, 41)
    assert pause == 0
    assert after <= 4 * (10 + AHEAD) + 1


def test_work_for_the_start_of_a_stretch_is_planned_into_the_stretch():
    count, _, spread = metered(None, 100.0, active((10, 20)), at(9.5))
    assert spread == Interval(at(10), at(9.5) + QUANTUM + LOOKAHEAD)
    assert count in (80, 81)


def test_after_the_last_stretch_nothing_is_allowed():
    assert metered(None, 100.0, active((0, 5)), at(5))[0] == 0
    assert metered(None, 100.0, active(), at(5))[0] == 0


def test_a_rate_that_is_changed_holds_from_the_next_tick_on():
    open_time = active((0, 1e6))
    _, meter, _ = metered(None, 1.0, open_time, at(0))
    meter = spent(meter, 2)
    count, _, _ = metered(meter, 1000.0, open_time, at(1))
    assert count == 1000
