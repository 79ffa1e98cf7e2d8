"""What the document shows: every endpoint answers with a campaign as the document writes it."""

from __future__ import annotations

import pytest

from campaigns.campaign import service
from campaigns.team.teams import Team
from tests.support.callback_api import (
    Headers,
    Lists,
    at,
    brought_to,
    create,
    number_of,
    scheduled,
    show,
)
from tests.support.door import Door

TYPES: dict[str, tuple[type, ...]] = {
    "id": (int,),
    "name": (str,),
    "domain": (int, type(None)),
    "list": (int, type(None)),
    "segments": (list,),
    "state": (str,),
    "when": (int, type(None)),
    "event_callback": (str, type(None)),
    "sending_type": (str,),
    "sender": (str, type(None)),
    "template": (str, type(None)),
    "template_uuid": (str, type(None)),
}


def test_post_as_a_form_returns_the_new_campaign(door: Door, token: Headers, mine: Lists) -> None:
    when = at(door, days=1)
    form = {
        "name": "Spring sale",
        "domain": str(mine.domain),
        "list": str(mine.group),
        "segments[]": [str(one) for one in mine.segments],
        "state": "DRAFT",
        "when": str(when),
        "event_callback": "https://example.com/events?shop=1",
    }
    answer = door.client.post("/campaign", headers=token, data=form)
    assert answer.status_code == 201
    found = answer.json()
    assert found == {
        "id": found["id"],
        "name": "Spring sale",
        "domain": mine.domain,
        "list": mine.group,
        "segments": list(mine.segments),
        "state": "DRAFT",
        "when": when,
        "event_callback": "https://example.com/events?shop=1",
        "sending_type": "sms",
        "sender": None,
        "template": None,
        "template_uuid": None,
    }
    assert answer.headers["location"] == f"/campaign/{found['id']}"
    assert show(door, token, found["id"]) == found


@pytest.mark.parametrize("name", ["segments", "segments[]"])
def test_json_has_the_same_names(door: Door, token: Headers, mine: Lists, name: str) -> None:
    found = create(door, token, name="A", list=mine.group, **{name: list(mine.segments)})
    assert found["segments"] == list(mine.segments)
    assert found["state"] == "DRAFT"


@pytest.mark.parametrize("kind", ["draft", "scheduled"])
def test_every_campaign_has_the_fields_of_the_document_and_their_types(
    door: Door, token: Headers, mine: Lists, kind: str
) -> None:
    found = (
        create(door, token, name="A", list=mine.group)
        if kind == "draft"
        else scheduled(door, token, mine)
    )
    assert list(found) == list(TYPES)
    for name, value in found.items():
        assert type(value) in TYPES[name], name


def test_put_returns_the_edited_campaign(door: Door, token: Headers, mine: Lists) -> None:
    number = scheduled(door, token, mine)["id"]
    when = at(door, days=2)
    form = {
        "name": "Other",
        "domain": str(mine.domain),
        "segments[]": [str(mine.segments[1])],
        "state": "SCHEDULED",
        "when": str(when),
        "event_callback": "https://example.com/other",
    }
    answer = door.client.put(f"/campaign/{number}", headers=token, data=form)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["id"], found["list"]) == (number, mine.group)
    assert (found["name"], found["domain"], found["segments"], found["when"]) == (
        "Other", mine.domain, [mine.segments[1]], when,
    )  # fmt: skip
    assert found["event_callback"] == "https://example.com/other"
    assert show(door, token, number) == found


@pytest.mark.parametrize("kind", ["DRAFT", "SCHEDULED", "READY", "DONE", "ERROR", "none"])
def test_delete_returns_the_deleted_campaign(
    door: Door, token: Headers, mine: Lists, kind: str
) -> None:
    found = (
        create(door, token, name="A", list=mine.group)
        if kind == "none"
        else brought_to(door, token, mine, kind)
    )
    answer = door.client.delete(f"/campaign/{found['id']}", headers=token)
    assert (answer.status_code, answer.json()) == (200, found)
    for method in ("GET", "PUT", "DELETE"):
        again = door.client.request(method, f"/campaign/{found['id']}", headers=token)
        assert again.status_code == 404


def test_campaign_that_is_sending_cannot_be_deleted(
    door: Door, token: Headers, mine: Lists
) -> None:
    number = brought_to(door, token, mine, "SENDING")["id"]
    assert door.client.delete(f"/campaign/{number}", headers=token).status_code == 409
    assert show(door, token, number)["state"] == "SENDING"


def test_campaign_of_another_door_has_a_number_too(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    body = {"name": "X", "sender": "Acme", "template": "Hi",
            "included_contact_groups": [mine.group_id]}  # fmt: skip
    campaign = service.submit(
        door.conn, team.id, body, providers=door.context.providers(), now=door.context.now()
    )
    number = number_of(door, "campaigns", campaign.id)
    assert show(door, token, number)["list"] == mine.group


def test_description_names_every_endpoint_of_the_document(door: Door) -> None:
    found = door.client.get("/campaign/openapi.json").json()
    assert {path: set(methods) for path, methods in found["paths"].items()} == {
        "/": {"post"},
        "/{campaign}": {"get", "put", "delete"},
    }
    assert door.client.get("/campaign/docs").status_code == 200
