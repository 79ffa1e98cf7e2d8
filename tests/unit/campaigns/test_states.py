"""The state machines as data, and that the documentation draws these and no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from campaigns.states import CAMPAIGN, DELIVERY, MACHINES, PASSONA_STATUS, RUN, Machine, mermaid

DOCUMENT = Path(__file__).parents[3] / "docs" / "states.md"

machines = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)


def test_the_document_draws_exactly_these_machines() -> None:
    drawn = re.findall(r"```mermaid\n(.*?)\n```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert drawn == [mermaid(machine) for machine in MACHINES]


@machines
def test_every_move_stays_among_the_states(machine: Machine) -> None:
    mentioned = {state for move in machine.moves for state in (move.source, move.target)}
    assert mentioned == set(machine.states)
    assert set(machine.initial) <= set(machine.states)


@machines
def test_every_state_can_be_reached_and_ended(machine: Machine) -> None:
    reached = set(machine.initial)
    while more := {m.target for m in machine.moves if m.source in reached} - reached:
        reached |= more
    assert reached == set(machine.states)
    ending = set(machine.terminal)
    while more := {m.source for m in machine.moves if m.target in ending} - ending:
        ending |= more
    assert ending == set(machine.states)


@pytest.mark.parametrize("machine", [CAMPAIGN, RUN], ids=lambda machine: machine.name)
def test_an_event_leads_to_one_state(machine: Machine) -> None:
    assert {machine.target(event) for event in machine.events} <= set(machine.states)


def test_what_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        CAMPAIGN.target("explode")
    with pytest.raises(KeyError):
        CAMPAIGN.sources("explode")


def test_the_ends() -> None:
    assert CAMPAIGN.terminal == {"deleted"}
    assert RUN.terminal == {"finished"}
    assert DELIVERY.terminal == {
        "accepted", "rejected", "failed", "suppressed", "expired", "cancelled",
    }  # fmt: skip


def test_every_campaign_that_can_be_shown_has_one_of_passonas_numbers() -> None:
    assert set(PASSONA_STATUS) == set(CAMPAIGN.states) - {"deleted"}
    assert set(PASSONA_STATUS.values()) == {0, 1, 2}
