"""What must hold in every state, and of every step. Each rule answers with the sentence that says
how it was broken, or ``None``."""

from __future__ import annotations

from tests.model.setting import Setting
from tests.model.state import PENDING, SENDING, UNKNOWN, State
from tests.model.steps import Step

_CLAIMS = frozenset({"claim", "late_claim"})
_RECORDS = frozenset({"record", "late_record"})
#: What nobody changes any more, whatever is told later.
_FINAL = frozenset({"accepted", "suppressed", "cancelled"})


def broken_by_state(state: State) -> str | None:
    return _sent_once(state) or _finished_is_settled(state) or _nobody_forgotten(state)


def _sent_once(state: State) -> str | None:
    for seq, row in enumerate(state.rows):
        if row.received > 1 + row.resent:
            return f"the provider took {row.received} messages to row {seq}"
    return None


def _finished_is_settled(state: State) -> str | None:
    if state.run == "finished" and not state.settled:
        return "the run is finished, and a row of it is not settled"
    return None


def _nobody_forgotten(state: State) -> str | None:
    """Every row that is not settled is somewhere where it will be found."""
    if state.settled:
        return None
    owners = {batch.token: batch.rows for batch in state.batches}
    for seq, row in enumerate(state.rows):
        if row.status == SENDING and seq not in owners.get(row.token, ()):
            return f"row {seq} is in sending, and no batch will ever end that claim"
        if row.status == PENDING and state.run == SENDING:
            places = _places(state, seq)
            if not places:
                return f"row {seq} is pending, in no slice, and was cut"
            if places > 1:
                return f"row {seq} is pending, and in {places} places at once"
    return None


def _places(state: State, seq: int) -> int:
    pieces = [*state.waiting, *(piece for batch in state.batches for piece in batch.slices)]
    return sum(seq in piece for piece in pieces) + (seq >= state.uncut)


def broken_by_step(before: State, step: Step, after: State, setting: Setting) -> str | None:
    for seq, (was, row) in enumerate(zip(before.rows, after.rows, strict=True)):
        if was == row:
            continue
        if step.name in _CLAIMS and row.status == SENDING:
            if before.paused or before.stopped or before.run != SENDING:
                return f"row {seq} was claimed while its campaign was paused, stopped or over"
            if seq in before.opted_out:
                return f"row {seq} was claimed after its recipient had opted out"
        if step.name in _RECORDS and not _may_record(before, step, seq, setting):
            return f"row {seq} was changed by somebody whose claim it was not"
        if was.status in _FINAL and row.status != was.status and step.name != "report":
            return f"row {seq} was {was.status} for good, and became {row.status}"
    return None


def _may_record(before: State, step: Step, seq: int, setting: Setting) -> bool:
    row = before.rows[seq]
    token = before.workers[step.who].token if step.name == "record" else step.what[1]
    if row.token != token:
        return False
    holds = any(batch.token == token for batch in before.batches)
    claimed = SENDING if setting.guards.intent_first else PENDING
    return row.status == UNKNOWN or (row.status == claimed and holds)
