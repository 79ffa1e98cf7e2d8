"""Other teams meet nothing, a scope allows only its own, hostile input is refused or is text."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from campaigns.team import teams
from campaigns.team.teams import Team
from tests.support.door import Door
from tests.support.inline_contacts import Headers, create, example, listed, rows, show


def test_other_team_meets_nothing(door: Door, token: Headers) -> None:
    name = create(door, token)
    theirs = door.token(teams.create(door.conn, "other").id)
    for method, path, body in (
        ("GET", f"/api/Campaigns/{name}", None),
        ("GET", f"/api/Campaigns/{name}/Contacts", None),
        ("PUT", f"/api/Campaigns/{name}", {"sender": "Evil"}),
        ("POST", f"/api/Campaigns/{name}", {"sender": "Evil"}),
        ("POST", f"/api/Campaigns/{name}", None),
        ("DELETE", f"/api/Campaigns/{name}", None),
    ):
        given = {} if body is None else {"json": body}
        answer = door.client.request(method, path, headers=theirs, **given)
        nobody = door.client.request(
            method, path.replace(name, str(uuid4())), headers=theirs, **given
        )
        assert answer.status_code == nobody.status_code == 404
        assert answer.json()["code"] == nobody.json()["code"]
    assert listed(door, theirs)["totalRecords"] == 0
    assert show(door, token, name)["sender"] == "Acme"


def test_token_needs_the_scope_of_what_it_does(door: Door, team: Team, token: Headers) -> None:
    name = create(door, token)
    reads = door.token(team.id, "read")
    assert door.client.get("/api/Campaigns", headers=reads).status_code == 200
    for method, path in (
        ("POST", "/api/Campaigns"), ("POST", "/api/Campaigns/true"),
        ("POST", f"/api/Campaigns/{name}"),
        ("PUT", f"/api/Campaigns/{name}"), ("DELETE", f"/api/Campaigns/{name}"),
    ):  # fmt: skip
        assert door.client.request(method, path, headers=reads).status_code == 403
        assert door.client.request(method, path).status_code == 401


HOSTILE: list[tuple[str, Any, str]] = [
    ("startDateTime", 5, "startDateTime"),
    ("startDateTime", "tomorrow", "startDateTime"),
    ("startDateTime", [], "startDateTime"),
    ("sender", 7, "sender"),
    ("sender", None, "sender"),
    ("sender", "", "sender"),
    ("sender", "x" * 12, "sender"),
    ("sender", "a\nb", "sender"),
    ("sender", "a\x00b", "sender"),
    ("message", None, "message"),
    ("message", 1, "message"),
    ("message", "   ", "message"),
    ("message", "x" * 100_000, "message"),
    ("message", "{config}", "message"),
    ("message", "a\x00b", "message"),
    ("message", "\ud800", "message"),
    ("optOutLinkId", -1, "optOutLinkId"),
    ("optOutLinkId", "0", "optOutLinkId"),
    ("optOutLinkId", 1.5, "optOutLinkId"),
    ("optOutLinkId", True, "optOutLinkId"),
    ("optOutLinkId", 2**70, "optOutLinkId"),
    ("trackLinkUrl", 1, "trackLinkUrl"),
    ("contacts", None, "contacts"),
    ("contacts", {}, "contacts"),
    ("contacts", "447785856123", "contacts"),
    ("contacts", [1], "contacts[0]"),
    ("contacts", [[]], "contacts[0]"),
    ("contacts", [{"phoneNumber": 447785856123}], "contacts[0].phoneNumber"),
    ("contacts", [{"phoneNumber": {"a": 1}}], "contacts[0].phoneNumber"),
    ("contacts", [{"phoneNumber": "+447785856123", "name": 1}], "contacts[0].name"),
    ("contacts", [{"phoneNumber": "+447785856123", "custom3": ""}], "contacts[0].custom3"),
    ("contacts", [{"phoneNumber": "+447785856123", "contactGroupId": "x"}],
     "contacts[0].contactGroupId"),
    ("uuid", str(uuid4()), "uuid"),
    ("included_contact_groups", [], "included_contact_groups"),
    ("sendr", "Acme", "sendr"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "field"), HOSTILE)
def test_wrong_field_is_one_sentence_and_nothing_is_stored(
    door: Door, token: Headers, name: str, value: Any, field: str
) -> None:
    content = json.dumps(example(door, **{name: value}))
    answer = door.client.post("/api/campaigns/true", headers=token, content=content)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert "447785856123" not in answer.text
    assert rows(door, "campaigns") == 0
    assert rows(door, "contact_groups WHERE campaign_id IS NOT NULL") == 0
    if name not in ("contacts", "uuid", "included_contact_groups") and value is not None:
        mine = create(door, token)
        answer = door.client.put(
            f"/api/Campaigns/{mine}", headers=token, content=json.dumps({name: value})
        )
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400), (b"[]", 400), (b'"x"', 400), (b"{", 400), (b'{"message": "\xff"}', 400),
        (b"[" * 100_000, 400), (b'{"contacts":' * 50 + b"{}" + b"}" * 50, 400),
        (b'{"sender": NaN}', 400),
    ],
)  # fmt: skip
def test_body_that_is_no_object_is_refused(
    door: Door, token: Headers, content: bytes, status: int
) -> None:
    for path in ("/api/Campaigns", "/api/campaigns/true"):
        answer = door.client.post(path, headers=token, content=content)
        assert answer.status_code == status


def test_unknown_field_is_told_with_the_nearest_known_name(door: Door, token: Headers) -> None:
    answer = door.client.post(
        "/api/Campaigns", headers=token, json=example(door, startDatetime="2030-01-01T00:00:00Z")
    )
    assert "the nearest known one is 'startDateTime'" in answer.json()["message"]


def test_text_of_an_attack_is_text(door: Door, token: Headers) -> None:
    attack = "'); DROP TABLE campaigns; -- <script>"
    found = [{"phoneNumber": "+447785856123", "name": attack, "custom1": "@custom2 {x}"}]
    name = create(door, token, message=f"Hi {attack}", contacts=found)
    assert show(door, token, name)["message"] == f"Hi {attack}"
    page = door.client.get(f"/api/Campaigns/{name}/Contacts", headers=token).json()
    assert (page["items"][0]["name"], page["items"][0]["custom1"]) == (attack, "@custom2 {x}")
