"""The Callback API's states, over the engine's.

    DRAFT <-> SCHEDULED <-> READY -> SENDING -> (DONE | ERROR)

The caller moves a campaign between the first three, one step at a time; the others come by
themselves. SCHEDULED and READY are both sent at their time: READY says that nothing will be changed
any more, and so does the engine from the moment on at which it prepares the sending. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from campaigns.errors import Invalid, Locked

State = Literal["DRAFT", "SCHEDULED", "READY", "SENDING", "DONE", "ERROR"]

#: Where the caller may move a campaign from each state.
MOVES: Mapping[State, tuple[State, ...]] = {
    "DRAFT": ("SCHEDULED",),
    "SCHEDULED": ("DRAFT", "READY"),
    "READY": ("SCHEDULED",),
    "SENDING": (),
    "DONE": (),
    "ERROR": (),
}

#: Where a campaign may begin, and all that the caller can ask for.
ASKABLE: tuple[State, ...] = ("DRAFT", "SCHEDULED", "READY")

#: Where its fields may be changed.
EDITABLE: tuple[State, ...] = ("DRAFT", "SCHEDULED")

_FROM_ENGINE: Mapping[str, State] = {
    "draft": "DRAFT",
    "scheduled": "SCHEDULED",
    "sending": "SENDING",
    "finished": "DONE",
    "stopped": "DONE",
    "failed": "ERROR",
}


def state_of(
    status: str, *, is_ready: bool, run_starts_at: datetime | None, now: datetime
) -> State:
    """The state of a campaign of which the engine has a run from ``run_starts_at`` on, if any."""
    if status == "sending" and run_starts_at is not None and run_starts_at > now:
        return "READY"
    if status == "scheduled" and (is_ready or run_starts_at is not None):
        return "READY"
    return _FROM_ENGINE[status]


def checked_beginning(wanted: str) -> State:
    """``wanted``, if a new campaign may begin in it; raises ``Invalid``."""
    for state in ASKABLE:
        if state == wanted:
            return state
    raise Invalid("state", wanted, f"must be one of {', '.join(ASKABLE)}")


def checked_move(current: State, wanted: str, *, is_prepared: bool) -> State:
    """``wanted``, if the caller may move the campaign there; staying where it is is no move.

    Raises:
        Invalid: there is no such state.
        Locked: it may not; the sentence names the moves that are allowed from here.
    """
    if wanted == current:
        return current
    if wanted not in MOVES:
        raise Invalid("state", wanted, f"must be one of {', '.join(ASKABLE)}")
    allowed = () if is_prepared else MOVES[current]
    for state in allowed:
        if state == wanted:
            return state
    if allowed:
        rule = f"from here it can be moved to {' or '.join(allowed)}"
    elif current in ("DONE", "ERROR"):
        rule = "from here it cannot be moved"
    else:
        rule = "from here it goes on by itself, and cannot be moved"
    raise Locked(f"state: the campaign is {current} and cannot become {wanted}; {rule}.")


def check_editable(before: State, after: State) -> None:
    """That fields may be changed on the way from one state to another.

    Raises:
        Locked: it may be in neither of them.
    """
    if before in EDITABLE or after in EDITABLE:
        return
    told = "; move it to SCHEDULED first" if before == "READY" else ""
    raise Locked(
        f"campaign: it is {before}, and its fields can be changed in {' and '.join(EDITABLE)} "
        f"only{told}."
    )
