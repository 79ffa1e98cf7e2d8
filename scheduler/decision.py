"""One tick's decision: gates, dues, shares and slices, from what it found, without touching it.

Pure: takes ``now``, does no I/O.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from campaigns.schedule.windows import Interval
from scheduler import cutting, pacing, sharing
from scheduler.allocation import LANES, max_min
from scheduler.demand import Demand, LaneDemand, Waiting, demand
from scheduler.dormancy import dormant_until
from scheduler.model import Account, Batch, LaneChange, LaneKey, Limit, Run, RunChange, Slice
from scheduler.outstanding import outstanding


@dataclass(slots=True)
class Decision:
    """What to write: batches, waiting slices used up or split, lanes and runs that changed."""

    batches: list[Batch] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    rests: list[Slice] = field(default_factory=list)
    lanes: list[LaneChange] = field(default_factory=list)
    runs: list[RunChange] = field(default_factory=list)
    #: Runs that need not be asked again before a moment, unless something about them changes.
    dormant: dict[int, datetime] = field(default_factory=dict)


def decide(
    runs: Sequence[Run],
    accounts: Mapping[str, Account],
    waiting: Waiting,
    now: datetime,
    *,
    used: Mapping[str, int] | None = None,
    held: Mapping[sharing.Claim, int] | None = None,
    tick: int = 0,
    dormant: Container[int] = (),
) -> Decision:
    """Everything that one tick hands out.

    ``used`` says how many messages are outstanding below each limit of a sender or a team, ``held``
    how many of each run at each account. ``tick`` is counted up, so that what does not divide
    evenly goes to everybody in turn. The runs in ``dormant`` are not asked: an earlier decision
    said that they want nothing yet.
    """
    awake = [run for run in runs if run.run_id not in dormant]
    demands = {run.run_id: demand(run, waiting, now, tick=tick) for run in awake}
    load = outstanding(runs, accounts, used or {}, held or {})
    accounts = load.accounts
    wishes = sharing.wishes(demands.values(), waiting, accounts, now)
    granted = sharing.shares(wishes, accounts, load.limits, now, held=load.held, tick=tick)
    decision = Decision()
    # Of a thousand slow runs few want anything in one tick.
    cutters = {
        part.lane.lane.key: _Cutter(part.lane, waiting.get(part.lane.lane.key, ()))
        for wish in wishes.values()
        for part in wish.parts
    }
    _cut_batches(decision, wishes, granted, cutters, accounts, now, tick)
    for run_id, wanted in demands.items():
        lanes, changed = list(_lane_changes(wanted, cutters)), list(_run_changes(wanted, cutters))
        decision.lanes += lanes
        decision.runs += changed
        if not (wanted.amount or lanes or changed) and (until := dormant_until(wanted, now)):
            decision.dormant[run_id] = until
    for cutter in cutters.values():
        decision.used += cutter.used
        decision.rests += cutter.rests()
    return decision


class _Cutter:
    """What is left of a lane while several accounts are served from it."""

    def __init__(self, wanted: LaneDemand, waiting: Sequence[Slice]) -> None:
        self._lane = wanted.lane
        self._paced = wanted.paced
        self._waiting = list(waiting)
        self.next_seq = wanted.lane.next_seq
        self.used: list[int] = []
        self.taken = 0

    def take(self, part: sharing.Part, amount: int, retries: Sequence[Slice]) -> Iterator[Slice]:
        """Cut ``amount`` messages: of ``retries`` first, then what came back, then fresh rows.

        Of what is paced it is less where another account got some of it already.
        """
        again = min(amount, part.retries)
        yield from self._cut(again, retries, self._lane.next_seq, self._lane.next_seq)
        offered = [piece for piece in self._waiting if piece.kind != "retry"]
        paced = min(amount - again, part.paced, self._paced)
        self._paced -= paced
        yield from self._cut(paced, offered, self.next_seq, self._lane.hi)

    def _cut(
        self, amount: int, offered: Sequence[Slice], next_seq: int, hi: int
    ) -> Iterator[Slice]:
        taken, rests, reached = cutting.carve(self._lane.key, amount, offered, next_seq, hi)
        self.next_seq = max(self.next_seq, reached)
        # No two of a lane's slices begin at the same row.
        gone = {piece.lo for piece in taken}
        self._waiting = [*(piece for piece in self._waiting if piece.lo not in gone), *rests]
        self.used += [piece.slice_id for piece in taken if piece.slice_id is not None]
        self.taken += sum(piece.messages for piece in taken)
        yield from taken

    def rests(self) -> list[Slice]:
        """What is left of slices that were split."""
        return [piece for piece in self._waiting if piece.slice_id is None]

    def retries(self) -> list[Slice]:
        """Slices that wait to be tried again."""
        return [piece for piece in self._waiting if piece.kind == "retry"]


def _cut_batches(
    decision: Decision,
    wishes: Mapping[sharing.Claim, sharing.Wish],
    granted: Mapping[sharing.Claim, int],
    cutters: Mapping[LaneKey, _Cutter],
    accounts: Mapping[str, Account],
    now: datetime,
    tick: int,
) -> None:
    pieces: dict[tuple[str, tuple[Limit, ...]], list[tuple[Interval, Slice]]] = {}
    for claim, amount in granted.items():
        run = wishes[claim].run
        limits = accounts[claim.account].limits(run)
        for part, share in _by_lane(wishes[claim].parts, amount, tick):
            cutter = cutters[part.lane.lane.key]
            retries = [
                piece
                for piece in (cutter.retries() if part.retries else ())
                if sharing.route(run.provider, piece.attempts, accounts, now, piece.bound_to)
                == claim.account
            ]
            here = pieces.setdefault((claim.account, limits), [])
            here += [(part.lane.spread, piece) for piece in cutter.take(part, share, retries)]
    limited = {name for name, limits in pieces if limits}
    for (name, limits), here in pieces.items():
        interleaved = name in limited and not limits
        decision.batches += cutting.pack(name, here, limits=limits, interleaved=interleaved)


def _by_lane(
    parts: Sequence[sharing.Part], amount: int, tick: int
) -> Iterator[tuple[sharing.Part, int]]:
    if len(parts) == 1:
        yield parts[0], amount
        return
    shares = max_min({n: p.amount for n, p in enumerate(parts)}, amount, rotation=tick, stage=LANES)
    yield from ((part, shares[n]) for n, part in enumerate(parts) if shares[n])


def _lane_changes(wanted: Demand, cutters: Mapping[LaneKey, _Cutter]) -> Iterator[LaneChange]:
    for lane in wanted.lanes:
        before = lane.lane
        line, next_seq = lane.line, before.next_seq
        if before.key in cutters:
            next_seq = cutters[before.key].next_seq
        change = LaneChange(before.key, next_seq, line, lane.gate)
        if change != LaneChange(before.key, before.next_seq, before.line, before.gate):
            yield change


def _run_changes(wanted: Demand, cutters: Mapping[LaneKey, _Cutter]) -> Iterator[RunChange]:
    run, meter = wanted.run, wanted.meter
    if meter is not None:
        keys = (lane.lane.key for lane in wanted.lanes)
        taken = sum(cutters[key].taken for key in keys if key in cutters)
        # One that nothing was taken of is read on from where it was read last, to the same effect.
        meter = run.meter if run.meter and not taken else pacing.spent(meter, taken)
    if (meter, wanted.ramped) != (run.meter, run.ramped):
        yield RunChange(run.run_id, meter, wanted.ramped)
