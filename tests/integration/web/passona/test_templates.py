"""Templates, to which the documents only refer."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.team import teams
from tests.support import passona
from tests.support.passona_client import Client, refused

_TEMPLATE = f"/templates/{passona.TEMPLATE}"


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_template_is_created_shown_edited_and_deleted(client: Client, slash: str) -> None:
    answer = client("POST", f"/templates{slash}", {"name": "Sale", "body": "Hi @first_name 🎉"})
    assert answer.status_code == 201
    told = answer.json()["data"]
    assert (told["name"], told["body"]) == ("Sale", "Hi @first_name 🎉")
    path = f"/templates/{told['uuid']}"
    assert client("GET", path + slash).json()["data"] == told
    edited = client("PUT", path + slash, {"body": "Bye"}).json()["data"]
    assert (edited["name"], edited["body"]) == ("Sale", "Bye")
    answer = client("DELETE", path + slash)
    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "DELETE"):
        refused(client(method, path), 404)
    refused(client("PUT", path, {"name": "x"}), 404)


def test_templates_are_listed_newest_first(client: Client) -> None:
    told = client("GET", "/templates").json()
    assert [one["uuid"] for one in told["data"]] == [passona.THROTTLED_TEMPLATE, passona.TEMPLATE]
    assert (told["meta"]["per_page"], told["meta"]["total"]) == (15, 2)
    second = client("GET", "/templates?per_page=1&page=2").json()
    assert [one["uuid"] for one in second["data"]] == [passona.TEMPLATE]


def test_a_campaign_keeps_the_text_that_it_was_saved_with(client: Client) -> None:
    uuid = client.campaign()
    client("PUT", _TEMPLATE, {"body": "Other"})
    client("DELETE", _TEMPLATE)
    row = client.conn.execute("SELECT template FROM campaigns WHERE id = %s", [uuid]).fetchone()
    assert row == {"template": "Hello @first_name"}
    told = client("GET", f"/campaigns/{uuid}").json()["data"]
    assert (told["template_uuid"], told["template"]) == (None, "Hello @first_name")


def test_a_preview_is_rendered_for_one_contact(client: Client) -> None:
    answer = client("POST", f"{_TEMPLATE}/preview", {"custom_fields": {"First Name": "Ann"}})
    assert answer.status_code == 200
    assert answer.json()["data"] == {
        "sending_type": "sms",
        "content": {"text": "Hello Ann"},
        "fields": ["first_name"],
        "variables": [],
        "encoding": "GSM-7",
        "units": 9,
        "segments": 1,
    }


def test_a_preview_of_a_text_that_is_not_stored(client: Client) -> None:
    body = {"body": "{city} – " + "x" * 70, "template_vars": {"city": "Leeds"}}
    told = client("POST", "/templates/preview", body).json()["data"]
    assert (told["encoding"], told["segments"], told["variables"]) == ("UCS-2", 2, ["city"])
    told = client("POST", "/templates/preview", {**body, "transliterate": True}).json()["data"]
    assert (told["encoding"], told["segments"]) == ("GSM-7", 1)
    mail = {"body": {"subject": "Sale", "text": "Hi @name"}, "sending_type": "email"}
    told = client("POST", "/templates/preview", mail).json()["data"]
    assert (told["content"]["text"], told["segments"]) == ("Hi ", None)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/templates", {"name": "x"}, "body"),
        ("/templates", {"name": "x", "body": " "}, "body"),
        ("/templates", {"name": "x", "body": "x", "text": "x"}, "text"),
        ("/templates", {"name": 5, "body": "x"}, "name"),
        ("/templates/preview", {}, "body"),
        ("/templates/preview", {"body": "{city}"}, "template"),
        ("/templates/preview", {"body": "x", "sending_type": "fax"}, "sending_type"),
        ("/templates/preview", {"body": "x", "custom_fields": {"": "x"}}, "custom_fields"),
    ],
)
def test_a_bad_field(client: Client, path: str, body: dict[str, Any], field: str) -> None:
    refused(client("POST", path, body), 422, field)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", _TEMPLATE, "read"),
        ("PUT", _TEMPLATE, "write"),
        ("DELETE", _TEMPLATE, "write"),
        ("POST", f"{_TEMPLATE}/preview", "read"),
    ],
)
def test_scopes_and_teams(client: Client, method: str, path: str, scope: str) -> None:
    body = {} if method in ("PUT", "POST") else None
    lacking = client.door.token(client.team.id, *({"read", "write", "send"} - {scope}))
    refused(client(method, path, body, headers=lacking), 403)
    stranger = client.door.token(teams.create(client.conn, "other").id)
    refused(client(method, path, body, headers=stranger), 404)
    refused(client(method, path, body, headers={"Accept": "*/*"}), 401)
