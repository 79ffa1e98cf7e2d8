"""Anything that a tick may find, for properties of its decision: runs, accounts, what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import strategies as st

from campaigns.schedule.active import ActiveTime
from campaigns.schedule.adaptive import Health
from campaigns.schedule.windows import Interval, Window, active_intervals
from scheduler.decision import Decision, decide
from scheduler.model import Account, Lane, LaneKey, Limit, Run, Slice, SliceKind
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


_RATES = (7.0, 50.0, 50.0, 2.0, 1.0, 0.3, 1 / 60, 300.0, None)


class _Chance(Random):
    """Mostly ordinary things, or two strange ones that matter to each other would hardly meet."""

    def seldom(self) -> bool:
        return self.random() < 0.25


def worlds(*, plain: bool = False) -> st.SearchStrategy[World]:
    """Anything that a tick may find.

    Where it is ``plain``, nothing but their account limits the runs, a message is one unit, and
    nobody holds anything. Made from a seed, because what is drawn choice by choice is mostly small
    and alike.
    """
    return st.integers(0, 2**32).map(lambda seed: _world(_Chance(seed), plain))


def _health(chance: _Chance) -> Health:
    """Well, resting for a short or long time, or with an open circuit."""
    if chance.random() < 0.6:
        return Health()
    rest = chance.choice([None, -1.0, 0.5, 29.0, 31.0, 3600.0])
    cooling = None if rest is None else at(rest)
    return Health(3, "open", cooling) if chance.random() < 0.5 else Health(cooling_until=cooling)


def _accounts(chance: _Chance) -> dict[str, Account]:
    """Up to three accounts, of which each may name the next one as its fallback."""
    names = CHAIN[: chance.randint(1, 3)]
    linked = [not chance.seldom() for _ in names]
    attempts = [chance.randint(1, 3) for _ in names]
    found = {}
    for place, name in enumerate(names):
        end = place + 1
        while end < len(names) and linked[end - 1]:
            end += 1
        found[name] = Account(
            name,
            chance.choice(_RATES),
            chance.choice([0, 0, 0, 1, 5, 90]),
            _health(chance),
            chain=tuple(names[place:end]),
            attempts=tuple(attempts[place:end]),
            counts_segments=chance.random() < 0.5,
            per_sender=chance.choice([None, None, 0.5, 4.0]),
        )
    return found


def _window(chance: _Chance) -> Window:
    """Around ``START``, now and then with boundaries near to it."""
    if not chance.seldom():
        return Window(at(-10), chance.choice([None, at(40)]))
    start = chance.choice([-3600.0, -10.0, 0.0, 0.4, 0.99, 1.0, 5.0])
    length = chance.choice([None, 0.1, 1.0, 10.05, 10.2, 11.0, 30.0, 7200.0])
    finish = None if length is None else at(start + length)
    expiry = None
    if chance.random() < 0.5:
        expiry = (finish or at(start)) + timedelta(seconds=chance.choice([0.2, 3.0, 86400]))
    pauses = []
    if chance.random() < 0.5:
        begin = chance.choice([-20.0, -1.0, 0.0, 0.2, 0.7, 1.1, 4.0])
        pauses.append(Interval(at(begin), at(begin + chance.choice([0.1, 0.8, 2.0, 60.0]))))
    return Window(at(start), finish, expiry, tuple(pauses))


def _lane(
    chance: _Chance,
    key: LaneKey,
    lo: int,
    window: Window,
    ids: Iterator[int],
    doubts: Sequence[str | None],
) -> tuple[Lane, tuple[Slice, ...]]:
    """A lane from ``lo`` on, and what waits in it; ``doubts``: where retries may be in doubt."""
    hi = lo + chance.choice([40, 40, 600, 30_000, 3, 1, 0])
    next_seq = chance.choice([lo, chance.randint(lo, min(hi, lo + 60)), min(hi, lo + 40)])
    waiting: list[Slice] = []
    place, later = lo, 0
    while place < next_seq:
        end = chance.randint(place + 1, min(next_seq, place + 20))
        kind: SliceKind | None = chance.choice(["retry", "returned", None])
        if kind is None and chance.random() < 0.5:
            later += end - place
        elif kind is not None:
            seqs = None
            if chance.random() < 0.5:
                seqs = sorted(chance.sample(range(place, end), chance.randint(1, end - place)))
            bounds = (place, end) if seqs is None else (seqs[0], seqs[-1] + 1)
            count = end - place if seqs is None else len(seqs)
            attempts = chance.randint(1, 7) if kind == "retry" else 0
            bound = chance.choice(doubts) if attempts else None
            waiting.append(
                Slice(*key, kind, *bounds, count, seqs, next(ids), at(-1), attempts, bound_to=bound)
            )
        place = end
    active = ActiveTime(tuple(active_intervals(window)))
    paced = active if window.finish is None else active.until(window.finish)
    returned = sum(piece.messages for piece in waiting if piece.kind == "returned")
    lane = Lane(key, lo, hi, next_seq, active, paced, returned, later)
    if chance.random() < 0.5:
        left = chance.uniform(0, max(lane.remaining, 1))
        lane = replace(lane, line=Line(left, at(chance.choice([-9.0, -0.1, 0.6]))))
    return lane, tuple(waiting)


def _world(chance: _Chance, plain: bool) -> World:
    found = _accounts(chance)
    ids = iter(range(1, 10_000))
    waiting: dict[LaneKey, tuple[Slice, ...]] = {}
    runs = []
    doubts = (None,) if plain else (None, None, *CHAIN)
    if plain:
        name, one = next(iter(found.items()))
        found = {name: replace(one, chain=(name,), attempts=one.attempts[:1], per_sender=None)}
    for run_id in range(1, chance.randint(1, 6) + 1):
        window = _window(chance)
        lanes = []
        lo = 0
        for number in range(chance.choice([1, 1, 2])):
            other = replace(_window(chance), finish=None) if number else window
            lane, pieces = _lane(chance, LaneKey(run_id, number), lo, other, ids, doubts)
            lanes.append(replace(lane, later=0) if plain else lane)
            if pieces:
                waiting[lane.key] = pieces
            lo = lane.hi
        run = Run(
            run_id,
            chance.choice([*[*found] * 4, "gone"]),
            chance.choice([at(-90_000), at(-10), at(0)]),
            window.finish,
            tuple(lanes),
            paused=chance.random() < 0.1,
            evenly=chance.seldom(),
            priority=chance.randint(0, 2),
            weight=chance.choice([1, 1, 2, 7, 1000]),
        )
        runs.append(run if plain else _limited(chance, run))
    used = {limit.key: chance.choice([0, 0, 1, 50]) for limit in LIMITS}
    return World(tuple(runs), found, waiting, used, {}, at(0), chance.randint(0, 10**9))


def _limited(chance: _Chance, run: Run) -> Run:
    run = replace(
        run,
        segments=chance.choice([1, 1, 2, 10]),
        sender=chance.choice("ab"),
        limits=tuple(chance.sample(LIMITS, chance.choice([0, 0, 1, 2]))),
    )
    if chance.seldom():
        meter = None
        if chance.random() < 0.5:
            meter = Meter(chance.uniform(0, 1), at(chance.choice([-50.0, -0.5, 0.0, 0.3])))
        run = replace(run, per_second=chance.choice([0.01, 0.5, 5.0, 100.0]), meter=meter)
    if chance.seldom():
        handed_out = sum(lane.handed_out for lane in run.lanes)
        state = None
        if chance.random() < 0.5:
            state = RampState(chance.randint(0, 1), chance.randint(0, handed_out))
        ramp = Ramp(chance.choice([0, 1, 30, 500]), chance.choice([1.0, 2.0]))
        run = replace(run, ramp=ramp, ramped=state)
    return run
