"""What goes wrong: processes that die or stop, messages and answers that get lost or come twice."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model import sending
from tests.model.operating import Happening
from tests.model.setting import Setting
from tests.model.state import (
    CLAIMED,
    Beat,
    Journal,
    State,
    Statement,
    Worker,
    spend,
    with_beat,
    with_worker,
)


def successors(state: State, setting: Setting) -> Iterator[Happening]:
    yield from _deaths(state, setting)
    yield from _leases(state)
    yield from _messages(state)
    yield from _answers(state, setting)
    yield from _statements(state, setting)
    yield from _journals(state, setting)


def _deaths(state: State, setting: Setting) -> Iterator[Happening]:
    paid = spend(state, "crashes")
    if paid is None:
        return
    for number, worker in enumerate(state.workers):
        if worker.token:
            left = with_worker(paid, number, Worker())
            if setting.journal:
                left = left._replace(
                    journals=(*left.journals, Journal(worker.batch, worker.token, worker.stayed))
                )
            yield "crash", number, None, left
    for number, beat in enumerate(state.beats):
        if beat.at:
            # Its transaction is rolled back, or its messages never leave.
            yield "crash_beat", number, beat.at, with_beat(paid, number, Beat())


def _leases(state: State) -> Iterator[Happening]:
    """A lease ends: of a worker that is gone in any case, of a living one that was held up."""
    held = {worker.token for worker in state.workers}
    for batch in state.batches:
        if not batch.token or batch.ran_out:
            continue
        name, paid = "lease_ends", state if batch.token not in held else None
        if paid is None:
            name, paid = "holder_is_held_up", spend(state, "expiries")
        if paid is not None:
            batches = tuple(
                one._replace(ran_out=True) if one is batch else one for one in state.batches
            )
            yield name, 0, batch.id, paid._replace(batches=batches)


def _messages(state: State) -> Iterator[Happening]:
    for batch_id in sorted(set(state.queue)):
        if paid := spend(state, "lost"):
            left = list(state.queue)
            left.remove(batch_id)
            yield "message_is_lost", 0, batch_id, paid._replace(queue=tuple(left))
    if paid := spend(state, "repeated"):
        # The broker delivers it again, or it is published again though it was not lost.
        for batch in state.batches:
            if batch.published:
                queue = tuple(sorted((*state.queue, batch.id)))
                yield "message_comes_again", 0, batch.id, paid._replace(queue=queue)


def _answers(state: State, setting: Setting) -> Iterator[Happening]:
    """The connection breaks under a statement, which may arrive all the same, and late."""
    paid = spend(state, "answers")
    if paid is None:
        return
    for number, worker in enumerate(state.workers):
        if not worker.token:
            continue
        if sending.claimable(state, setting, worker.batch, worker.token):
            lost = Statement("claim", worker.batch, worker.token)
            yield "claim_goes_astray", number, None, _sent(paid, lost)
        told = tuple(hand for hand in worker.hands if hand.outcome != CLAIMED)
        if told:
            lost = Statement("record", worker.batch, worker.token, told)
            # It is tried again, for as long as the worker has patience,
            yield "record_goes_astray", number, None, _sent(paid, lost)
            if told == worker.hands:
                # and then the batch is left to the end of its lease.
                yield "worker_gives_up", number, None, _given_up(paid, setting, number, worker)
        if not worker.hands:
            lost = Statement("finish", worker.batch, worker.token)
            yield (
                "finish_goes_astray",
                number,
                None,
                _sent(with_worker(paid, number, Worker()), lost),
            )


def _given_up(state: State, setting: Setting, number: int, worker: Worker) -> State:
    if not setting.guards.recorded_first:
        state = sending.finish(state, setting, worker.batch, worker.token)
    return with_worker(state, number, Worker())


def _sent(state: State, statement: Statement) -> State:
    return state._replace(wire=(*state.wire, statement))


def _statements(state: State, setting: Setting) -> Iterator[Happening]:
    for number, one in enumerate(state.wire):
        left = state._replace(wire=(*state.wire[:number], *state.wire[number + 1 :]))
        yield "statement_vanishes", 0, one.name, left
        if one.name == "claim":
            after, _ = sending.claim(left, setting, one.batch, one.token, setting.chunks[0])
        elif one.name == "record":
            after = sending.record(left, setting, one.token, one.hands)
        else:
            after = sending.finish(left, setting, one.batch, one.token)
        yield f"late_{one.name}", 0, (one.batch, one.token, one.hands), after


def _journals(state: State, setting: Setting) -> Iterator[Happening]:
    for number, one in enumerate(state.journals):
        left = state._replace(journals=(*state.journals[:number], *state.journals[number + 1 :]))
        yield "adopt", 0, one, sending.adopt(left, setting, one)
    if setting.journal and not setting.guards.adopt_dead:
        for worker in state.workers:
            if worker.token:
                one = Journal(worker.batch, worker.token, worker.stayed)
                yield "adopt_the_living", 0, one, sending.adopt(state, setting, one)
