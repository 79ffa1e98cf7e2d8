"""Changing campaigns by `PUT`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from campaigns.audience import groups
from campaigns.campaign import store
from tests.support.horisen import (
    EXAMPLE,
    UPDATE,
    Service,
    error_of,
)

SOON = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d %H:%M:%S")


def stored(service: Service, uuid: str) -> store.Campaign:
    return store.get(service.conn, service.team.id, UUID(uuid))


def test_update_is_of_the_whole(service: Service) -> None:
    uuid = service.made(UPDATE)["uuid"]
    plain = service.put(uuid, EXAMPLE).json()
    assert (plain["query_type"], plain["query"]) == ("all", None)
    for name in EXAMPLE:
        answer = service.put(uuid, {k: v for k, v in EXAMPLE.items() if k != name})
        if name == "schedule_rrule":
            assert "is required when schedule_type is 'once'" in answer.json()["message"]
        assert (answer.status_code, answer.json()["items"][0]["name"]) == (400, name)
    assert service.shown(uuid) == plain


def test_update_keeps_what_the_dialect_does_not_know(service: Service) -> None:
    optouts = groups.create(service.conn, service.team.id, "Others", "optout").id
    uuid = service.made()["uuid"]
    service.conn.execute("UPDATE campaigns SET rate = '5/s', weight = 7")
    service.conn.execute(
        "INSERT INTO campaign_groups VALUES (%s, 'exclude', 0, %s)", [uuid, optouts]
    )
    assert service.put(uuid, name="Renamed").status_code == 200
    kept = stored(service, uuid)
    assert (kept.name, kept.rate, kept.weight, kept.excluded) == ("Renamed", "5/s", 7, (optouts,))


def test_update_may_change_the_schedule(service: Service) -> None:
    uuid = service.made()["uuid"]
    series = {
        "schedule_type": "scheduled",
        "schedule_rrule": "DTSTART:20980601T080000Z\nFREQ=DAILY",
    }
    changed = service.put(uuid, **series).json()
    assert (changed["next_dt"], changed["schedule_rrule"]) == (
        "2098-06-01T08:00:00.000Z",
        "FREQ=DAILY",
    )
    before = stored(service, uuid)
    assert service.put(uuid, **series).json() == changed
    assert stored(service, uuid) == before, "it says what it said"
    other = {**series, "schedule_rrule": "DTSTART:20980701T080000Z\nFREQ=DAILY"}
    assert service.put(uuid, **other).json()["next_dt"] == "2098-07-01T08:00:00.000Z"
    assert service.put(uuid, schedule_rrule=SOON).json()["schedule_rrule"] == SOON
    now = service.put(uuid, schedule_type="now", schedule_rrule=None).json()
    assert (now["schedule_type"], now["schedule_rrule"]) == ("now", None)


def test_update_may_change_the_channel(service: Service) -> None:
    uuid = service.made()["uuid"]
    push = {
        "sending_type": "webpush",
        "sender": "shop",
        "template": "Hello world",
        "webpush_title": "Sale",
        "webpush_body": "Today",
    }
    changed = service.put(uuid, **push).json()
    assert (changed["webpush_title"], changed["template"]) == ("Sale", "Today")
    assert stored(service, uuid).provider == "webpush"
    assert service.put(uuid, EXAMPLE).json()["webpush_title"] is None


def test_campaign_that_is_sending_can_be_given_back_with_another_status(service: Service) -> None:
    made = service.made()
    uuid = made["uuid"]
    service.begin(uuid)
    body = {name: made[name] for name in UPDATE}
    stopped = service.put(uuid, body, status="stopped")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
    assert service.put(uuid, body).json()["status"] == "active"
    status, message = error_of(service.put(uuid, body, name="Renamed"))
    assert status == 400
    assert message.startswith("name: cannot be changed in campaign")
    assert service.shown(uuid)["name"] == made["name"]


@pytest.mark.parametrize("channel", ["email", "webpush", "telegram"])
def test_what_was_sent_is_what_it_says(service: Service, channel: str) -> None:
    """A message in another form that says the same is no change of it."""
    body = {
        **EXAMPLE,
        "sending_type": channel,
        "sender": "a@example.com",
        "template": '{"messages": [{"body": {"textMessage": {"content": "Hello"}}}]}',
    }
    if channel == "webpush":
        body |= {"template": "Hello", "webpush_title": "Sale", "webpush_body": "Today"}
    uuid = service.made(body)["uuid"]
    service.begin(uuid)
    assert service.put(uuid, body, status="stopped").json()["status"] == "stopped"
    shown = {name: service.shown(uuid)[name] for name in UPDATE}
    assert service.put(uuid, shown, status="active").json()["status"] == "active"


def test_clone_can_be_given_back_as_it_is_shown(service: Service) -> None:
    source = service.made(template="It is {temp}", status="draft")
    clone = service.made({"clone_uuid": source["uuid"], "template_vars": {"temp": "5C"}})
    body = {name: clone[name] for name in UPDATE}
    assert service.put(clone["uuid"], body, name="Renamed").json()["template"] == "It is 5C"
    assert stored(service, clone["uuid"]).template == "It is {temp}"


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ("draft", "active", "active"),
        ("draft", "draft", "draft"),
        ("draft", "stopped", None),
        ("active", "stopped", "stopped"),
        ("active", "draft", None),
        ("active", "finished", None),
        ("finished", "finished", "finished"),
        ("finished", "active", None),
    ],
)
def test_update_of_the_status(
    service: Service, before: str, wanted: str, after: str | None
) -> None:
    uuid = service.made(status="draft" if before == "draft" else "active")["uuid"]
    if before == "finished":
        service.conn.execute("UPDATE campaigns SET status = 'finished'")
    answer = service.put(uuid, status=wanted)
    if after is None:
        assert error_of(answer)[0] == 400
        assert service.shown(uuid)["status"] == before
    else:
        assert (answer.status_code, answer.json()["status"]) == (200, after)
