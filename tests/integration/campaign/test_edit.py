"""Editing: only what is named changes, the whole is checked again, and a campaign locks in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from campaigns.campaign import service, state
from campaigns.campaign.store import Campaign
from campaigns.errors import Invalid, Locked, NotFound, Refused
from campaigns.template import templates
from tests.support.campaigns import (
    MAIL,
    NOW,
    OPTINS,
    PROVIDERS,
    TEMPLATE,
    THROTTLED_TEMPLATE,
    World,
)

ONLY = (
    "only rate, weight, priority, pacing, warm_up, scheduled_finish_date, expiry_date, pauses, "
    "leftover, sending_hours, quiet_hours, holidays and manually_paused can"
)


def submit(world: World, body: dict[str, Any]) -> Campaign:
    return service.submit(world.conn, world.team.id, body, providers=PROVIDERS, now=NOW)


def edit(world: World, campaign: Campaign, body: Any, now: Any = NOW) -> Campaign:
    return service.edit(world.conn, world.team.id, campaign.id, body, providers=PROVIDERS, now=now)


def current(world: World, campaign: Campaign) -> Campaign:
    return service.get(world.conn, world.team.id, campaign.id)


def test_passonas_example_of_an_edit_is_accepted_as_it_stands(
    world: World, simple: dict[str, Any]
) -> None:
    edited = edit(
        world,
        submit(world, simple),
        {**simple, "name": "New Campaign Updated", "sender": "88440"},
        NOW + timedelta(hours=1),
    )
    assert (edited.name, edited.sender, edited.status) == (
        "New Campaign Updated",
        "88440",
        "scheduled",
    )
    assert edited.updated_at == NOW + timedelta(hours=1)
    assert edited.created_at == NOW


def test_what_is_not_named_stays(world: World, throttled: dict[str, Any]) -> None:
    campaign = submit(world, {**throttled, "template_vars": {"a": "b"}, "leftover": "expire"})
    edited = edit(world, campaign, {"name": "Renamed"})
    assert edited.name == "Renamed"
    assert {**_fields(edited), "name": ""} == {**_fields(campaign), "name": ""}


def _fields(campaign: Campaign) -> dict[str, Any]:
    return {name: getattr(campaign, name) for name in Campaign.__slots__}


def test_null_takes_a_field_away(world: World, throttled: dict[str, Any]) -> None:
    edited = edit(
        world,
        submit(world, throttled),
        {"throttled": False, "scheduled_finish_date": None, "pauses": None, "expiry_date": None},
    )
    assert (edited.throttled, edited.scheduled_finish_date, edited.pauses, edited.expiry_date) == (
        False,
        None,
        (),
        None,
    )


def test_a_pause_that_stays_keeps_its_uuid(world: World, throttled: dict[str, Any]) -> None:
    campaign = submit(world, throttled)
    added = {"start_at": "2026-11-25 15:50:00", "end_at": "2026-11-25 15:55:00"}
    edited = edit(world, campaign, {"pauses": [added, throttled["pauses"][1]]})
    assert len(edited.pauses) == 2
    assert edited.pauses[1] == campaign.pauses[1]
    assert edited.pauses[0].id not in {pause.id for pause in campaign.pauses}


def test_the_copied_text_changes_only_when_a_template_is_named(
    world: World, simple: dict[str, Any]
) -> None:
    campaign = submit(world, simple)
    world.conn.execute("UPDATE templates SET body = 'Rewritten' WHERE id = %s", [TEMPLATE])
    assert edit(world, campaign, {"name": "Renamed"}).template == "Hello @first_name"
    edited = edit(world, campaign, {"template_uuid": str(THROTTLED_TEMPLATE)})
    assert (edited.template_uuid, edited.template) == (THROTTLED_TEMPLATE, "Sale starts now")
    edited = edit(world, campaign, {"template": "By hand"})
    assert (edited.template_uuid, edited.template) == (None, "By hand")
    edited = edit(world, campaign, {"template_uuid": str(TEMPLATE)})
    assert (edited.template_uuid, edited.template) == (TEMPLATE, "Rewritten")


def test_a_campaign_whose_template_was_deleted_can_be_edited(
    world: World, simple: dict[str, Any]
) -> None:
    campaign = submit(world, simple)
    templates.delete(world.conn, world.team.id, TEMPLATE)
    assert edit(world, campaign, {"name": "Renamed"}).template == "Hello @first_name"


def test_another_channel_gets_a_provider_that_carries_it(
    world: World, simple: dict[str, Any]
) -> None:
    edited = edit(world, submit(world, simple), MAIL)
    assert edited.provider == "mail"


@pytest.mark.parametrize(
    ("body", "error", "sentence"),
    [
        (
            {"scheduled_send_date": "2026-11-25 16:25:00"},
            Invalid,
            "scheduled_finish_date: '2026-11-25 16:25:00' must be later than the start "
            "2026-11-25 16:25:00.",
        ),
        (
            {"throttled": False},
            Invalid,
            "scheduled_finish_date: '2026-11-25 16:25:00' needs throttled to be true.",
        ),
        ({"uuid": str(OPTINS)}, Invalid, f"uuid: {OPTINS} cannot be changed."),
        (
            {"status": "draft"},
            Invalid,
            "status: 'draft' must not be set any more; pause the campaign or stop it.",
        ),
        ({"status": "finished"}, Invalid, "status: 'finished' must be 'active' or 'draft'."),
        ({"manually_paused": "yes"}, Invalid, "manually_paused: 'yes' must be true or false."),
        (
            {"template_uuid": str(OPTINS)},
            NotFound,
            f"template: there is no template {OPTINS} in this team.",
        ),
        ([], Invalid, "request: must be an object of fields."),
    ],
)
def test_a_refused_edit_changes_nothing(
    world: World, throttled: dict[str, Any], body: Any, error: type[Refused], sentence: str
) -> None:
    campaign = submit(world, throttled)
    with pytest.raises(error) as refused:
        edit(world, campaign, body, NOW + timedelta(hours=1))
    assert str(refused.value) == sentence
    assert current(world, campaign) == campaign


def test_a_campaign_is_locked_once_its_send_time_has_passed(
    world: World, simple: dict[str, Any]
) -> None:
    campaign = submit(world, simple)
    with pytest.raises(Locked) as refused:
        edit(world, campaign, {"name": "Late"}, campaign.scheduled_send_date)
    assert str(refused.value) == (
        f"name: cannot be changed in campaign {campaign.id}, "
        f"because its send time has passed; {ONLY}."
    )
    before = campaign.scheduled_send_date - timedelta(seconds=1)
    assert edit(world, campaign, {"name": "In time"}, before).name == "In time"


def test_a_sending_campaign_is_locked_apart_from_its_pause(
    world: World, simple: dict[str, Any]
) -> None:
    campaign = submit(world, simple)
    state.move(world.conn, campaign.id, "start", NOW)
    with pytest.raises(Locked) as refused:
        edit(world, campaign, {"rate": "5/s", "name": "Late", "manually_paused": True})
    assert str(refused.value) == (
        f"name: cannot be changed in campaign {campaign.id}, because it is sending; {ONLY}."
    )
    assert not current(world, campaign).manually_paused
    assert edit(world, campaign, {"manually_paused": True}).manually_paused
    assert not edit(world, campaign, {"manually_paused": None}).manually_paused


def test_a_finished_campaign_is_locked(world: World, simple: dict[str, Any]) -> None:
    campaign = submit(world, simple)
    state.move(world.conn, campaign.id, "start", NOW)
    state.move(world.conn, campaign.id, "finish", NOW)
    with pytest.raises(Locked, match="is finished and cannot be edited"):
        edit(world, campaign, {"name": "Late"})
    with pytest.raises(Locked, match="is finished and can neither be paused nor resumed"):
        edit(world, campaign, {"manually_paused": True})


def test_a_draft_waits_until_it_is_activated(world: World, simple: dict[str, Any]) -> None:
    draft = submit(world, {**simple, "status": "draft"})
    assert draft.status == "draft"
    assert edit(world, draft, {"name": "Still a draft"}).status == "draft"
    active = service.activate(
        world.conn, world.team.id, draft.id, providers=PROVIDERS, now=NOW + timedelta(hours=1)
    )
    assert (active.status, active.name) == ("scheduled", "Still a draft")


def test_a_draft_whose_date_has_passed_needs_another_one(
    world: World, simple: dict[str, Any]
) -> None:
    draft = submit(world, {**simple, "status": "draft"})
    late = NOW + timedelta(days=2)
    with pytest.raises(Invalid, match="scheduled_send_date: '2026-11-25 15:25:00' must not lie"):
        edit(world, draft, {"status": "active"}, late)
    assert current(world, draft).status == "draft"
    moved = {"status": "active", "scheduled_send_date": "2026-11-27 09:00:00"}
    assert edit(world, draft, moved, late).status == "scheduled"


def test_a_draft_without_a_date_starts_when_it_is_activated(
    world: World, simple: dict[str, Any]
) -> None:
    del simple["scheduled_send_date"]
    draft = submit(world, {**simple, "status": "draft"})
    late = NOW + timedelta(days=2)
    assert edit(world, draft, {"status": "active"}, late).scheduled_send_date == late


def test_a_date_makes_a_draft_that_was_for_now_wait_for_it(
    world: World, simple: dict[str, Any]
) -> None:
    date = simple.pop("scheduled_send_date")
    draft = submit(world, {**simple, "status": "draft"})
    edited = edit(world, draft, {"scheduled_send_date": date})
    assert edited.schedule_type == "once"
    assert edit(world, draft, {"schedule_type": "now"}).schedule_type == "now"


def test_a_campaign_that_is_not_there_cannot_be_edited(world: World) -> None:
    with pytest.raises(NotFound, match="there is no campaign"):
        service.edit(
            world.conn, world.team.id, uuid4(), {"name": "x"}, providers=PROVIDERS, now=NOW
        )
