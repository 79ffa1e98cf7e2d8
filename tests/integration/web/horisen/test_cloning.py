"""Cloning campaigns by `clone_uuid` and `template_vars`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from campaigns.audience import groups
from tests.support.horisen import (
    NOBODY,
    Service,
    error_of,
)

SOON = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d %H:%M:%S")


def test_clone_of_what_is_not_there(service: Service, stranger: Service) -> None:
    for uuid in (NOBODY, service.made()["uuid"]):
        answer = stranger.post({"clone_uuid": uuid})
        assert error_of(answer) == (400, f"clone_uuid: '{uuid}' is no campaign of this service.")


def test_clone_with_other_fields(service: Service) -> None:
    other = str(groups.create(service.conn, service.team.id, "Others").id)
    source = service.made()
    changes = {
        "sender": "88440",
        "schedule_rrule": SOON,
        "recipient_lists": other,
        "template": "Bye",
        "status": "draft",
    }
    clone = service.made({"clone_uuid": source["uuid"], **changes})
    assert {name: clone[name] for name in changes} == changes
    assert clone["name"] == source["name"]
    for status in ("stopped", "finished"):
        assert service.post({"clone_uuid": source["uuid"], "status": status}).status_code == 400


def test_clone_of_a_clone_keeps_its_values(service: Service) -> None:
    source = service.made(template="{temp} and {wind}", status="draft")
    given = {"temp": "1C", "wind": "2km/h"}
    first = service.made({"clone_uuid": source["uuid"], "template_vars": given})
    second = service.made({"clone_uuid": first["uuid"], "template_vars": {"wind": "@first_name"}})
    assert first["template"] == "1C and 2km/h"
    # Where a value could be taken for a field, it is written as a template says a text.
    assert second["template"] == "1C and @@first_name"


def test_values_stay_inside_their_text(service: Service) -> None:
    text = '{"messages": [{"body": {"textMessage": {"content": "It is {temp}"}}}]}'
    source = service.made(sending_type="telegram", template=text, sender="b", status="draft")
    clone = service.made({"clone_uuid": source["uuid"], "template_vars": {"temp": '"}, {"x": "'}})
    found = json.loads(clone["template"])
    assert found["messages"][0]["body"]["textMessage"]["content"] == 'It is "}, {"x": "'


def test_clone_in_the_past_needs_another_time(service: Service) -> None:
    source = service.made()
    service.conn.execute(
        "UPDATE campaigns SET scheduled_send_date = now() - interval '1 day', status = 'finished'"
    )
    answer = service.post({"clone_uuid": source["uuid"]})
    assert answer.status_code == 400
    assert "must not lie in the past" in answer.json()["message"]
    clone = service.made({"clone_uuid": source["uuid"], "schedule_rrule": SOON})
    assert (clone["schedule_rrule"], clone["status"]) == (SOON, "active")
    now = service.made({"clone_uuid": source["uuid"], "schedule_type": "now"})
    assert now["schedule_type"] == "now"


def test_clone_of_a_notification_with_another_text(service: Service) -> None:
    push = {
        "webpush_title": "Sale",
        "webpush_body": "Today",
        "webpush_target_url": "https://example.com/sale",
    }
    source = service.made(sending_type="webpush", sender="shop", **push)
    clone = service.made({"clone_uuid": source["uuid"], "template": "Tomorrow"})
    assert {name: clone[name] for name in push} == {**push, "webpush_body": "Tomorrow"}
    clone = service.made({"clone_uuid": source["uuid"], "webpush_title": "Sold out"})
    assert {name: clone[name] for name in push} == {**push, "webpush_title": "Sold out"}
