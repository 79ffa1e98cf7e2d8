"""Anything that a tick may find, for properties of its decision: runs, accounts, what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from campaigns.schedule.active import ActiveTime
from campaigns.schedule.adaptive import Health
from campaigns.schedule.windows import Interval, Window, active_intervals
from scheduler.decision import Decision, decide
from scheduler.model import Account, Lane, LaneKey, Limit, Run, Slice
from scheduler.pacing import Line, Meter, Ramp, RampState
from scheduler.sharing import Claim

START = datetime(2030, 1, 1, tzinfo=UTC)

CHAIN = ("p", "q", "r")
LIMITS = (Limit("team:x", 3.0), Limit("team:y", 40.0), Limit("team:z", 0.2))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@dataclass(frozen=True)
class World:
    """What a tick finds, and what it decides about it."""

    runs: tuple[Run, ...]
    accounts: Mapping[str, Account]
    waiting: Mapping[LaneKey, tuple[Slice, ...]]
    used: Mapping[str, int]
    held: Mapping[Claim, int]
    now: datetime
    tick: int
    #: The id that the next waiting slice gets.
    next_id: int = field(default=10_000, compare=False)

    def decide(self) -> Decision:
        return decide(
            self.runs,
            self.accounts,
            self.waiting,
            self.now,
            used=self.used,
            held=self.held,
            tick=self.tick,
        )

    def run(self, run_id: int) -> Run:
        return next(run for run in self.runs if run.run_id == run_id)

    def lane(self, key: LaneKey) -> Lane:
        return next(lane for lane in self.run(key.run_id).lanes if lane.key == key)

    def after(self, decision: Decision, seconds: float = 1.0) -> World:
        """What the next tick finds if nobody claims anything in between."""
        waiting = {
            key: tuple(piece for piece in pieces if piece.slice_id not in decision.used)
            for key, pieces in self.waiting.items()
        }
        next_id = self.next_id
        for rest in decision.rests:
            key = LaneKey(rest.run_id, rest.lane)
            waiting[key] = (*waiting[key], replace(rest, slice_id=next_id))
            next_id += 1
        lanes = {change.key: change for change in decision.lanes}
        states = {change.run_id: change for change in decision.runs}
        runs = []
        for run in self.runs:
            after = []
            for lane in run.lanes:
                change = lanes.get(lane.key)
                pieces = waiting.get(lane.key, ())
                returned = sum(piece.messages for piece in pieces if piece.kind == "returned")
                lane = replace(lane, returned=returned)
                if change is not None:
                    lane = replace(
                        lane, next_seq=change.next_seq, line=change.line, gate=change.gate
                    )
                after.append(lane)
            state = states.get(run.run_id)
            run = replace(run, lanes=tuple(after))
            if state is not None:
                run = replace(run, meter=state.meter, ramped=state.ramped)
            runs.append(run)
        used, held = Counter(self.used), Counter(self.held)
        cut = Counter[str]()
        for batch in decision.batches:
            cut[batch.provider] += batch.messages
            for piece in batch.slices:
                held[Claim(batch.provider, piece.run_id)] += piece.messages
            for limit in batch.limits:
                used[limit.key] += batch.messages
        accounts = {
            name: replace(account, outstanding=account.outstanding + cut[name])
            for name, account in self.accounts.items()
        }
        now = self.now + timedelta(seconds=seconds)
        return World(tuple(runs), accounts, waiting, used, held, now, self.tick + 1, next_id)


def rows_of(piece: Slice) -> list[int]:
    """The places in the ledger that a slice names."""
    return list(range(piece.lo, piece.hi)) if piece.seqs is None else list(piece.seqs)


def cut_pieces(decision: Decision) -> Iterator[tuple[str, Interval, Slice]]:
    """Everything that was cut: account, spread, slice."""
    for batch in decision.batches:
        for piece in batch.slices:
            yield batch.provider, batch.spread, piece


def cut(decision: Decision, run_id: int | None = None, provider: str | None = None) -> int:
    """Messages cut, of one run or account if named."""
    return sum(
        piece.messages
        for name, _, piece in cut_pieces(decision)
        if run_id in (None, piece.run_id) and provider in (None, name)
    )


_rates = st.sampled_from([None, 1 / 60, 0.3, 1.0, 2.0, 7.0, 50.0, 300.0])


@st.composite
def healths(draw: st.DrawFn) -> Health:
    """Well, resting for a short or long time, or with an open circuit."""
    rest = draw(st.sampled_from([None, None, -1.0, 0.5, 29.0, 31.0, 3600.0]))
    cooling = None if rest is None else at(rest)
    if draw(st.integers(0, 3)) == 0:
        return Health(3, "open", cooling)
    return Health(cooling_until=cooling)


@st.composite
def accounts(draw: st.DrawFn) -> dict[str, Account]:
    """Up to three accounts, of which each may name the next one as its fallback."""
    names = CHAIN[: draw(st.integers(1, 3))]
    linked = [draw(st.booleans()) for _ in names]
    attempts = [draw(st.integers(1, 3)) for _ in names]
    found = {}
    for place, name in enumerate(names):
        end = place + 1
        while end < len(names) and linked[end - 1]:
            end += 1
        found[name] = Account(
            name,
            draw(_rates),
            draw(st.sampled_from([0, 0, 0, 1, 5, 90, 700])),
            draw(healths()),
            chain=tuple(names[place:end]),
            attempts=tuple(attempts[place:end]),
            counts_segments=draw(st.booleans()),
            per_sender=draw(st.sampled_from([None, None, 0.5, 4.0])),
        )
    return found


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Around ``START``, often with a boundary near to it."""
    start = draw(st.sampled_from([-3600.0, -10.0, 0.0, 0.4, 0.99, 1.0, 5.0]))
    length = draw(st.sampled_from([None, 0.1, 1.0, 10.05, 10.2, 11.0, 30.0, 7200.0]))
    finish = None if length is None else at(start + length)
    expiry = None
    if draw(st.booleans()):
        expiry = (finish or at(start)) + timedelta(seconds=draw(st.sampled_from([0.2, 3.0, 86400])))
    pauses = []
    if draw(st.booleans()):
        begin = draw(st.sampled_from([-20.0, -1.0, 0.0, 0.2, 0.7, 1.1, 4.0]))
        end = begin + draw(st.sampled_from([0.1, 0.8, 2.0, 60.0]))
        pauses.append(Interval(at(begin), at(end)))
    return Window(at(start), finish, expiry, tuple(pauses))


