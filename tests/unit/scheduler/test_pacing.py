"""The pacing line: nothing is flooded, nothing is left over, fractions are carried."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.schedule.active import ActiveTime
from campaigns.schedule.windows import Interval, Window, active_intervals
from scheduler.pacing import GUARD, QUANTUM, TAIL, Line, due, horizon, metered

START = datetime(2030, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def active(*pairs: tuple[float, float]) -> ActiveTime:
    return ActiveTime(tuple(Interval(at(start), at(end)) for start, end in pairs))


def handed_out(total: int, paced: ActiveTime, ticks: list[float]) -> list[tuple[float, int]]:
    """What every tick hands out when each gets all that it asks for."""
    line: Line | None = None
    left = total
    result = []
    for tick in ticks:
        count, line = due(line, left, paced, at(tick))
        left -= count
        result.append((tick, count))
    return result


@st.composite
def plans(draw: st.DrawFn) -> tuple[int, ActiveTime, list[float]]:
    """A total, a window with pauses, and ticks that come up to 0.2 s early or late."""
    length = draw(st.integers(min_value=5, max_value=120))
    pauses = []
    for _ in range(draw(st.integers(min_value=0, max_value=3))):
        begin = draw(st.integers(min_value=0, max_value=length - 1))
        end = draw(st.integers(min_value=begin + 1, max_value=length))
        pauses.append(Interval(at(begin), at(end)))
    window = Window(START, at(length), leftover="expire", pauses=tuple(pauses))
    phase = draw(st.floats(min_value=0, max_value=0.99))
    jitter = st.floats(min_value=-0.1, max_value=0.1)
    ticks = [phase + second + draw(jitter) for second in range(length + 1)]
    total = draw(st.integers(min_value=0, max_value=50_000))
    return total, ActiveTime(tuple(active_intervals(window))), ticks


@given(plans())
@settings(max_examples=300, deadline=None)
def test_everything_is_handed_out_by_the_finish_and_nothing_twice(plan):
    total, paced, ticks = plan
    counts = [count for _, count in handed_out(total, paced, ticks)]
    assert all(count >= 0 for count in counts)
    assert sum(counts) == total


@given(plans())
@settings(max_examples=300, deadline=None)
def test_the_line_is_followed_within_one_planning_step_and_one_message(plan):
    """At no moment more is out than the line allows at the end of what was planned."""
    total, paced, ticks = plan
    if not paced:
        return
    opens, last = paced.intervals[0].start, paced.intervals[-1].end
    whole = paced.seconds(opens, last)
    first = max(at(ticks[0]), opens)
    out = 0
    for tick, count in handed_out(total, paced, ticks):
        out += count
        planned_to = max(horizon(paced, at(tick)), first)
        ahead = paced.seconds(opens, planned_to) / whole
        lost = paced.seconds(opens, at(ticks[0])) / whole
        assert out <= total * min(ahead + lost, 1) + 1


def test_a_slow_run_sends_its_messages_one_by_one_and_not_in_a_bunch():
    """12 messages in 60 s: one every 5 s."""
    paced = active((0, 60))
    moments = [t for t, count in handed_out(12, paced, [float(s) for s in range(60)]) if count]
    assert len(moments) == 12
    gaps = [b - a for a, b in pairwise(moments)]
    assert set(gaps) == {5.0}


def test_an_outage_is_spread_over_what_is_left_instead_of_being_flooded():
    paced = active((0, 100))
    ticks = [float(s) for s in range(20)] + [float(s) for s in range(60, 100)]
    counts = dict(handed_out(1000, paced, ticks))
    assert counts[10.0] == 10
    assert 19 <= counts[60.0] <= 21
    assert sum(counts.values()) == 1000


def test_a_run_that_fell_behind_is_drawn_a_new_line():
    """What came back from a pause by hand is not due at once."""
    paced = active((0, 100))
    line = Line(remaining=500.0, until=at(50))
    count, _ = due(line, 520, paced, at(50))
    assert count == 10


def test_two_beats_share_one_line():
    """A second tick in the same quantum charges only what the first one did not."""
    paced = active((0, 100))
    both = handed_out(1000, paced, [s / 2 for s in range(200)])
    assert sum(count for _, count in both) == 1000
    assert both[0][1] == 10
    assert all(count in (5, 6) for tick, count in both[1:-4])


def test_the_last_stretch_before_a_boundary_is_planned_in_one():
    paced = active((0, 10))
    near = at(10) - QUANTUM - GUARD - TAIL + timedelta(seconds=0.1)
    assert horizon(paced, near) == at(10)
    assert horizon(paced, at(3)) == at(4)


@pytest.mark.parametrize("paced", [active(), active((0, 5))])
def test_after_the_last_interval_everything_is_due(paced):
    count, _ = due(None, 7, paced, at(6))
    assert count == 7


class Unwalkable(tuple[Interval, ...]):
    """Can be asked for its places, but not walked along."""

    def __iter__(self) -> Iterator[Interval]:
        raise AssertionError


def test_a_year_of_daily_windows_is_looked_up_and_not_walked_along():
    paced = active(*((day * 86_400, day * 86_400 + 28_800) for day in range(365)))
    object.__setattr__(paced, "intervals", Unwalkable(paced.intervals))
    moment = at(200 * 86_400 + 600)
    per_second = 1_000_000 / (365 * 28_800)
    count, line = due(None, 1_000_000, paced, moment)
    left = 1_000_000 / (165 * 28_800 - 600)
    assert count == pytest.approx(left, abs=1)
    assert line.until == moment + QUANTUM
    allowed, _, _ = metered(None, per_second * 100, paced, moment)
    assert allowed > 0
