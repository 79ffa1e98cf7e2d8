"""Making a draft again of what was to be sent, and the tick that is about to send it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from campaigns.campaign import control, service, state
from campaigns.database import connect
from campaigns.errors import Locked, NotFound
from campaigns.team import teams
from tests.support.campaigns import NOW, PROVIDERS, World, submit
from tests.support.waiting import eventually


def run_of(world: World, campaign_id: object, status: str) -> None:
    world.conn.execute(
        "INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at,"
        " created_at) VALUES (%s, now(), 'carrier', %s, now(), now(), now())",
        [campaign_id, status],
    )


def is_waiting(world: World, pid: int) -> bool:
    query = "SELECT FROM pg_locks WHERE pid = %s AND NOT granted"
    return world.conn.execute(query, [pid]).fetchone() is not None


def test_scheduled_campaign_becomes_a_draft_that_can_be_let_go_again(
    world: World, simple: dict[str, Any]
) -> None:
    campaign = submit(world, simple)
    team = world.team.id
    assert control.withdraw(world.conn, team, campaign.id, now=NOW).status == "draft"
    assert control.withdraw(world.conn, team, campaign.id, now=NOW).status == "draft"
    let_go = service.activate(world.conn, team, campaign.id, providers=PROVIDERS, now=NOW)
    assert let_go.status == "scheduled"
    assert let_go.next_dt == campaign.next_dt


def test_draft_again_is_not_due(world: World, simple: dict[str, Any]) -> None:
    campaign = submit(world, simple)
    control.withdraw(world.conn, world.team.id, campaign.id, now=NOW)
    assert not state.move(world.conn, campaign.id, "start", NOW)


@pytest.mark.parametrize("events", [("start",), ("start", "finish"), ("stop",), ("fail",)])
def test_what_has_begun_or_ended_is_no_draft_again(
    world: World, simple: dict[str, Any], events: tuple[str, ...]
) -> None:
    campaign = submit(world, simple)
    for event in events:
        assert state.move(world.conn, campaign.id, event, NOW)
    with pytest.raises(Locked, match="cannot become a draft again"):
        control.withdraw(world.conn, world.team.id, campaign.id, now=NOW)


@pytest.mark.parametrize("status", ["resolving", "finished"])
def test_campaign_that_has_had_a_run_is_no_draft_again(
    world: World, simple: dict[str, Any], status: str
) -> None:
    campaign = submit(world, simple)
    run_of(world, campaign.id, status)
    with pytest.raises(Locked, match="has had a run"):
        control.withdraw(world.conn, world.team.id, campaign.id, now=NOW)


def test_other_team_withdraws_nothing(world: World, simple: dict[str, Any]) -> None:
    campaign = submit(world, simple)
    other = teams.create(world.conn, "other").id
    with pytest.raises(NotFound):
        control.withdraw(world.conn, other, campaign.id, now=NOW)


def test_tick_that_is_making_the_run_is_waited_for_and_wins(
    world: World, simple: dict[str, Any], database: str
) -> None:
    campaign = submit(world, simple)
    with connect(database) as waiting, ThreadPoolExecutor(1) as thread:
        with world.conn.transaction():
            # As scheduler/occurrences.sql does.
            world.conn.execute(
                "SELECT FROM campaigns WHERE id = %s FOR NO KEY UPDATE", [campaign.id]
            )
            withdrawing = thread.submit(
                control.withdraw, waiting, world.team.id, campaign.id, now=NOW
            )
            eventually(
                lambda: is_waiting(world, waiting.info.backend_pid),
                timeout=20,
                message="the withdrawal waits",
            )
            run_of(world, campaign.id, "resolving")
            assert state.move(world.conn, campaign.id, "start", NOW)
        with pytest.raises(Locked):
            withdrawing.result(timeout=30)
    assert service.get(world.conn, world.team.id, campaign.id).status == "sending"
