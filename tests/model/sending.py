"""What a worker does, statement by statement as in campaigns/run/ledger.sql and handback.sql.

The functions named like a statement are that statement: total, and without effect where its WHERE
finds nothing. The provider decides at the departure; that its answer travels is nothing that
anybody else could see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from tests.model.setting import Setting
from tests.model.state import (
    ACCEPTED,
    CLAIMED,
    FAILED,
    IN_DOUBT,
    NOT_SENT,
    PENDING,
    RETRY,
    SENDING,
    SUPPRESSED,
    THROTTLED,
    UNKNOWN,
    Batch,
    Hand,
    Journal,
    Row,
    Slice,
    State,
    with_rows,
)


def lease_batch(state: State, setting: Setting, batch_id: int, token: int) -> State | None:
    """``None``: the batch is gone, or somebody has it."""
    batch = state.batch(batch_id)
    if batch is None or (batch.token and setting.guards.lease_once):
        return None
    return _with_batch(state, batch._replace(token=token, ran_out=False))


def claimable(state: State, setting: Setting, batch_id: int, token: int) -> Slice:
    """The rows that a claim of this lease may take now, in its order; what two slices of the batch
    cover stands there twice, as in the statement."""
    guards = setting.guards
    batch = state.batch(batch_id)
    if batch is None or not batch.token:
        return ()
    if guards.claim_by_holder and batch.token != token:
        return ()
    if guards.claim_in_time and batch.ran_out:
        return ()
    if guards.claim_obeys and (state.run != SENDING or state.paused or state.stopped):
        return ()
    found = []
    for seq in batch.rows:
        row = state.rows[seq]
        free = row.status == PENDING or not guards.claim_pending
        if free and (row.token != token or not guards.claim_once_per_lease):
            found.append(seq)
    return tuple(found)


def claim(
    state: State, setting: Setting, batch_id: int, token: int, amount: int
) -> tuple[State, tuple[Hand, ...]]:
    """Takes up to ``amount`` rows; whoever opted out is settled on the way."""
    guards = setting.guards
    changed: dict[int, Row] = {}
    granted = []
    for seq in dict.fromkeys(claimable(state, setting, batch_id, token)[:amount]):
        row = state.rows[seq]
        if seq in state.opted_out and guards.claim_opt_outs:
            changed[seq] = row._replace(status=SUPPRESSED, token=token)
            continue
        status = SENDING if guards.intent_first else PENDING
        changed[seq] = row._replace(status=status, token=token, attempts=row.attempts + 1)
        granted.append(Hand(seq, row.attempts + 1, CLAIMED))
    batch = state.batch(batch_id)
    if changed and batch is not None and batch.ran_out:
        state = _with_batch(state, batch._replace(ran_out=False))
    return with_rows(state, changed), tuple(granted)


def depart(state: State, setting: Setting, hand: Hand, answer: str) -> tuple[State, Hand]:
    """The request leaves: what the provider makes of it, and what the worker hears."""
    row = state.rows[hand.seq]
    taken = answer in ("accepted", "taken in silence")
    if taken and not (setting.idempotent and row.received):
        state = with_rows(state, {hand.seq: row._replace(received=row.received + 1)})
    last = hand.attempt >= setting.max_attempts
    outcome = {
        "accepted": ACCEPTED,
        "throttled": THROTTLED,
        "failed": FAILED if last else RETRY,
    }.get(answer, RETRY if setting.idempotent and not last else IN_DOUBT)
    return state, Hand(hand.seq, 0, outcome)


_STATUS = {
    ACCEPTED: ACCEPTED, FAILED: FAILED, IN_DOUBT: UNKNOWN,
    THROTTLED: PENDING, NOT_SENT: PENDING, RETRY: PENDING,
}  # fmt: skip


def record(state: State, setting: Setting, token: int, hands: tuple[Hand, ...]) -> State:
    """Outcomes of rows, fenced by the token of their claim."""
    guards = setting.guards
    allowed = (SENDING, UNKNOWN) if guards.intent_first else (SENDING, UNKNOWN, PENDING)
    changed = {}
    for hand in hands:
        row = state.rows[hand.seq]
        if guards.record_fenced and row.token != token:
            continue
        if guards.record_open and row.status not in allowed:
            continue
        status = _STATUS[hand.outcome]
        if row.status == UNKNOWN and status == PENDING and guards.record_keeps_doubt:
            status = UNKNOWN
        # What was held in doubt is counted already: it may be told more than once.
        charged = hand.outcome not in (THROTTLED, NOT_SENT) or row.status == UNKNOWN
        attempts = row.attempts if charged else row.attempts - 1
        changed[hand.seq] = row._replace(status=status, attempts=attempts)
    return with_rows(state, changed)


def finish(state: State, setting: Setting, batch_id: int, token: int) -> State:
    """``finish_batch``, or else ``own_batch``, ``release_unsent`` and ``hand_back``."""
    batch = state.batch(batch_id)
    if batch is None or batch.token != token:
        return state
    open_rows = any(state.rows[seq].status in (PENDING, SENDING) for seq in batch.rows)
    if not (open_rows and setting.guards.finish_empty):
        return _without(state, batch)
    return hand_back(release_unsent(state, setting, batch), [batch])


def release_unsent(state: State, setting: Setting, batch: Batch) -> State:
    if not setting.guards.release_unsent:
        return state
    return with_rows(
        state,
        {
            seq: row._replace(status=PENDING, attempts=row.attempts - 1)
            for seq in batch.rows
            if (row := state.rows[seq]).status == SENDING and row.token == batch.token
        },
    )


def hand_back(state: State, batches: Sequence[Batch], apart: Slice = ()) -> State:
    """What is still pending waits to be cut again, a slice for each number of attempts. Of the rows
    named ``apart`` the caller makes slices."""
    covered = {seq for batch in batches for seq in batch.rows} - {*apart}
    open_rows = {seq for seq in covered if state.rows[seq].status == PENDING}
    slices = by_attempts(state, open_rows)
    return _without(state._replace(waiting=(*state.waiting, *slices)), *batches)


def by_attempts(state: State, seqs: Iterable[int]) -> list[Slice]:
    tried = sorted(seqs, key=lambda seq: (state.rows[seq].attempts, seq))
    return [tuple(piece) for _, piece in groupby(tried, lambda seq: state.rows[seq].attempts)]


def adopt(state: State, setting: Setting, left: Journal) -> State:
    """What a dead process had claimed and never let go returns, whether the tick has held it as
    unknown meanwhile or not; the rest is in doubt (worker/adoption.py)."""
    guards = setting.guards
    stayed = tuple(
        seq
        for seq in left.stayed
        if (state.rows[seq].token == left.token or not guards.adopt_fenced)
        and state.rows[seq].status in (SENDING, UNKNOWN)
    )
    if state.run == "finished" and stayed:
        if state.stopped:
            return state
        state = state._replace(run=SENDING)
    state = with_rows(
        state,
        {
            seq: row._replace(status=PENDING, attempts=row.attempts - 1)
            for seq in stayed
            for row in (state.rows[seq],)
        },
    )
    batch = state.batch(left.batch)
    if batch is not None and batch.token == left.token:
        doubtful = claimed_rows(state, batch)
        state = with_rows(state, {seq: in_doubt(state.rows[seq], setting) for seq in doubtful})
        state = hand_back(state, [batch], stayed)
    # In halves, because one of them may be what killed the process.
    halves = [half for piece in by_attempts(state, stayed) for half in halved(piece)]
    return state._replace(waiting=(*state.waiting, *halves))


def halved(piece: Slice) -> list[Slice]:
    middle = (len(piece) + 1) // 2
    return [half for half in (piece[:middle], piece[middle:]) if half]


def claimed_rows(state: State, batch: Batch) -> Slice:
    """The rows that were claimed under the batch's lease and have no outcome."""
    return tuple(
        seq
        for seq in batch.rows
        if state.rows[seq].status == SENDING and state.rows[seq].token == batch.token
    )


def in_doubt(row: Row, setting: Setting) -> Row:
    """A row whose request may have arrived, and whose worker is gone."""
    again = setting.idempotent and row.attempts < setting.max_attempts
    if again or not setting.guards.reclaim_doubts:
        return row._replace(status=PENDING)
    return row._replace(status=UNKNOWN)


def _with_batch(state: State, batch: Batch) -> State:
    return state._replace(
        batches=tuple(batch if one.id == batch.id else one for one in state.batches)
    )


def _without(state: State, *gone: Batch) -> State:
    ids = {batch.id for batch in gone}
    return state._replace(batches=tuple(one for one in state.batches if one.id not in ids))
