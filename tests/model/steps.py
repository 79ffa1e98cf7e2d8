"""Everything that can happen next: each step by its name, who does it, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.model import faults, operating, sending, ticking
from tests.model.setting import Setting
from tests.model.state import (
    CLAIMED,
    NOT_SENT,
    Beat,
    Hand,
    State,
    Worker,
    fresh_token,
    with_beat,
    with_worker,
)


class Step(NamedTuple):
    """One thing that happens: what, by or to whom, and how."""

    name: str
    who: int = 0
    what: object = None

    def __str__(self) -> str:
        how = "" if self.what is None else f" {self.what}"
        return f"{self.name}({self.who}{how})"


Successor = tuple[Step, State]

#: Steps that need neither a fault nor a person: with these alone everything must come to its end.
#: That a pause ends, and the lease of a worker that is gone, is only a matter of time.
ORDINARY = frozenset(
    {
        "lease_batch", "claim", "depart", "not_sent", "record", "finish", "begin_tick",
        "commit_tick", "tick", "publish", "lease_ends", "drop_waiting_slices", "close_rows",
        "resume", "adopt", "statement_vanishes",
    }
)  # fmt: skip


def successors(state: State, setting: Setting) -> Iterator[Successor]:
    """Every step that may come next, with the state after it."""
    for number, worker in enumerate(state.workers):
        if worker.token:
            yield from _at_work(state, setting, number, worker)
        else:
            yield from _idle(state, setting, number)
    for number, beat in enumerate(state.beats):
        yield from _ticking(state, setting, number, beat)
    for name, who, what, after in operating.successors(state, setting):
        yield Step(name, who, what), after
    for name, who, what, after in faults.successors(state, setting):
        yield Step(name, who, what), after


def _idle(state: State, setting: Setting, number: int) -> Iterator[Successor]:
    for batch_id in sorted(set(state.queue)):
        left = list(state.queue)
        left.remove(batch_id)
        after = state._replace(queue=tuple(left))
        token = fresh_token(state)
        leased = sending.lease_batch(after, setting, batch_id, token)
        if leased is not None:
            batch = leased.batch(batch_id)
            rows = batch.rows if batch is not None and setting.journal else ()
            after = with_worker(leased, number, Worker(batch_id, token, (), rows))
        yield Step("lease_batch", number, batch_id), after


def _at_work(state: State, setting: Setting, number: int, worker: Worker) -> Iterator[Successor]:
    can_take = len(sending.claimable(state, setting, worker.batch, worker.token))
    for amount in sorted({min(chunk, can_take) for chunk in setting.chunks if can_take}):
        after, granted = sending.claim(state, setting, worker.batch, worker.token, amount)
        hands = tuple(sorted((*worker.hands, *granted)))
        yield (
            Step("claim", number, amount),
            with_worker(after, number, worker._replace(hands=hands)),
        )
    for hand in worker.hands:
        if hand.outcome == CLAIMED:
            yield from _departures(state, setting, number, worker, hand)
    answered = answered_by(worker)
    if answered:
        after = sending.record(state, setting, worker.token, answered)
        hands = tuple(hand for hand in worker.hands if hand.outcome == CLAIMED)
        yield Step("record", number), with_worker(after, number, worker._replace(hands=hands))
    if not worker.hands:
        after = sending.finish(state, setting, worker.batch, worker.token)
        yield Step("finish", number), with_worker(after, number, Worker())


def answered_by(worker: Worker) -> tuple[Hand, ...]:
    """What the worker knows the outcome of, if only that it cannot be known."""
    return tuple(hand for hand in worker.hands if hand.outcome != CLAIMED)


def _departures(
    state: State, setting: Setting, number: int, worker: Worker, hand: Hand
) -> Iterator[Successor]:
    others = tuple(one for one in worker.hands if one is not hand)
    stayed = worker.stayed
    if setting.guards.journal_first:
        stayed = tuple(seq for seq in stayed if seq != hand.seq)
    noted = worker._replace(stayed=stayed)
    for answer in setting.answers:
        after, told = sending.depart(state, setting, hand, answer)
        holding = noted._replace(hands=tuple(sorted((*others, told))))
        yield Step("depart", number, (hand.seq, answer)), with_worker(after, number, holding)
    # Too late, no permit, no connection: the request certainly never left.
    kept = Hand(hand.seq, 0, NOT_SENT)
    holding = worker._replace(hands=tuple(sorted((*others, kept))))
    yield Step("not_sent", number, hand.seq), with_worker(state, number, holding)


def _ticking(state: State, setting: Setting, number: int, beat: Beat) -> Iterator[Successor]:
    if beat.at == "publishing":
        first, *rest = beat.publish
        after = Beat("publishing", publish=tuple(rest)) if rest else Beat()
        published = state._replace(queue=tuple(sorted((*state.queue, first))))
        yield Step("publish", number, first), with_beat(published, number, after)
    elif beat.at == "deciding":
        yield from _commits(state, setting, number, beat, "commit_tick")
    elif ticking.is_due(state, setting):
        locked = any(other.at == "deciding" for other in state.beats)
        if locked and setting.guards.advisory_lock:
            return
        seen = ticking.read(state, setting)
        if setting.atomic_ticks:
            yield from _commits(state, setting, number, seen, "tick")
        else:
            yield Step("begin_tick", number), with_beat(state, number, seen)


def _commits(
    state: State, setting: Setting, number: int, beat: Beat, name: str
) -> Iterator[Successor]:
    there = len(state.rows) if beat.open else 0
    for cut in sorted({min(cut, there) for cut in setting.cuts}):
        # The transaction's own messages are counted after it: the beat holds none yet.
        after, publish = ticking.commit(with_beat(state, number, Beat()), setting, beat, cut)
        then = Beat("publishing", publish=publish) if publish else Beat()
        yield Step(name, number, cut), with_beat(after, number, then)
