"""Every example request of the document, with the answer that it documents."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.horisen import (
    EXAMPLE,
    LIST,
    NOBODY,
    RESPONSE_FIELDS,
    UPDATE,
    Service,
    error_of,
    moment,
)

WEATHER = "It is {temp}, and the wind blows at {wind}, @first_name"


def check_fields(answer: dict[str, Any]) -> None:
    assert tuple(answer) == RESPONSE_FIELDS
    for name in ("created_dt", "updated_dt"):
        moment(answer[name])
    for name in ("next_dt", "last_dt"):
        assert answer[name] is None or moment(answer[name])
    texts = set(RESPONSE_FIELDS) - {"next_dt", "last_dt"}
    assert all(answer[name] is None or isinstance(answer[name], str) for name in texts)


def test_create(service: Service) -> None:
    answer = service.post()
    assert answer.status_code == 201
    check_fields(answer.json())
    assert {name: answer.json()[name] for name in EXAMPLE} == EXAMPLE
    assert answer.json()["next_dt"] == "2098-05-01T17:05:00.000Z"
    assert answer.json()["last_dt"] is None
    assert answer.json()["query_type"] == "all"


def test_create_in_the_past_is_refused(service: Service) -> None:
    """The document's own date."""
    assert error_of(service.post(schedule_rrule="2024-05-01 17:05:00")) == (
        400,
        "schedule_rrule: '2024-05-01 17:05:00' must not lie in the past.",
    )


def test_create_that_is_wrong_names_the_item(service: Service) -> None:
    answer = service.post(sender="ab")
    assert answer.status_code == 400
    assert answer.json() == {
        "code": "invalid",
        "message": "sender: 'ab' must have 3 to 11 characters, or be + and 7 to 15 digits.",
        "description": "A field breaks a rule; nothing was changed.",
        "items": [
            {
                "name": "sender",
                "message": "'ab' must have 3 to 11 characters, or be + and 7 to 15 digits.",
                "description": None,
            }
        ],
    }


def test_clone(service: Service) -> None:
    source = service.made(template=WEATHER, status="draft", name="Weather")
    answer = service.post(
        {
            "clone_uuid": source["uuid"],
            "template_vars": {"temp": "-22C", "wind": "100km/h"},
            "name": "Bad weather conditions",
        }
    )
    assert answer.status_code == 201
    check_fields(answer.json())
    clone = answer.json()
    assert clone["name"] == "Bad weather conditions"
    assert clone["template"] == "It is -22C, and the wind blows at 100km/h, @first_name"
    assert (source["status"], clone["status"]) == ("draft", "active")
    same = set(RESPONSE_FIELDS) - {"uuid", "name", "template", "status", "created_dt", "updated_dt"}
    assert {name: clone[name] for name in same} == {name: source[name] for name in same}
    assert service.shown(source["uuid"]) == source


def test_list(service: Service) -> None:
    service.made()
    drafts = [service.made(status="draft", name=f"Draft {number}") for number in range(2)]
    answer = service.get(sending_type="sms", status="draft", sort="-created_dt")
    assert answer.status_code == 200
    assert set(answer.json()) == {"data", "meta"}
    assert answer.json()["data"] == drafts[::-1]
    for campaign in answer.json()["data"]:
        check_fields(campaign)
    url = f"http://testserver{service.url}?sending_type=sms&status=draft&sort=-created_dt"
    assert answer.json()["meta"] == {
        "pagination": {
            "total": 2,
            "count": 2,
            "perPage": 10,
            "currentPage": 1,
            "totalPages": 1,
            "links": {
                "first": f"{url}&page_number=1",
                "last": f"{url}&page_number=1",
                "prev": None,
                "next": None,
            },
        }
    }


def test_get(service: Service) -> None:
    made = service.made()
    answer = service.get(made["uuid"])
    assert answer.status_code == 200
    assert answer.json() == made
    assert error_of(service.get(NOBODY)) == (
        404,
        f"campaign: there is no campaign {NOBODY} in this team.",
    )


def test_update(service: Service) -> None:
    made = service.made(name="Before")
    answer = service.put(made["uuid"], UPDATE)
    assert answer.status_code == 200
    check_fields(answer.json())
    kept = {name: value for name, value in UPDATE.items() if not name.startswith("webpush_")}
    assert {name: answer.json()[name] for name in kept} == kept
    assert answer.json()["uuid"] == made["uuid"]
    assert moment(answer.json()["updated_dt"]) > moment(made["updated_dt"])
    assert answer.json() == service.shown(made["uuid"])
    assert error_of(service.put(made["uuid"], UPDATE, sending_type="fax"))[0] == 400
    assert error_of(service.put(NOBODY, UPDATE))[0] == 404


def test_change_status(service: Service) -> None:
    made = service.made()
    answer = service.patch(made["uuid"], "stopped")
    assert (answer.status_code, answer.json()["status"]) == (200, "stopped")
    answer = service.patch(made["uuid"], "active")
    assert (answer.status_code, answer.json()["status"]) == (200, "active")
    assert error_of(service.patch(made["uuid"], "finished"))[0] == 400
    assert error_of(service.patch(NOBODY, "active"))[0] == 404


def test_delete(service: Service) -> None:
    made = service.made()
    answer = service.delete(made["uuid"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert error_of(service.delete(made["uuid"]))[0] == 404
    assert error_of(service.get(made["uuid"]))[0] == 404


STANDARDIZED = (
    '{"messages": [{"body": {"textMessage": {"content": "Hello John Doe"}}}]}',
    '{"messages": [{"allowedChannels": ["telegram"], "body": {"cardMessage": {"content": '
    '{"description": "Card message text", "media": '
    '{"url": "https://staging-assets.horisen.pro/Images/boat.jpg"}, "suggestions": '
    '[{"text": "Visit Us", "openUrl": {"url": "https://www.horisen.com"}}]}}}}]}',
)


@pytest.mark.parametrize("template", STANDARDIZED, ids=["text", "card"])
def test_standardized_messages(service: Service, template: str) -> None:
    made = service.made(sending_type="telegram", template=template, sender="shop_bot")
    assert made["template"] == template


@pytest.mark.parametrize("channel", ["telegram", "rbm", "viber", "whatsapp", "email"])
def test_each_channel_takes_the_standardized_message(service: Service, channel: str) -> None:
    sender = "shop@example.com" if channel == "email" else "4915112345678"
    made = service.made(sending_type=channel, template=STANDARDIZED[0], sender=sender)
    assert made["sending_type"] == channel
    if channel == "email":
        assert made["template"] == '{"subject": "New Campaign", "text": "Hello John Doe"}'
    else:
        assert made["template"] == STANDARDIZED[0]


def test_notification_of_a_browser(service: Service) -> None:
    push = {
        "webpush_title": "Sale",
        "webpush_body": "Today only, @first_name",
        "webpush_target_url": "https://example.com/sale",
        "webpush_icon": "https://example.com/icon.png",
        "webpush_image": "https://example.com/boat.jpg",
    }
    made = service.made(sending_type="webpush", sender="shop", **push)
    assert {name: made[name] for name in push} == push
    assert made["template"] == push["webpush_body"]


def test_list_that_is_not_there_is_refused(service: Service) -> None:
    status, message = error_of(service.post(recipient_lists=f"{LIST}, {NOBODY}"))
    assert status == 400
    assert message == f"recipient_lists[1]: {NOBODY} is not a contact group of this team."
