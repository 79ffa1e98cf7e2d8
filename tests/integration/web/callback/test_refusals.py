"""Other teams, lacking scopes and hostile input: what may not be is refused and changes nothing."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from campaigns.links import domains
from campaigns.team import teams
from campaigns.team.teams import Team
from tests.support.callback_api import (
    Headers,
    Lists,
    at,
    brought_to,
    change,
    create,
    message,
    rows,
    show,
)
from tests.support.door import Door, error_of


@pytest.mark.parametrize("kind", ["none", "DRAFT", "SCHEDULED"])
def test_other_team_meets_nothing(door: Door, token: Headers, mine: Lists, kind: str) -> None:
    found = (
        create(door, token, name="A", list=mine.group)
        if kind == "none"
        else brought_to(door, token, mine, kind)
    )
    other = door.token(teams.create(door.conn, "strangers").id)
    for method in ("GET", "PUT", "DELETE"):
        theirs = door.client.request(method, f"/campaign/{found['id']}", headers=other)
        nobody = door.client.request(method, "/campaign/987654", headers=other)
        assert theirs.status_code == nobody.status_code == 404
        assert (
            theirs.json()["message"].replace(str(found["id"]), "987654")
            == (nobody.json()["message"])
        )
    assert show(door, token, found["id"]) == found


@pytest.mark.parametrize("complete", [False, True])
def test_what_other_teams_have_cannot_be_named(
    door: Door, token: Headers, mine: Lists, theirs: Lists, complete: bool
) -> None:
    extra = message() if complete else {}
    own = create(door, token, name="A", list=mine.group, **extra)
    for field, value, where in (
        ("list", theirs.group, "list"),
        ("segments", [theirs.segments[0]], "segments[0]"),
        ("domain", theirs.domain, "domain"),
        ("template_uuid", str(uuid4()), "template_uuid"),
    ):
        body = {"name": "A", "list": mine.group, **extra, field: value}
        if field == "template_uuid":
            body.pop("template", None)
        answer = door.client.post("/campaign", headers=token, json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, where)
        answer = door.client.put(f"/campaign/{own['id']}", headers=token, json={field: value})
        assert (answer.status_code, answer.json()["field"]) == (422, where)
    assert show(door, token, own["id"]) == own


def test_list_of_opt_outs_is_no_audience_and_a_link_domain_takes_no_bounces(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    answer = door.client.post("/campaign", headers=token, json={"name": "A", "list": mine.optouts})
    assert answer.json()["field"] == "list"
    links = domains.create(door.conn, team.id, "l.example.com", ("links",), now=door.context.now())
    for extra in ({}, message()):
        body = {"name": "A", "list": mine.group, "domain": links.number, **extra}
        answer = door.client.post("/campaign", headers=token, json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, "domain")


def test_contacts_that_came_with_a_campaign_are_no_list(
    door: Door, team: Team, token: Headers
) -> None:
    body = {"sender": "Acme", "message": "Hi", "contacts": [{"phoneNumber": "+447785856985"}]}
    assert door.client.post("/api/Campaigns", headers=token, json=body).status_code == 201
    row = door.conn.execute("SELECT number FROM contact_groups WHERE campaign_id IS NOT NULL")
    number = (row.fetchone() or {})["number"]
    answer = door.client.post("/campaign", headers=token, json={"name": "A", "list": number})
    assert (answer.status_code, answer.json()["field"]) == (422, "list")


def test_token_needs_the_scope_of_what_it_does(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    writes, reads = door.token(team.id, "read", "write"), door.token(team.id, "read")
    body = {"name": "A", "list": mine.group, "when": at(door, days=1), **message()}
    assert door.client.post("/campaign", headers=reads, json=body).status_code == 403
    assert door.client.post("/campaign", json=body).status_code == 401
    draft = create(door, writes, **body)["id"]
    assert door.client.get(f"/campaign/{draft}", headers=reads).status_code == 200
    assert door.client.get(f"/campaign/{draft}").status_code == 401
    for wanted in ("SCHEDULED", "READY"):
        answer = door.client.post("/campaign", headers=writes, json={**body, "state": wanted})
        assert error_of(answer) == (403, "This token lacks the scope 'send'.")
    answer = door.client.put(f"/campaign/{draft}", headers=writes, json={"state": "SCHEDULED"})
    assert answer.status_code == 403
    assert show(door, token, draft)["state"] == "DRAFT"
    change(door, token, draft, state="SCHEDULED")
    for method, sent in (("PUT", {"name": "B"}), ("PUT", {"state": "DRAFT"}), ("DELETE", None)):
        given = {} if sent is None else {"json": sent}
        answer = door.client.request(method, f"/campaign/{draft}", headers=writes, **given)
        assert answer.status_code == 403
        assert door.client.request(
            method, f"/campaign/{draft}", headers=reads, **given
        ).status_code == 403  # fmt: skip
    found = show(door, token, draft)
    assert (found["state"], found["name"]) == ("SCHEDULED", "A")


@pytest.mark.parametrize(
    "name",
    ["0", "-1", "1.0", "1e3", "x", "9" * 19, "9" * 300, "%00", "1;DROP TABLE campaigns", "٣", "+1"],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_number_that_is_none_is_404(door: Door, token: Headers, method: str, name: str) -> None:
    answer = door.client.request(method, f"/campaign/{name}", headers=token)
    assert answer.status_code == 404, answer.text


HOSTILE: list[tuple[str, Any, str]] = [
    ("name", None, "name"),
    ("name", "", "name"),
    ("name", 5, "name"),
    ("name", "x" * 201, "name"),
    ("name", "a\x00b", "name"),
    ("name", "a\nb", "name"),
    ("name", "\ud800", "name"),
    ("name", ["A"], "name"),
    ("domain", 0, "domain"),
    ("domain", -1, "domain"),
    ("domain", 1.5, "domain"),
    ("domain", True, "domain"),
    ("domain", 10**30, "domain"),
    ("domain", "1 OR 1=1", "domain"),
    ("domain", "mine.example.com", "domain"),
    ("list", None, "list"),
    ("list", 0, "list"),
    ("list", 10**9, "list"),
    ("list", "x", "list"),
    ("list", [1], "list"),
    ("segments", 1, "segments"),
    ("segments", "1", "segments"),
    ("segments", {"0": 1}, "segments"),
    ("segments", [0], "segments[0]"),
    ("segments", ["x"], "segments[0]"),
    ("segments", [[1]], "segments[0]"),
    ("segments", [10**9], "segments[0]"),
    ("segments", [1] * 101, "segments"),
    ("segments", [1] * 1_000_000, "segments"),
    ("state", 1, "state"),
    ("state", "", "state"),
    ("state", "DRAFT'; --", "state"),
    ("state", ["DRAFT"], "state"),
    ("when", -1, "when"),
    ("when", 10**30, "when"),
    ("when", 1_900_000_000_000, "when"),
    ("when", "tomorrow", "when"),
    ("when", "2030-02-30T00:00:00Z", "when"),
    ("when", True, "when"),
    ("when", 1.5, "when"),
    ("event_callback", "example.com", "event_callback"),
    ("event_callback", "ftp://example.com/", "event_callback"),
    ("event_callback", "javascript:alert(1)", "event_callback"),
    ("event_callback", "https://example.com/" + "x" * 3000, "event_callback"),
    ("event_callback", 1, "event_callback"),
    ("sending_type", "fax", "sending_type"),
    ("sender", "", "sender"),
    ("sender", "a\nb", "sender"),
    ("template", "   ", "template"),
    ("template", 1, "template"),
    ("template", "x" * 1_000_000, "template"),
    ("template_uuid", "x", "template_uuid"),
    ("uuid", str(uuid4()), "uuid"),
    ("status", "active", "status"),
    ("included_contact_groups", [], "included_contact_groups"),
    ("liste", 1, "liste"),
]


@pytest.mark.parametrize(("name", "value", "field"), HOSTILE)
def test_wrong_field_is_one_sentence_and_nothing_is_stored(
    door: Door, token: Headers, mine: Lists, name: str, value: Any, field: str
) -> None:
    for extra in ({}, message()):
        content = json.dumps({"name": "A", "list": mine.group, **extra, name: value})
        headers = {**token, "content-type": "application/json"}
        answer = door.client.post("/campaign", headers=headers, content=content)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
        assert "example.com/" not in answer.text
        assert rows(door, "campaigns") == rows(door, "callback_drafts") == 0
    if value is None:
        return
    for extra in ({}, message()):
        before = create(door, token, name="A", list=mine.group, **extra)
        content = json.dumps({name: value})
        answer = door.client.put(f"/campaign/{before['id']}", headers=headers, content=content)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
        assert show(door, token, before["id"]) == before


@pytest.mark.parametrize("field", ["name", "list", "state", "when"])
def test_field_that_is_no_list_comes_once(
    door: Door, token: Headers, mine: Lists, field: str
) -> None:
    form = f"name=A&list={mine.group}&state=DRAFT&when={at(door, days=1)}"
    first = dict(part.split("=") for part in form.split("&"))[field]
    headers = {**token, "content-type": "application/x-www-form-urlencoded"}
    answer = door.client.post("/campaign", headers=headers, content=f"{form}&{field}={first}")
    assert error_of(answer) == (422, f"{field}: must not be given more than once.")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"name=%FF&list=1", 400),
        ("name=\u00e9&list=1".encode(), 400),
        (b"name=A&name=B&list=1", 422),
        (b"name=A&list=1&list=2", 422),
        (b"&".join([b"segments[]=1"] * 200_000), 400),
        (b"name=A&list=1&segments[x]=1", 422),
        (b"name=A&list=1&segments[0][a]=1", 422),
        (b"=&=&=", 422),
        (b"name", 422),
    ],
)
def test_odd_form_is_refused(door: Door, token: Headers, content: bytes, status: int) -> None:
    headers = {**token, "content-type": "application/x-www-form-urlencoded"}
    answer = door.client.post("/campaign", headers=headers, content=content)
    assert answer.status_code == status, answer.text
    assert rows(door, "callback_drafts") == 0


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("application/json", b"[]", 400),
        ("application/json", b"{", 400),
        ("application/json", b'{"name": "\xff"}', 400),
        ("application/json", b"[" * 100_000, 400),
        ("application/json", b'{"name":' * 50 + b"{}" + b"}" * 50, 400),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("text/plain", b"name=A", 415),
        ("", b"name=A", 415),
        ("application/json", b"", 422),
    ],
)
def test_body_is_a_form_or_a_json_object(
    door: Door, token: Headers, kind: str, content: bytes, status: int
) -> None:
    headers = {**token, "content-type": kind}
    answer = door.client.post("/campaign", headers=headers, content=content)
    assert answer.status_code == status, answer.text


def test_text_of_an_attack_is_text(door: Door, token: Headers, mine: Lists) -> None:
    attack = "'); DROP TABLE campaigns; -- <script> {{x}}"
    found = create(door, token, name=attack, list=mine.group)
    assert show(door, token, found["id"])["name"] == attack
    assert change(door, token, found["id"], **message())["name"] == attack
