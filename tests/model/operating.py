"""What people do, and what the provider and the audience worker do in their time."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.setting import Setting
from tests.model.state import ACCEPTED, PENDING, SENDING, UNKNOWN, Slice, State, spend, with_rows
from tests.model.ticking import close_rows

Happening = tuple[str, int, object, State]


def successors(state: State, setting: Setting) -> Iterator[Happening]:
    yield from _steering(state)
    yield from _closing(state)
    yield from _deciding(state, setting)
    yield from _reporting(state)


def _steering(state: State) -> Iterator[Happening]:
    if state.run == "finished" or state.stopped:
        return
    if state.paused:
        yield "resume", 0, None, state._replace(paused=False)
    elif paid := spend(state, "pauses"):
        yield "pause", 0, None, paid._replace(paused=True)
    if paid := spend(state, "stops"):
        yield "stop", 0, None, paid._replace(stopped=True)
    if (paid := spend(state, "opt_outs")) and not state.opted_out:
        # Rows differ by nothing but their place: the first one stands for all.
        yield "opt_out", 0, None, paid._replace(opted_out=(0,))


def _closing(state: State) -> Iterator[Happening]:
    if state.run != "closing":
        return
    if state.waiting:
        yield "drop_waiting_slices", 0, None, state._replace(waiting=())
    if any(row.status == PENDING for row in state.rows):
        yield "close_rows", 0, None, close_rows(state)


def _deciding(state: State, setting: Setting) -> Iterator[Happening]:
    """The operator, about everything that is held as unknown."""
    if not any(row.status == UNKNOWN for row in state.rows):
        return
    paid = spend(state, "decisions")
    if paid is None:
        return
    yield "fail_unknown", 0, None, fail_unknown(paid)
    if not state.stopped and state.run != "closing":
        yield "resend_unknown", 0, None, resend_unknown(paid, setting)


def fail_unknown(state: State) -> State:
    return with_rows(
        state,
        {
            seq: row._replace(status="failed")
            for seq, row in enumerate(state.rows)
            if row.status == UNKNOWN
        },
    )


def resend_unknown(state: State, setting: Setting) -> State:
    """Pending again, in a waiting slice of its own and in no other; a finished run goes on."""
    chosen = tuple(
        seq
        for seq, row in enumerate(state.rows)
        if row.status == UNKNOWN and not (row.reported and setting.guards.resend_unreported)
    )
    if not chosen:
        return state
    changed = {
        seq: state.rows[seq]._replace(status=PENDING, attempts=0, resent=state.rows[seq].resent + 1)
        for seq in chosen
    }
    after = with_rows(state, changed)
    if setting.guards.resend_uncovers:
        after = after._replace(
            batches=tuple(
                batch._replace(slices=_without(batch.slices, chosen)) for batch in after.batches
            )
        )
    run = SENDING if state.run == "finished" else state.run
    return after._replace(waiting=(*after.waiting, chosen), run=run)


def _without(slices: tuple[Slice, ...], chosen: Slice) -> tuple[Slice, ...]:
    kept = (tuple(seq for seq in piece if seq not in chosen) for piece in slices)
    return tuple(piece for piece in kept if piece)


def _reporting(state: State) -> Iterator[Happening]:
    """The provider reports a delivery, at any time after it took the message: so it is accepted,
    whatever the row was (campaigns/run/events.py)."""
    for seq, row in enumerate(state.rows):
        if row.received and not row.reported and (paid := spend(state, "reports")):
            told = row._replace(status=ACCEPTED, reported=True)
            yield "report", seq, None, with_rows(paid, {seq: told})
