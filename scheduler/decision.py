"""One tick's decision: gates, dues, shares and slices, from what it found, without touching it.

Pure: takes ``now``, does no I/O.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from campaigns.schedule.windows import Interval, active_intervals, at, following
from scheduler import cutting, pacing
from scheduler.allocation import max_min
from scheduler.model import Account, Batch, RunChange, RunState, Slice
from scheduler.pacing import GUARD, QUANTUM, Line

#: Never more than this many quanta of a provider's ceiling are cut and not yet claimed, so that a
#: change of mind (pause, rate, share) is felt at once.
OUTSTANDING_QUANTA = 2

#: The same for an account without a ceiling, in messages.
OUTSTANDING_WITHOUT_CEILING = 20_000

#: Sends are spread up to this long before the gate closes.
_MARGIN = GUARD / 2


@dataclass(frozen=True, slots=True)
class Demand:
    """What one run wants from its provider in this tick."""

    run: RunState
    amount: int
    gate: Interval | None
    line: Line | None
    spread: Interval


@dataclass(slots=True)
class Decision:
    """What to write: batches to cut, waiting slices used up or split, runs that changed."""

    batches: list[Batch] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    rests: list[Slice] = field(default_factory=list)
    changes: list[RunChange] = field(default_factory=list)


def demand(run: RunState, now: datetime) -> Demand:
    """What ``run`` wants now, and the gate behind which its claims are granted."""
    intervals = active_intervals(run.window)
    current = at(intervals, now) or following(intervals, now)
    if current is None:
        return Demand(run, 0, None, run.line, Interval(now, now))
    gate = Interval(current.start, max(current.end - GUARD, current.start))
    opens_soon = current.start < now + QUANTUM
    if run.paused or not opens_soon:
        return Demand(run, 0, gate, run.line, Interval(now, now))
    finish = run.window.finish
    if finish is None or current.start >= finish:
        start = max(now, current.start)
        return Demand(run, run.remaining + run.retries, gate, None, Interval(start, start))
    paced = [interval for interval in intervals if interval.end <= finish]
    amount, line = pacing.due(run.line, run.remaining, paced, now)
    start = max(now, current.start)
    end = max(start, min(pacing.horizon(paced, now), gate.end - _MARGIN))
    return Demand(run, amount + run.retries, gate, line, Interval(start, end))


def capacity(account: Account) -> int:
    """How many messages may be cut for this account now."""
    if account.cooling:
        return 0
    ceiling = OUTSTANDING_WITHOUT_CEILING
    if account.per_second is not None:
        quanta = OUTSTANDING_QUANTA * QUANTUM.total_seconds()
        ceiling = max(1, math.floor(account.per_second * quanta))
    return max(0, ceiling - account.outstanding)


def grants(
    demands: Sequence[Demand], account: Account, rotation: int
) -> dict[tuple[int, int], int]:
    """Messages per run and lane: test sends first, the others by max-min fairness."""
    room = capacity(account)
    shares: dict[tuple[int, int], int] = {}
    for tests in (True, False):
        wanted = {d.run.key: d.amount for d in demands if d.run.is_test is tests}
        part = max_min(wanted, room, rotation=rotation)
        shares |= part
        room -= sum(part.values())
    return shares


def decide(
    runs: Iterable[RunState],
    accounts: Mapping[str, Account],
    waiting: Mapping[tuple[int, int], Sequence[Slice]],
    now: datetime,
    *,
    rotation: int = 0,
) -> Decision:
    """Everything that one tick hands out."""
    by_provider: dict[str, list[Demand]] = {}
    for run in runs:
        by_provider.setdefault(run.provider, []).append(demand(run, now))
    decision = Decision()
    for provider, demands in by_provider.items():
        account = accounts.get(provider)
        shares = grants(demands, account, rotation) if account else {}
        pieces: list[tuple[Interval, Slice]] = []
        for wanted in demands:
            granted = shares.get(wanted.run.key, 0)
            pieces += _hand_out(decision, wanted, granted, waiting)
        decision.batches += cutting.pack(provider, pieces)
    return decision


def _hand_out(
    decision: Decision,
    wanted: Demand,
    granted: int,
    waiting: Mapping[tuple[int, int], Sequence[Slice]],
) -> list[tuple[Interval, Slice]]:
    run = wanted.run
    taken, rests, next_seq = cutting.carve(
        run.key, granted, waiting.get(run.key, ()), run.next_seq, run.hi
    )
    decision.used += [piece.slice_id for piece in taken if piece.slice_id is not None]
    decision.rests += rests
    change = RunChange(*run.key, next_seq, wanted.line, wanted.gate)
    if change != RunChange(*run.key, run.next_seq, run.line, run.gate):
        decision.changes.append(change)
    return [(wanted.spread, piece) for piece in taken]