@st.composite
def lanes(
    draw: st.DrawFn, key: LaneKey, lo: int, window: Window, ids: Iterator[int]
) -> tuple[Lane, tuple[Slice, ...]]:
    """A lane from ``lo`` on, and what waits in it."""
    hi = lo + draw(st.sampled_from([0, 1, 3, 40, 600, 30_000]))
    next_seq = draw(st.integers(lo, min(hi, lo + 60))) if draw(st.booleans()) else lo
    waiting: list[Slice] = []
    place, later = lo, 0
    while place < next_seq:
        end = draw(st.integers(place + 1, next_seq))
        kind = draw(st.sampled_from(["gone", "later", "returned", "retry"]))
        seqs = None
        if draw(st.booleans()):
            seqs = sorted(draw(st.sets(st.integers(place, end - 1), min_size=1, max_size=9)))
        if kind == "later":
            later += end - place
        elif kind != "gone":
            bounds = (place, end) if seqs is None else (seqs[0], seqs[-1] + 1)
            count = end - place if seqs is None else len(seqs)
            attempts = draw(st.integers(1, 7)) if kind == "retry" else 0
            waiting.append(
                Slice(*key, kind, *bounds, count, seqs, next(ids), at(-1), attempts)  # type: ignore[arg-type]
            )
        place = end
    active = ActiveTime(tuple(active_intervals(window)))
    paced = active if window.finish is None else active.until(window.finish)
    returned = sum(piece.messages for piece in waiting if piece.kind == "returned")
    lane = Lane(key, lo, hi, next_seq, active, paced, returned, later)
    if draw(st.booleans()):
        line = Line(
            draw(st.floats(0, max(lane.remaining, 1))), at(draw(st.sampled_from([-9.0, -0.1, 0.6])))
        )
        lane = replace(lane, line=line)
    return lane, tuple(waiting)


@st.composite
def worlds(draw: st.DrawFn, *, most_runs: int = 4, plain: bool = False) -> World:
    """Anything that a tick may find.

    Where it is ``plain``, nothing but the one account limits the runs, and a message is one unit.
    """
    found = draw(accounts())
    ids = iter(range(1, 10_000))
    waiting: dict[LaneKey, tuple[Slice, ...]] = {}
    runs = []
    if plain:
        name, one = next(iter(found.items()))
        found = {name: replace(one, chain=(name,), attempts=one.attempts[:1], per_sender=None)}
    for run_id in range(1, draw(st.integers(1, most_runs)) + 1):
        window = draw(windows())
        found_lanes = []
        lo = 0
        for number in range(draw(st.integers(1, 2))):
            other = replace(draw(windows()), finish=None) if number else window
            lane, pieces = draw(lanes(LaneKey(run_id, number), lo, other, ids))
            found_lanes.append(lane)
            if pieces:
                waiting[lane.key] = pieces
            lo = lane.hi
        run = Run(
            run_id,
            draw(st.sampled_from([*found, *found, "gone"])),
            draw(st.sampled_from([at(-90_000), at(-10), at(0)])),
            window.finish,
            tuple(found_lanes),
            paused=draw(st.integers(0, 5)) == 0,
            evenly=draw(st.booleans()),
            priority=draw(st.integers(0, 2)),
            weight=draw(st.sampled_from([1, 1, 2, 7, 1000])),
        )
        runs.append(run if plain else draw(_limited(run)))
    used = {limit.key: draw(st.sampled_from([0, 0, 1, 50])) for limit in LIMITS}
    return World(tuple(runs), found, waiting, used, {}, at(0), draw(st.integers(0, 10**9)))


@st.composite
def _limited(draw: st.DrawFn, run: Run) -> Run:
    run = replace(
        run,
        segments=draw(st.sampled_from([1, 1, 2, 10])),
        sender=draw(st.sampled_from(["a", "b"])),
        limits=tuple(draw(st.sets(st.sampled_from(LIMITS), max_size=2))),
    )
    if draw(st.integers(0, 2)) == 0:
        meter = None
        if draw(st.booleans()):
            meter = Meter(draw(st.floats(0, 1)), at(draw(st.sampled_from([-50.0, -0.5, 0.0, 0.3]))))
        run = replace(run, per_second=draw(st.sampled_from([0.01, 0.5, 5.0, 100.0])), meter=meter)
    if draw(st.integers(0, 3)) == 0:
        handed_out = sum(lane.handed_out for lane in run.lanes)
        state = None
        if draw(st.booleans()):
            state = RampState(draw(st.integers(0, 1)), draw(st.integers(0, handed_out)))
        ramp = Ramp(draw(st.sampled_from([0, 1, 30, 500])), draw(st.sampled_from([1.0, 2.0])))
        run = replace(run, ramp=ramp, ramped=state)
    return run
