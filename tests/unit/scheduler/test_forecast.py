"""A forecast says second by second what ticks then do, and how it ends."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaigns.schedule.active import ActiveTime
from campaigns.schedule.adaptive import Health
from campaigns.schedule.flow import Turn
from campaigns.schedule.windows import Interval, Window, active_intervals
from scheduler.decision import decide
from scheduler.duties.reading import STRICT_FROM
from scheduler.forecast import Forecast, curve, forecast
from scheduler.model import Account, Lane, LaneKey, Run
from scheduler.pacing import LOOKAHEAD, Ramp
from scheduler.sharing import OUTSTANDING_QUANTA

START = datetime(2030, 1, 1, tzinfo=UTC)
ACCOUNT = "p"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def active(window: Window) -> ActiveTime:
    return ActiveTime(tuple(active_intervals(window)))


def turn(*windows: Window) -> Turn:
    return Turn(tuple(map(active, windows)), windows[0].finish)


@dataclass
class Simulated:
    """One run, tick by tick: an account that is free for it, and workers that are always there."""

    run: Run
    per_second: float | None
    #: When each message that was cut leaves, and of those that found the gate closed, when.
    left: list[datetime] = field(default_factory=list)
    back: list[tuple[datetime, LaneKey]] = field(default_factory=list)
    free_at: datetime = START

    def tick(self, now: datetime) -> None:
        self._take_back(now)
        outstanding = len(self.left) - self.by(now) + len(self.back)
        account = Account(ACCOUNT, self.per_second, outstanding, Health(), (ACCOUNT,), (5,))
        decision = decide([self.run], {ACCOUNT: account}, {}, now, tick=int(now.timestamp()))
        lanes = {lane.key: lane for lane in self.run.lanes}
        for change in decision.lanes:
            lanes[change.key] = replace(
                lanes[change.key], next_seq=change.next_seq, line=change.line, gate=change.gate
            )
        self.run = replace(self.run, lanes=tuple(lanes.values()))
        for change in decision.runs:
            self.run = replace(self.run, meter=change.meter, ramped=change.ramped)
        for batch in decision.batches:
            order = [LaneKey(s.run_id, s.lane) for s in batch.slices for _ in range(s.messages)]
            for index, key in enumerate(order):
                due = batch.spread.start + (batch.spread.end - batch.spread.start) * (
                    index / len(order)
                )
                self._send(max(due, now), lanes[key])

    def _send(self, due: datetime, lane: Lane) -> None:
        assert lane.gate is not None
        moment = due
        if self.per_second is not None:
            moment = max(due, self.free_at)
        if moment >= lane.gate.end:
            self.back.append((lane.gate.end, lane.key))
            return
        if self.per_second is not None:
            self.free_at = moment + timedelta(seconds=1 / self.per_second)
        insort(self.left, moment)

    def _take_back(self, now: datetime) -> None:
        over = [key for moment, key in self.back if moment <= now]
        self.back = [(moment, key) for moment, key in self.back if moment > now]
        self.run = replace(
            self.run,
            lanes=tuple(
                replace(lane, next_seq=lane.next_seq - over.count(lane.key))
                for lane in self.run.lanes
            ),
        )

    def by(self, moment: datetime) -> int:
        return bisect_right(self.left, moment)


def simulated(
    messages: list[int],
    windows: list[Window],
    *,
    evenly: bool,
    per_second: float | None,
    ramp: Ramp | None = None,
    own_rate: float | None = None,
    starts_at: datetime = START,
    phase: float = 0.0,
    seconds: int,
) -> Simulated:
    lanes = []
    for number, (count, window) in enumerate(zip(messages, windows, strict=True)):
        times = active(window)
        paced = times if window.finish is None else times.until(window.finish)
        lanes.append(Lane(LaneKey(1, number), 0, count, 0, times, paced))
    run = Run(
        1,
        ACCOUNT,
        starts_at,
        windows[0].finish,
        tuple(lanes),
        evenly=evenly,
        per_second=own_rate,
        ramp=ramp,
    )
    found = Simulated(run, per_second)
    for second in range(-1, seconds + 1):
        found.tick(at(second + phase))
    return found


#: How much of its gate's last second an account may waste more than is foretold, because a tick
#: plans the end of an interval between 0.9 and 1.9 s before it, and not 1.4 s.
WASTED = 0.15


def assert_alike(
    found: Forecast, seen: Simulated, window: Window, seconds: int, *, spare: float = 0.0
) -> None:
    """Never more than a quantum ahead or behind, nor by more than what is rounded and wasted.

    A ceiling starts with a whole message in each interval, whatever it has room for in the end.
    """
    ends = [interval.end for interval in active_intervals(window)]
    for second in range(seconds):
        actual = seen.by(at(second))
        capped = 0 if seen.per_second is None else sum(end <= at(second) for end in ends)
        rounded = 1 + len(seen.run.lanes) + capped + spare
        wasted = capped * WASTED * (seen.per_second or 0.0)
        low = found.expected_by(at(second - 1)) - rounded - wasted
        high = found.expected_by(at(second + 1)) + rounded
        assert low <= actual <= high, (second, low, actual, high)


spans = st.tuples(st.integers(0, 80), st.integers(2, 30)).map(
    lambda pair: Interval(at(pair[0]), at(pair[0] + pair[1]))
)


@settings(max_examples=150, deadline=None)
@given(
    messages=st.integers(0, 3000),
    finish=st.none() | st.integers(20, 90),
    expiry=st.none() | st.integers(90, 120),
    pauses=st.lists(spans, max_size=3),
    per_second=st.none() | st.floats(2, 60),
    asap=st.booleans(),
    leftover=st.sampled_from(["continue", "expire"]),
    phase=st.floats(0, 0.99),
)
def test_a_forecast_is_what_ticks_then_do(
    messages: int,
    finish: int | None,
    expiry: int | None,
    pauses: list[Interval],
    per_second: float | None,
    asap: bool,
    leftover: str,
    phase: float,
) -> None:
    window = Window(
        START,
        None if finish is None else at(finish),
        None if expiry is None else at(expiry),
        tuple(pauses),
        leftover,
    )
    evenly = finish is not None and not asap
    found = forecast([messages], [turn(window)], START, evenly=evenly, per_second=per_second)
    seen = simulated(
        [messages], [window], evenly=evenly, per_second=per_second, phase=phase, seconds=130
    )
    assert_alike(found, seen, window, 130)


@settings(max_examples=60, deadline=None)
@given(
    messages=st.lists(st.integers(0, 1000), min_size=2, max_size=3),
    pauses=st.lists(spans, min_size=3, max_size=3),
    per_second=st.floats(2, 60),
    evenly=st.booleans(),
    phase=st.floats(0, 0.99),
)
def test_lanes_with_calendars_of_their_own_are_foretold_together(
    messages: list[int], pauses: list[Interval], per_second: float, evenly: bool, phase: float
) -> None:
    windows = [Window(START, at(60), at(120), (pauses[n],)) for n in range(len(messages))]
    turns = [turn(*windows)]
    found = forecast(messages, turns, START, evenly=evenly, per_second=per_second)
    seen = simulated(
        messages, windows, evenly=evenly, per_second=per_second, phase=phase, seconds=130
    )
    # What is cut for one lane before another one opens is handed out: two quanta of the account.
    whole = Window(START, at(60), at(120), tuple(pauses[: len(messages)]))
    assert_alike(found, seen, whole, 130, spare=OUTSTANDING_QUANTA * per_second)


@settings(max_examples=60, deadline=None)
@given(
    messages=st.integers(0, 500),
    own_rate=st.floats(0.2, 20),
    pauses=st.lists(spans, max_size=2),
    evenly=st.booleans(),
    phase=st.floats(0, 0.99),
)
@example(messages=15, own_rate=0.21875, pauses=[], evenly=True, phase=0.0)
def test_a_rate_of_its_own_is_foretold(
    messages: int, own_rate: float, pauses: list[Interval], evenly: bool, phase: float
) -> None:
    window = Window(START, at(60), at(120), tuple(pauses))
    found = forecast([messages], [turn(window)], START, evenly=evenly, per_second=own_rate)
    seen = simulated(
        [messages],
        [window],
        evenly=evenly,
        # The limiter holds it as well, once several of its messages may be under way.
        per_second=own_rate if own_rate >= STRICT_FROM else None,
        own_rate=own_rate,
        phase=phase,
        seconds=130,
    )
    # A meter hands out whole messages, and forgets what goes beyond one.
    spare = 1 + own_rate * LOOKAHEAD.total_seconds()
    assert_alike(found, replace(seen, per_second=own_rate), window, 130, spare=spare)


@settings(max_examples=60, deadline=None)
@given(
    messages=st.integers(0, 2000),
    first_day=st.integers(0, 300),
    factor=st.floats(0.5, 3),
    began=st.integers(0, 86_400),
    evenly=st.booleans(),
    phase=st.floats(0, 0.99),
)
def test_a_warm_up_is_foretold_over_its_days(
    messages: int, first_day: int, factor: float, began: int, evenly: bool, phase: float
) -> None:
    """The day changes somewhere in the two minutes that are looked at, or before them."""
    ramp = Ramp(first_day, factor)
    window = Window(START, at(100), at(120))
    starts_at = at(50 - began)
    found = forecast(
        [messages],
        [turn(window)],
        START,
        evenly=evenly,
        per_second=40.0,
        ramp=ramp,
        starts_at=starts_at,
    )
    seen = simulated(
        [messages],
        [window],
        evenly=evenly,
        per_second=40.0,
        ramp=ramp,
        starts_at=starts_at,
        phase=phase,
        seconds=130,
    )
    assert_alike(found, seen, window, 130)


def test_what_is_left_waits_for_the_next_window() -> None:
    days = [Window(at(86_400 * n), at(86_400 * n + 10), at(300_000)) for n in range(5)]
    turns = [turn(replace(day, leftover="next_window")) for day in days]
    found = forecast([250], turns, START, evenly=True, per_second=10.0)
    by = [found.count_by(day.finish) for day in days if day.finish]
    # Ten seconds at 10/s, less the guard; the third day's line has room to spare.
    assert by == [97, 194, 250, 250, 250]
    assert (found.late, found.left, found.left_by_lane) == (153, 0, (0,))
    assert found.finish is not None
    assert found.finish < at(2 * 86_400 + 10)


def test_turns_are_asked_for_as_long_as_something_is_left() -> None:
    asked = []

    def turns() -> Iterator[Turn]:
        while True:
            asked.append(len(asked))
            first = at(60 * len(asked))
            yield turn(Window(first, first + timedelta(seconds=10), leftover="next_window"))

    forecast([250], turns(), START, evenly=False, per_second=10.0)
    assert asked == [0, 1, 2]


def test_without_any_ceiling_everything_leaves_at_once_and_nobody_knows_when_that_ends() -> None:
    found = forecast([3000], [turn(Window(at(5)))], START, evenly=False)
    assert (found.expected_by(at(4.9)), found.expected_by(at(5))) == (0, 3000)
    assert found.finish is None


def test_a_year_of_hours_is_a_matter_of_its_intervals() -> None:
    """Nothing is counted second by second: a year has some thousand corners."""
    nights = tuple(Interval(at(86_400 * n), at(86_400 * n + 43_200)) for n in range(365))
    window = Window(START, at(365 * 86_400), None, nights)
    found = forecast([1_000_000], [turn(window)], START, evenly=True, per_second=1.0)
    assert found.count_by(at(365 * 86_400)) == 1_000_000
    assert len(curve(found)) < 365 * 4


def test_the_curve_has_the_corners_of_what_is_expected() -> None:
    window = Window(START, at(60), at(100), (Interval(at(10), at(20)),))
    found = forecast([500], [turn(window)], START, evenly=True, per_second=50.0)
    for moment, messages in curve(found):
        assert found.expected_by(moment) == pytest.approx(messages)
    assert curve(found)[0] == (START, 0)
    assert found.expected_by(at(10)) == found.expected_by(at(20)) == pytest.approx(100)


@pytest.mark.parametrize(
    ("total", "per_second", "leftover", "late", "left"),
    [
        (1000, 40.0, "continue", 0, 0),
        # 20/s for 40 s, less what the guard keeps free.
        (1000, 20.0, "continue", 206, 0),
        (1000, 20.0, "expire", 206, 206),
        (3000, 20.0, "continue", 2206, 1012),
        (0, 20.0, "continue", 0, 0),
    ],
)
def test_how_it_ends(total: int, per_second: float, leftover: str, late: int, left: int) -> None:
    window = Window(START, at(40), at(100), (), leftover)
    found = forecast([total], [turn(window)], START, evenly=True, per_second=per_second)
    assert (found.late, found.left) == (late, left)
    assert found.count_by(at(1000)) == total - left
