"""A forecast says second by second what ticks then do, and how it ends."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.schedule.active import ActiveTime
from campaigns.schedule.adaptive import Health
from campaigns.schedule.flow import Turn
from campaigns.schedule.windows import Interval, Window, active_intervals
from scheduler.decision import decide
from scheduler.forecast import Forecast, forecast
from scheduler.model import Account, Lane, LaneKey, Run
from scheduler.pacing import Ramp, RampState

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
        START,
        windows[0].finish,
        tuple(lanes),
        evenly=evenly,
        per_second=own_rate,
        ramp=ramp,
        ramped=None if ramp is None else RampState(0, 0),
    )
    found = Simulated(run, per_second)
    for second in range(-1, seconds + 1):
        found.tick(at(second + phase))
    return found


#: How much of its gate's last second an account may waste more than is foretold, because a tick
#: plans the end of an interval between 0.9 and 1.9 s before it, and not 1.4 s.
WASTED = 0.15


def assert_alike(found: Forecast, seen: Simulated, window: Window, seconds: int) -> None:
    """Never more than a quantum ahead or behind, nor by more than what is rounded and wasted.

    A ceiling starts with a whole message in each interval, whatever it has room for in the end.
    """
    ends = [interval.end for interval in active_intervals(window)]
    for second in range(seconds):
        actual = seen.by(at(second))
        capped = 0 if seen.per_second is None else sum(end <= at(second) for end in ends)
        rounded = 1 + len(seen.run.lanes) + capped
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
