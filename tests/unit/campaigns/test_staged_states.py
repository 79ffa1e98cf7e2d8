"""The Callback API's states: DRAFT <-> SCHEDULED <-> READY -> SENDING -> (DONE | ERROR)."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.errors import Invalid, Locked
from campaigns.staged import states
from campaigns.states import CAMPAIGN

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

#: As the document draws them, what the caller may do.
ARROWS = {
    ("DRAFT", "SCHEDULED"),
    ("SCHEDULED", "DRAFT"),
    ("SCHEDULED", "READY"),
    ("READY", "SCHEDULED"),
}


@pytest.mark.parametrize(("current", "wanted"), list(itertools.product(states.MOVES, repeat=2)))
def test_exactly_the_documented_moves_are_allowed(
    current: states.State, wanted: states.State
) -> None:
    if current == wanted or (current, wanted) in ARROWS:
        states.checked_move(current, wanted, is_prepared=False)
        return
    with pytest.raises(Locked) as refused:
        states.checked_move(current, wanted, is_prepared=False)
    told = str(refused.value)
    allowed = {to for frm, to in ARROWS if frm == current}
    _, _, named = told.partition(";")
    assert {state for state in states.MOVES if state in named} == allowed


@pytest.mark.parametrize("wanted", [state for state in states.MOVES if state != "READY"])
def test_nothing_is_moved_once_the_engine_prepares_it(wanted: states.State) -> None:
    with pytest.raises(Locked, match="goes on by itself"):
        states.checked_move("READY", wanted, is_prepared=True)
    states.checked_move("READY", "READY", is_prepared=True)


@pytest.mark.parametrize("word", ["", "draft", "PAUSED", "DRAFT ", "'; --"])
def test_what_is_no_state_is_invalid(word: str) -> None:
    with pytest.raises(Invalid):
        states.checked_move("DRAFT", word, is_prepared=False)
    with pytest.raises(Invalid):
        states.checked_beginning(word)


@pytest.mark.parametrize("state", states.MOVES)
def test_a_campaign_begins_where_the_caller_may_move_it(state: states.State) -> None:
    if state in ("DRAFT", "SCHEDULED", "READY"):
        states.checked_beginning(state)
    else:
        with pytest.raises(Invalid, match="DRAFT, SCHEDULED, READY"):
            states.checked_beginning(state)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(states.MOVES, repeat=2)))
def test_fields_change_in_draft_and_scheduled_only(
    before: states.State, after: states.State
) -> None:
    if {before, after} & {"DRAFT", "SCHEDULED"}:
        states.check_editable(before, after)
    else:
        with pytest.raises(Locked, match="DRAFT and SCHEDULED only"):
            states.check_editable(before, after)


@pytest.mark.parametrize(
    ("status", "ready", "run", "state"),
    [
        ("draft", False, None, "DRAFT"),
        ("scheduled", False, None, "SCHEDULED"),
        ("scheduled", True, None, "READY"),
        ("scheduled", False, -1, "READY"),
        ("sending", False, 5, "READY"),
        ("sending", True, 0, "SENDING"),
        ("sending", False, -5, "SENDING"),
        ("sending", False, None, "SENDING"),
        ("finished", True, None, "DONE"),
        ("stopped", False, None, "DONE"),
        ("failed", False, None, "ERROR"),
    ],
)
def test_each_state_of_the_engine_has_one(
    status: str, ready: bool, run: int | None, state: states.State
) -> None:
    starts_at = None if run is None else NOW + timedelta(seconds=run)
    found = states.state_of(status, is_ready=ready, run_starts_at=starts_at, now=NOW)
    assert found == state


def test_no_state_of_the_engine_is_without_one() -> None:
    for status in set(CAMPAIGN.states) - {"deleted"}:
        assert states.state_of(status, is_ready=False, run_starts_at=None, now=NOW) in states.MOVES
