"""Creating campaigns: what a `POST` may say, and what it must."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from campaigns.audience import groups
from campaigns.campaign import store
from tests.support.horisen import (
    EXAMPLE,
    LIST,
    Service,
    error_of,
    moment,
)


def stored(service: Service, uuid: str) -> store.Campaign:
    return store.get(service.conn, service.team.id, UUID(uuid))


@pytest.mark.parametrize("status", ["active", "draft"])
def test_campaign_begins_active_or_as_a_draft(service: Service, status: str) -> None:
    assert service.made(status=status)["status"] == status


@pytest.mark.parametrize("status", ["stopped", "finished"])
def test_campaign_begins_in_no_other_status(service: Service, status: str) -> None:
    assert error_of(service.post(status=status)) == (
        400,
        f"status: '{status}' must be 'active' or 'draft' when a campaign is created.",
    )


@pytest.mark.parametrize(
    "name",
    ["name", "status", "sending_type", "schedule_type", "template", "sender", "recipient_lists"],
)
def test_required_field_must_be_there(service: Service, name: str) -> None:
    for lacking in ({k: v for k, v in EXAMPLE.items() if k != name}, {**EXAMPLE, name: None}):
        answer = service.post(lacking | {"query_type": "all"})
        assert error_of(answer)[0] == 400
        assert answer.json()["items"][0]["name"] == name
        assert answer.json()["items"][0]["message"].startswith("Is required")


@pytest.mark.parametrize(
    "name",
    ["schedule_rrule", "webpush_title", "webpush_body", "webpush_target_url", "webpush_icon",
     "webpush_image", "query_type", "query", "clone_uuid", "template_vars"],
)  # fmt: skip
def test_optional_field_may_be_null(service: Service, name: str) -> None:
    """As generated clients send what they do not have; an empty text is the same."""
    body = {**EXAMPLE, "schedule_type": "now", "schedule_rrule": None}
    assert service.made(body, **{name: None})["status"] == "active"
    if name not in ("query_type", "clone_uuid", "template_vars"):
        assert service.made(body, **{name: ""})["status"] == "active"


def test_fields_that_are_not_documented_are_refused(service: Service) -> None:
    for name in ("throttled", "uuid", "created_dt", "manually_paused", "included_contact_groups"):
        assert error_of(service.post(**{name: "x"}))[0] == 400
    assert error_of(service.post(sendr="x"))[1] == (
        "sendr: is not a known field; the nearest known one is 'sender'."
    )
    made = service.made()
    assert error_of(service.put(made["uuid"], clone_uuid=LIST))[0] == 400


def test_now_is_executed_at_once(service: Service) -> None:
    made = service.made(schedule_type="now", schedule_rrule=None)
    assert (made["schedule_type"], made["schedule_rrule"]) == ("now", None)
    age = datetime.now(UTC) - moment(made["next_dt"])
    assert timedelta(0) <= age < timedelta(seconds=60)


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ("FREQ=DAILY", "FREQ=DAILY"),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE", "RRULE:FREQ=WEEKLY;BYDAY=MO,WE"),
        ("DTSTART:20980501T170500Z\nRRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=DAILY;COUNT=3"),
        ("DTSTART:20980501T170500Z\r\nFREQ=MONTHLY", "FREQ=MONTHLY"),
    ],
)
def test_scheduled_is_executed_by_its_rule(service: Service, rule: str, shown: str) -> None:
    made = service.made(schedule_type="scheduled", schedule_rrule=rule)
    assert made["schedule_rrule"] == shown
    assert moment(made["next_dt"])
    if "DTSTART" in rule:
        assert made["next_dt"] == "2098-05-01T17:05:00.000Z"


@pytest.mark.parametrize(
    ("kind", "rule", "sentence"),
    [
        ("once", None, "is required when schedule_type is 'once'"),
        ("once", "FREQ=DAILY", "must be a time such as"),
        ("once", "2098-02-30 00:00:00", "must be a time such as"),
        ("once", "soon", "must be a time such as"),
        ("scheduled", None, "is required when schedule_type is 'scheduled'"),
        ("scheduled", "2098-05-01 17:05:00", "is not a part of an RRULE"),
        ("now", "2098-05-01 17:05:00", "needs schedule_type to be 'scheduled'"),
    ],
)
def test_schedule_that_is_none(
    service: Service, kind: str, rule: str | None, sentence: str
) -> None:
    answer = service.post(schedule_type=kind, schedule_rrule=rule)
    assert answer.status_code == 400
    assert answer.json()["items"][0]["name"] == "schedule_rrule"
    assert sentence in answer.json()["message"]


def test_lists_are_separated_by_commas(service: Service) -> None:
    other = groups.create(service.conn, service.team.id, "Others").id
    made = service.made(recipient_lists=f" {LIST.upper()} , {other}")
    assert made["recipient_lists"] == f"{LIST},{other}"


def test_what_is_for_browsers_counts_for_nothing_elsewhere(service: Service) -> None:
    """The document's own text message has all of it."""
    made = service.made(webpush_title="string", webpush_icon="string")
    assert made["webpush_title"] is None
    assert stored(service, made["uuid"]).template == EXAMPLE["template"]


def test_email_by_a_card(service: Service) -> None:
    card = {
        "title": "Sale",
        "description": "Today only",
        "media": {"url": "https://example.com/boat.jpg"},
        "suggestions": [
            {"text": "Visit us", "openUrl": {"url": "https://example.com"}},
            {"text": "No"},
        ],
    }
    template = json.dumps({"messages": [{"body": {"cardMessage": {"content": card}}}]})
    made = service.made(sending_type="email", sender="a@example.com", template=template)
    assert json.loads(made["template"]) == {
        "subject": "Sale",
        "text": "Today only\n\nhttps://example.com/boat.jpg\n\nVisit us: https://example.com\n\nNo",
    }


def test_name_that_is_a_subject_is_no_template(service: Service) -> None:
    text = '{"messages": [{"body": {"textMessage": {"content": "Hi @first_name"}}}]}'
    name = "Win {prize} @home"
    made = service.made(sending_type="email", sender="a@example.com", template=text, name=name)
    assert json.loads(made["template"])["subject"] == "Win {{prize}} @@home"


@pytest.mark.parametrize(
    "template",
    [
        '{"messages": []}',
        '{"messages": [{"body": {}}]}',
        '{"messages": [{"body": {"videoMessage": {}}}]}',
        '{"messages": [{"allowedChannels": ["sms"], "body": {"textMessage": {"content": "x"}}}]}',
        '{"messages": "x"}',
        '{"messages": [{"body": {"textMessage": {"content": 5}}}]}',
        '{"messages"',
    ],
)
@pytest.mark.parametrize("channel", ["telegram", "email"])
def test_message_that_is_none_of_the_documented(
    service: Service, channel: str, template: str
) -> None:
    answer = service.post(sending_type=channel, sender="a@example.com", template=template)
    assert answer.status_code == 400
    assert answer.json()["items"][0]["name"].startswith("template")


def test_text_that_lacks_a_value_goes_as_a_draft_only(service: Service) -> None:
    text = "It is {temp}"
    assert service.made(template=text, status="draft")["template"] == text
    assert "uses {temp}" in error_of(service.post(template=text))[1]
    made = service.made(template=text, template_vars={"temp": "5C"})
    assert made["template"] == "It is 5C"
