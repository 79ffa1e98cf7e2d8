"""Submitting: what is accepted is stored whole, what is refused leaves nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from campaigns.campaign import control, service, show
from campaigns.campaign.store import Campaign
from campaigns.database import Connection, connect
from campaigns.errors import Conflict, Invalid, NotFound, Refused
from campaigns.team import teams
from campaigns.template import templates
from tests.support.campaigns import (
    MAIL,
    NOW,
    OPTINS,
    OPTOUTS,
    PROVIDERS,
    TEMPLATE,
    THROTTLED_GROUP,
    World,
)
from tests.support.waiting import eventually


def submit(world: World, body: Any, now: datetime = NOW) -> Campaign:
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


def test_a_campaign_without_a_date_is_due_at_once(world: World, simple: dict[str, Any]) -> None:
    del simple["scheduled_send_date"]
    campaign = submit(world, simple, NOW.replace(microsecond=900_000))
    assert (campaign.schedule_type, campaign.scheduled_send_date) == ("now", NOW)


def test_what_submit_returns_is_what_is_stored(world: World, throttled: dict[str, Any]) -> None:
    campaign = submit(world, {**throttled, "template_vars": {"a": 1}, "leftover": "expire"})
    assert service.get(world.conn, world.team.id, campaign.id) == campaign


def test_the_first_provider_of_the_channel_is_taken_unless_one_is_named(
    world: World, simple: dict[str, Any]
) -> None:
    assert submit(world, simple).provider == "carrier"
    assert submit(world, {**simple, "provider": "second"}).provider == "second"
    assert submit(world, {**simple, **MAIL}).provider == "mail"


def test_the_order_of_the_groups_is_kept(world: World, simple: dict[str, Any]) -> None:
    ordered = [str(THROTTLED_GROUP), str(OPTINS)]
    campaign = submit(world, {**simple, "included_contact_groups": ", ".join(ordered)})
    stored = service.get(world.conn, world.team.id, campaign.id)
    assert [str(group) for group in stored.included] == ordered


def test_the_text_is_copied_when_the_campaign_is_saved(
    world: World, simple: dict[str, Any]
) -> None:
    campaign = submit(world, simple)
    templates.delete(world.conn, world.team.id, TEMPLATE)
    stored = service.get(world.conn, world.team.id, campaign.id)
    assert (stored.template_uuid, stored.template) == (None, "Hello @first_name")


NOBODY = UUID("00000000-0000-4000-8000-000000000000")


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"nmae": "x"}, Invalid, "nmae: is not a known field; the nearest known one is 'name'."),
        (
            {"scheduled_finish_date": "2026-11-25 15:00:00"},
            Invalid,
            "scheduled_finish_date: '2026-11-25 15:00:00' must be later than the start "
            "2026-11-25 15:25:00.",
        ),
        (
            {"pauses": [{"start_at": "2026-11-25 15:25:00", "end_at": "2026-11-25 16:25:00"}]},
            Invalid,
            "pauses: leave no time to send before the finish 2026-11-25 16:25:00.",
        ),
        (
            {"expiry_date": "2026-11-25 15:00:00"},
            Invalid,
            "expiry_date: '2026-11-25 15:00:00' must be later than the start 2026-11-25 15:25:00.",
        ),
        (
            {"included_contact_groups": [str(OPTINS), str(NOBODY)]},
            Invalid,
            f"included_contact_groups[1]: {NOBODY} is not a contact group of this team.",
        ),
        (
            {"excluded_contact_groups": [str(NOBODY)]},
            Invalid,
            f"excluded_contact_groups[0]: {NOBODY} is not a contact group of this team.",
        ),
        (
            {"included_contact_groups": []},
            Invalid,
            "included_contact_groups: must name at least one contact group.",
        ),
        (
            {"included_contact_groups": [str(OPTOUTS)]},
            Invalid,
            f"included_contact_groups[0]: {OPTOUTS} is an opt-out group; it can only be excluded.",
        ),
        (
            {"template_uuid": str(NOBODY)},
            NotFound,
            f"template: there is no template {NOBODY} in this team.",
        ),
        (
            {"template_uuid": None, "template": "Now {percent} off"},
            Invalid,
            "template: uses {percent}, which is not in template_vars; known are: none "
            "(write {{percent}} for the text itself).",
        ),
        (
            {
                "template_uuid": None,
                "template": "Dear @surname",
                "included_contact_groups": [str(OPTINS)],
            },
            Invalid,
            "template: uses @surname, which no contact in the included groups has; known are: "
            "first_name (write @@surname for the text itself).",
        ),
        (
            {"provider": "pigeon"},
            Invalid,
            "provider: 'pigeon' is not in the providers file; configured are: "
            "carrier, second, mail, bot, push.",
        ),
        ({"provider": "mail"}, Invalid, "provider: 'mail' carries 'email', not 'sms'."),
        (
            {"sending_type": "viber"},
            Invalid,
            "provider: no provider in the providers file carries the channel 'viber'.",
        ),
    ],
)
def test_a_refused_campaign_gets_one_sentence_and_leaves_nothing(
    world: World,
    throttled: dict[str, Any],
    changes: dict[str, Any],
    error: type[Refused],
    sentence: str,
) -> None:
    with pytest.raises(error) as refused:
        submit(world, {**throttled, **changes})
    assert str(refused.value) == sentence
    assert [world.rows(table) for table in ("campaigns", "campaign_groups", "pauses")] == [0, 0, 0]


def test_an_unknown_field_of_a_group_without_contacts_is_not_refused(
    world: World, throttled: dict[str, Any]
) -> None:
    submit(world, {**throttled, "template_uuid": None, "template": "Dear @surname"})


def test_a_repeated_submission_is_the_same_campaign_at_any_time(
    world: World, throttled: dict[str, Any]
) -> None:
    body = {**throttled, "uuid": str(uuid4())}
    first = submit(world, body)
    control.pause(world.conn, world.team.id, first.id, now=NOW)
    stored = service.get(world.conn, world.team.id, first.id)

    again = submit(world, {**body, "throttled": True}, NOW + timedelta(days=30))

    assert again == stored
    assert again.manually_paused
    assert [world.rows(table) for table in ("campaigns", "campaign_groups", "pauses")] == [1, 2, 2]


def test_a_submission_without_a_uuid_takes_the_one_of_its_message(
    world: World, simple: dict[str, Any]
) -> None:
    message = uuid4()
    campaigns = [
        service.submit(
            world.conn, world.team.id, simple, providers=PROVIDERS, now=NOW, default_uuid=message
        )
        for _ in range(2)
    ]
    campaigns.append(submit(world, {**simple, "uuid": str(message)}))
    assert {campaign.id for campaign in campaigns} == {message}
    assert world.rows("campaigns") == 1


def test_the_same_uuid_with_other_content_is_a_conflict(
    world: World, simple: dict[str, Any]
) -> None:
    body = {**simple, "uuid": str(uuid4())}
    submit(world, body)
    with pytest.raises(Conflict) as refused:
        submit(world, {**body, "sender": "88440"})
    assert str(refused.value) == (
        f"uuid: campaign {body['uuid']} exists already with other content; "
        "edit it, or choose another uuid."
    )
    assert service.get(world.conn, world.team.id, UUID(body["uuid"])).sender == "Digitonic"


def test_a_deleted_campaign_does_not_come_back(world: World, simple: dict[str, Any]) -> None:
    body = {**simple, "uuid": str(uuid4())}
    control.delete(world.conn, world.team.id, submit(world, body).id, now=NOW)
    with pytest.raises(Conflict, match="was deleted, choose another one"):
        submit(world, body)


def test_another_teams_uuid_says_nothing_about_its_campaign(
    world: World, simple: dict[str, Any]
) -> None:
    body = {**simple, "uuid": str(uuid4())}
    submit(world, body)
    other = teams.create(world.conn, "Other")
    with pytest.raises(Conflict) as refused:
        service.submit(world.conn, other.id, body, providers=PROVIDERS, now=NOW)
    assert str(refused.value) == f"uuid: {body['uuid']} cannot be used, choose another one."
    with pytest.raises(NotFound):
        service.get(world.conn, other.id, UUID(body["uuid"]))


def test_another_teams_template_is_not_found(world: World, simple: dict[str, Any]) -> None:
    other = teams.create(world.conn, "Other")
    uuid = uuid4()
    templates.create(
        world.conn, other.id, {"uuid": str(uuid), "name": "Theirs", "body": "x"}, now=NOW
    )
    with pytest.raises(NotFound):
        submit(world, {**simple, "template_uuid": str(uuid)})
    with pytest.raises(NotFound):
        templates.delete(world.conn, world.team.id, uuid)


def test_two_submissions_at_the_same_moment_are_one_campaign(
    world: World, database: str, simple: dict[str, Any]
) -> None:
    """The second finds the uuid free, waits at the INSERT for the first, and then sees it."""
    body = {**simple, "uuid": str(uuid4())}
    with connect(database) as other, ThreadPoolExecutor(1) as threads:
        with world.conn.transaction():
            first = submit(world, body)
            second = threads.submit(
                service.submit, other, world.team.id, body, providers=PROVIDERS, now=NOW
            )
            eventually(lambda: _is_waiting(world, other))
        assert second.result(10) == first


def _is_waiting(world: World, other: Connection) -> bool:
    row = world.conn.execute(
        "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", [other.info.backend_pid]
    ).fetchone()
    return row is not None and row["wait_event_type"] == "Lock"


def test_campaigns_are_listed_newest_first_in_pages(world: World, simple: dict[str, Any]) -> None:
    made = [submit(world, simple, NOW + timedelta(seconds=n // 2)).id for n in range(5)]
    control.delete(world.conn, world.team.id, made[2], now=NOW)
    seen: list[UUID] = []
    after = None
    while after is not None or not seen:
        page = service.list_campaigns(world.conn, world.team.id, after=after, per_page=1)
        seen += [campaign.id for campaign in page.campaigns]
        after = page.next
    assert sorted(seen) == sorted({*made} - {made[2]})
    created = [service.get(world.conn, world.team.id, uuid).created_at for uuid in seen]
    assert created == sorted(created, reverse=True)


def test_a_list_can_be_limited_to_a_status(world: World, simple: dict[str, Any]) -> None:
    submit(world, simple)
    draft = submit(world, {**simple, "status": "draft"})
    page = service.list_campaigns(world.conn, world.team.id, status="draft")
    assert [campaign.id for campaign in page.campaigns] == [draft.id]
    with pytest.raises(Invalid, match="status: 'gone' must be one of draft, scheduled"):
        service.list_campaigns(world.conn, world.team.id, status="gone")
    with pytest.raises(Invalid, match="per_page: 0 must lie between 1 and 1000"):
        service.list_campaigns(world.conn, world.team.id, per_page=0)


def test_a_moment_is_stored_in_utc(world: World, simple: dict[str, Any]) -> None:
    campaign = submit(world, {**simple, "scheduled_send_date": "2026-11-25T16:25:00+01:00"})
    stored = service.get(world.conn, world.team.id, campaign.id)
    assert stored.scheduled_send_date == datetime(2026, 11, 25, 15, 25, tzinfo=UTC)


def test_no_address_or_text_stands_in_a_representation(
    world: World, simple: dict[str, Any]
) -> None:
    campaign = submit(world, {**simple, "template_vars": {"code": "s3cret"}})
    assert "Hello" not in repr(campaign)
    assert "s3cret" not in repr(campaign)
