"""Pausing, stopping and deleting, and the state machine as PostgreSQL enforces it."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from campaigns.campaign import control, service, state
from campaigns.campaign.store import Campaign
from campaigns.database import Connection, connect
from campaigns.errors import Locked, NotFound
from campaigns.states import CAMPAIGN, MACHINES, Machine
from campaigns.team import teams
from tests.support.campaigns import NOW, PROVIDERS, World

LATER = NOW + timedelta(minutes=5)
ENDED = ["finished", "stopped", "failed"]


@pytest.fixture
def campaign(world: World, simple: dict[str, Any]) -> Campaign:
    return service.submit(world.conn, world.team.id, simple, providers=PROVIDERS, now=NOW)


def put(world: World, campaign: Campaign, status: str) -> None:
    """Place the campaign in a state, past the machine."""
    world.conn.execute("UPDATE campaigns SET status = %s WHERE id = %s", [status, campaign.id])


def status(world: World, campaign: Campaign) -> str:
    row = world.conn.execute("SELECT status FROM campaigns WHERE id = %s", [campaign.id]).fetchone()
    assert row is not None
    return str(row["status"])


def open_run(world: World, campaign: Campaign) -> None:
    world.conn.execute(
        "INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at,"
        " created_at) VALUES (%s, %s, 'carrier', 'closing', %s, %s, %s)",
        [campaign.id, NOW, NOW, NOW, NOW],
    )


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_the_check_constraints_know_exactly_the_states(conn: Connection, machine: Machine) -> None:
    table = {"campaign": "campaigns", "run": "runs", "delivery": "deliveries"}[machine.name]
    row = conn.execute(
        "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND conname = %s",
        [table, f"{table}_status_check"],
    ).fetchone()
    assert row is not None
    assert set(re.findall(r"'(\w+)'::text", row["text"])) == set(machine.states)


def test_only_the_moves_of_the_machine_happen(world: World, campaign: Campaign) -> None:
    allowed = {(move.source, move.event): move.target for move in CAMPAIGN.moves}
    for source, event in product(CAMPAIGN.states, sorted(CAMPAIGN.events)):
        put(world, campaign, source)
        moved = state.move(world.conn, campaign.id, event, LATER)
        assert moved == ((source, event) in allowed)
        assert status(world, campaign) == allowed.get((source, event), source)


def test_a_move_notes_when_sending_began_and_ended(world: World, campaign: Campaign) -> None:
    state.move(world.conn, campaign.id, "start", NOW)
    state.move(world.conn, campaign.id, "finish", LATER)
    found = service.get(world.conn, world.team.id, campaign.id)
    assert (found.started_sending_at, found.finished_sending_at) == (NOW, LATER)
    assert found.updated_at == LATER


def test_a_failure_says_why(world: World, campaign: Campaign) -> None:
    state.move(world.conn, campaign.id, "fail", NOW, error="no such provider")
    found = service.get(world.conn, world.team.id, campaign.id)
    assert (found.status, found.error) == ("failed", "no such provider")


@pytest.mark.parametrize("where", ["draft", "scheduled", "sending"])
def test_pause_and_resume_may_be_repeated(world: World, campaign: Campaign, where: str) -> None:
    put(world, campaign, where)
    for press, expected in ((control.pause, True), (control.resume, False)):
        first = press(world.conn, world.team.id, campaign.id, now=LATER)
        assert (first.manually_paused, first.status) == (expected, where)
        again = press(world.conn, world.team.id, campaign.id, now=LATER + timedelta(hours=1))
        assert again == first


def test_toggle_turns_the_pause_round(world: World, campaign: Campaign) -> None:
    pressed = [
        control.toggle_pause(world.conn, world.team.id, campaign.id, now=LATER).manually_paused
        for _ in range(3)
    ]
    assert pressed == [True, False, True]


def test_a_pause_is_committed_when_it_returns(
    world: World, campaign: Campaign, database: str
) -> None:
    control.pause(world.conn, world.team.id, campaign.id, now=LATER)
    with connect(database) as other:
        assert service.get(other, world.team.id, campaign.id).manually_paused


@pytest.mark.parametrize("where", ENDED)
@pytest.mark.parametrize("press", [control.pause, control.resume, control.toggle_pause])
def test_what_has_ended_cannot_be_paused(
    world: World, campaign: Campaign, where: str, press: Any
) -> None:
    put(world, campaign, where)
    with pytest.raises(Locked) as refused:
        press(world.conn, world.team.id, campaign.id, now=LATER)
    assert str(refused.value) == (
        f"campaign: {campaign.id} is {where} and can neither be paused nor resumed."
    )


@pytest.mark.parametrize("where", ["scheduled", "sending", "stopped"])
def test_stop_is_final_and_may_be_repeated(world: World, campaign: Campaign, where: str) -> None:
    put(world, campaign, where)
    assert control.stop(world.conn, world.team.id, campaign.id, now=LATER).status == "stopped"
    assert not state.move(world.conn, campaign.id, "start", LATER)


@pytest.mark.parametrize("where", ["draft", "finished", "failed"])
def test_what_does_not_send_cannot_be_stopped(world: World, campaign: Campaign, where: str) -> None:
    put(world, campaign, where)
    with pytest.raises(Locked) as refused:
        control.stop(world.conn, world.team.id, campaign.id, now=LATER)
    assert str(refused.value) == f"campaign: {campaign.id} is {where} and cannot be stopped."


@pytest.mark.parametrize("where", ["draft", "scheduled", *ENDED])
def test_a_deleted_campaign_is_gone(world: World, campaign: Campaign, where: str) -> None:
    put(world, campaign, where)
    control.delete(world.conn, world.team.id, campaign.id, now=LATER)
    with pytest.raises(NotFound):
        service.get(world.conn, world.team.id, campaign.id)
    with pytest.raises(NotFound):
        control.pause(world.conn, world.team.id, campaign.id, now=LATER)
    assert service.list_campaigns(world.conn, world.team.id).campaigns == ()
    assert status(world, campaign) == "deleted"


def test_a_sending_campaign_cannot_be_deleted(world: World, campaign: Campaign) -> None:
    put(world, campaign, "sending")
    open_run(world, campaign)
    with pytest.raises(Locked) as refused:
        control.delete(world.conn, world.team.id, campaign.id, now=LATER)
    assert str(refused.value) == (
        f"campaign: {campaign.id} is sending and cannot be deleted; stop it first."
    )


def test_a_campaign_whose_run_is_not_settled_cannot_be_deleted(
    world: World, campaign: Campaign
) -> None:
    put(world, campaign, "stopped")
    open_run(world, campaign)
    with pytest.raises(Locked) as refused:
        control.delete(world.conn, world.team.id, campaign.id, now=LATER)
    assert str(refused.value) == (
        f"campaign: {campaign.id} is stopped, but its run is not settled yet; "
        "delete it in a moment."
    )
    world.conn.execute("UPDATE runs SET status = 'finished'")
    control.delete(world.conn, world.team.id, campaign.id, now=LATER)


@pytest.mark.parametrize(
    "press",
    [control.pause, control.resume, control.toggle_pause, control.stop, control.delete],
)
def test_other_teams_cannot_touch_it(world: World, campaign: Campaign, press: Any) -> None:
    other = teams.create(world.conn, "Other")
    for team_id, campaign_id in ((other.id, campaign.id), (world.team.id, uuid4())):
        with pytest.raises(NotFound) as refused:
            press(world.conn, team_id, campaign_id, now=LATER)
        assert str(refused.value) == f"campaign: there is no campaign {campaign_id} in this team."
    assert service.get(world.conn, world.team.id, campaign.id) == campaign


def test_the_campaign_of_a_uuid_that_does_not_exist(world: World) -> None:
    assert not state.move(world.conn, UUID(int=0), "start", NOW)
