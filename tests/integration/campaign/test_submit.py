"""Submitting: what is accepted is stored whole, what is refused leaves nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from campaigns.campaign import service, show
from tests.support.campaigns import (
    NOW,
    PROVIDERS,
    World,
)


def submit(world: World, body: Any, now: datetime = NOW) -> service.Campaign:
    return service.submit(world.conn, world.team.id, body, providers=PROVIDERS, now=now)


def test_passonas_simple_example_is_accepted_as_it_stands(
    world: World, simple: dict[str, Any]
) -> None:
    campaign = submit(world, simple)

    answer = show.as_answer(service.get(world.conn, world.team.id, campaign.id))
    assert {key: answer[key] for key in simple} == simple
    assert answer["status"] == "scheduled"
    assert answer["schedule_type"] == "once"
    assert answer["template"] == "Hello @first_name"
    assert answer["team_uuid"] == str(world.team.id)
    assert answer["created_at"] == "2026-11-24 12:00:00"
    assert answer["started_sending_at"] is None


def test_passonas_throttled_example_is_accepted_as_it_stands(
    world: World, throttled: dict[str, Any]
) -> None:
    campaign = submit(world, throttled)

    answer = show.as_answer(service.get(world.conn, world.team.id, campaign.id))
    assert {key: answer[key] for key in throttled if key != "pauses"} == {
        key: throttled[key] for key in throttled if key != "pauses"
    }
    assert [(p["start_at"], p["end_at"]) for p in answer["pauses"]] == [
        ("2026-11-25 15:35:00", "2026-11-25 15:45:00"),
        ("2026-11-25 16:00:00", "2026-11-25 16:10:00"),
    ]
    assert {p["campaign_uuid"] for p in answer["pauses"]} == {str(campaign.id)}
