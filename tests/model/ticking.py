"""What a tick does, duty by duty as in scheduler/tick.py, and which messages follow its commit."""

from __future__ import annotations

from collections.abc import Sequence

from tests.model.sending import claimed_rows, hand_back, in_doubt
from tests.model.setting import Setting
from tests.model.state import PENDING, SENDING, Batch, Beat, Slice, State, fresh_id, with_rows


def is_due(state: State, setting: Setting) -> bool:
    """Whether a tick would change anything: others are left out."""
    return (
        any(batch.ran_out for batch in state.batches)
        or (state.run == SENDING and (state.stopped or bool(_cuttable(state))))
        or (state.run != "finished" and state.settled)
        or bool(_unpublished(state, setting))
    )


def read(state: State, setting: Setting) -> Beat:
    """``lock_tick``, ``close_ended``, ``open_runs``, ``waiting_slices``: what is decided from."""
    ending = state.stopped and state.run == SENDING
    open_ = state.run == SENDING and not state.stopped and not state.paused
    expired = tuple(one.id for one in state.batches if one.ran_out)
    if setting.guards.reclaim_locks:
        return Beat("deciding", state.waiting, state.uncut, open_, ending)
    doubtful = tuple(
        seq for one in state.batches if one.ran_out for seq in claimed_rows(state, one)
    )
    return Beat("deciding", state.waiting, state.uncut, open_, ending, (), doubtful, expired)


def commit(state: State, setting: Setting, beat: Beat, cut: int) -> tuple[State, tuple[int, ...]]:
    """Everything a tick writes, at once; and the batches to publish."""
    if beat.ending:
        state = state._replace(run="closing")
    there, number = len(state.waiting), fresh_id(state)
    state = reclaim(state, setting, beat)
    if beat.open:
        # It sees what it has just handed back itself.
        beat = beat._replace(waiting=(*beat.waiting, *state.waiting[there:]))
        state = dispatch(state, beat, cut, number)
    state = finish_runs(state, setting)
    publish = _unpublished(state, setting)
    batches = tuple(one._replace(published=True) for one in state.batches)
    return state._replace(batches=batches), publish


def reclaim(state: State, setting: Setting, beat: Beat) -> State:
    """``expired_batches``, ``settle_lost``, ``hand_back``."""
    locked = setting.guards.reclaim_locks
    expired = [
        batch for batch in state.batches if (batch.ran_out if locked else batch.id in beat.expired)
    ]
    rows = [seq for batch in expired for seq in claimed_rows(state, batch)]
    doubtful = rows if locked else [n for n in beat.doubtful if state.rows[n].status == SENDING]
    state = with_rows(state, {seq: in_doubt(state.rows[seq], setting) for seq in doubtful})
    return hand_back(state, expired)


def dispatch(state: State, beat: Beat, cut: int, number: int) -> State:
    """``delete_slices``, ``insert_batches``, ``insert_slices``, ``update_lanes``."""
    # What was tried before goes first.
    in_order = sorted(beat.waiting, key=lambda piece: (not state.rows[piece[0]].attempts, piece))
    taken, used, rests = carve(in_order, cut)
    fresh = tuple(range(beat.uncut, len(state.rows)))[: cut - sum(map(len, taken))]
    if fresh:
        taken.append(fresh)
    if not taken:
        return state
    waiting = list(state.waiting)
    for piece in used:
        if piece in waiting:
            waiting.remove(piece)
    return state._replace(
        waiting=(*waiting, *rests),
        batches=(*state.batches, Batch(number, tuple(taken))),
        uncut=beat.uncut + len(fresh),
    )


def carve(waiting: Sequence[Slice], amount: int) -> tuple[list[Slice], list[Slice], list[Slice]]:
    """Slices taken, slices used up or split, and the rests of these (scheduler/cutting.py)."""
    taken: list[Slice] = []
    used: list[Slice] = []
    rests: list[Slice] = []
    for piece in waiting:
        if amount <= 0:
            break
        used.append(piece)
        taken.append(piece[:amount])
        if piece[amount:]:
            rests.append(piece[amount:])
        amount -= len(piece)
    return taken, used, rests


def finish_runs(state: State, setting: Setting) -> State:
    """``maybe_finished``, ``finish_runs``, ``drop_slices``."""
    if state.run == "finished":
        return state
    if state.settled:
        return state._replace(run="finished", waiting=())
    if state.uncut == len(state.rows) and not setting.guards.finish_settled:
        # By a cursor: everything was handed out.
        return state._replace(run="finished")
    return state


def close_rows(state: State) -> State:
    """The audience worker settles what nobody claimed in a run that closes."""
    return with_rows(
        state,
        {
            seq: row._replace(status="cancelled")
            for seq, row in enumerate(state.rows)
            if row.status == PENDING
        },
    )


def _cuttable(state: State) -> tuple[Slice, ...]:
    if state.paused or state.stopped:
        return ()
    rest = tuple(range(state.uncut, len(state.rows)))
    return (*state.waiting, rest) if rest else state.waiting


def _unpublished(state: State, setting: Setting) -> tuple[int, ...]:
    """Ready batches of which no message is anywhere. What is published though its message is
    there is a message that comes twice (faults.py)."""
    known = {*state.queue, *(number for beat in state.beats for number in beat.publish)}
    again = setting.guards.publish_again
    return tuple(
        one.id
        for one in state.batches
        if not one.token and one.id not in known and (again or not one.published)
    )
