"""`/oauth2/access-token`: RFC 6749, as the document asks for tokens."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from campaigns.database import Connection
from campaigns.team import clients
from campaigns.team.clients import NewClient
from campaigns.team.teams import Team
from tests.support import door as doors
from tests.support.door import Door
from tests.support.horisen import Service
from web.horisen import granting

URL = "/oauth2/access-token"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def client(door: Door, team: Team) -> NewClient:
    return clients.create(door.conn, team.id, "crm")


def fields(client: NewClient, **changes: Any) -> dict[str, str]:
    given = {
        "grant_type": "client_credentials",
        "client_id": str(client.client.id),
        "client_secret": client.secret,
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def ask(door: Door, client: NewClient, **changes: Any) -> Any:
    return door.client.post(URL, data=fields(client, **changes))


def basic(identity: str, secret: str) -> dict[str, str]:
    encoded = base64.b64encode(f"{quote(identity)}:{quote(secret)}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def test_documented_request(door: Door, client: NewClient) -> None:
    """The document's body, which is what `curl -d` sends."""
    identity, secret = client.client.id, client.secret
    body = f"grant_type=client_credentials&client_id={identity}&client_secret={secret}"
    answer = door.client.post(URL, headers=FORM, content=body)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in"}
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 604800
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


def test_token_opens_the_campaigns_of_its_team(
    service: Service, stranger: Service, client: NewClient
) -> None:
    secret = ask(service.door, client).json()["access_token"]
    headers = {"Authorization": f"Bearer {secret}"}
    assert service.door.client.get(service.url, headers=headers).status_code == 200
    assert service.door.client.get(stranger.url, headers=headers).status_code == 404


def test_credentials_may_stand_in_the_header(door: Door, client: NewClient) -> None:
    """RFC 6749, section 2.3.1."""
    headers = basic(str(client.client.id), client.secret)
    answer = door.client.post(URL, headers=headers, data={"grant_type": "client_credentials"})
    assert answer.status_code == 200
    named = {"grant_type": "client_credentials", "client_id": str(client.client.id)}
    assert door.client.post(URL, headers=headers, data=named).status_code == 200


def test_all_wrong_credentials_are_answered_alike(
    door: Door, team: Team, client: NewClient
) -> None:
    elsewhere = clients.create(door.conn, team.id, "elsewhere", networks=["192.0.2.1"])
    revoked = clients.create(door.conn, team.id, "revoked")
    clients.revoke(door.conn, team.id, revoked.client.id)
    answers = [
        ask(door, client, client_secret="wrong"),
        ask(door, client, client_secret=None),
        ask(door, client, client_id=str(uuid4())),
        ask(door, client, client_id="' OR 1=1 --"),
        ask(door, elsewhere),
        ask(door, revoked),
        door.client.post(URL, data={"grant_type": "client_credentials"}),
        door.client.post(
            URL,
            headers=basic(str(client.client.id), "wrong"),
            data={"grant_type": "client_credentials"},
        ),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.text for answer in answers} == {
        '{"error":"invalid_client","error_description":"The client cannot be authenticated."}'
    }
    assert all(answer.headers["www-authenticate"].startswith("Basic ") for answer in answers)
    assert all(answer.headers["cache-control"] == "no-store" for answer in answers)


@pytest.mark.parametrize(
    ("headers", "body", "error"),
    [
        (FORM, b"", "invalid_request"),
        (FORM, b"grant_type=", "invalid_request"),
        (FORM, b"grant_type=password&username=a&password=b", "unsupported_grant_type"),
        (FORM, b"grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        (FORM, b"grant_type=%ff", "invalid_request"),
        (FORM, b"\xff\xfe", "invalid_request"),
        (FORM, b"&".join(b"a%d=1" % n for n in range(2000)), "invalid_request"),
        ({"Content-Type": "application/json"}, b"{}", "invalid_request"),
        ({}, b"grant_type=client_credentials", "invalid_request"),
        ({**FORM, "Authorization": "Bearer x"}, b"grant_type=client_credentials", None),
        ({**FORM, "Authorization": "Basic %%%"}, b"grant_type=client_credentials", None),
        ({**FORM, "Authorization": "Basic /////w=="}, b"grant_type=client_credentials", None),
    ],
)
def test_request_that_is_none(
    door: Door, headers: dict[str, str], body: bytes, error: str | None
) -> None:
    answer = door.client.post(URL, headers=headers, content=body)
    assert answer.status_code == (400 if error else 401)
    assert answer.json()["error"] == (error or "invalid_client")
    assert set(answer.json()) == {"error", "error_description"}


def test_other_grants_are_not_supported(door: Door, client: NewClient) -> None:
    for other in ("password", "authorization_code", "CLIENT_CREDENTIALS"):
        answer = ask(door, client, grant_type=other)
        assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_credentials_in_two_ways_are_refused(door: Door, client: NewClient) -> None:
    headers = basic(str(client.client.id), client.secret)
    answer = door.client.post(URL, headers=headers, data=fields(client))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = door.client.post(
        URL, headers=headers, data=fields(client, client_secret=None, client_id=str(uuid4()))
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_fields_that_are_not_known_count_for_nothing(door: Door, client: NewClient) -> None:
    """RFC 6749, section 3.2."""
    assert ask(door, client, audience="x", resource="").status_code == 200


def test_scope_may_be_narrower(door: Door, client: NewClient) -> None:
    answer = ask(door, client, scope="read")
    assert answer.json()["scope"] == "read"
    reader = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    url = f"/news/v1/services/{client.client.team_id}/campaigns"
    assert door.client.get(url, headers=reader).status_code == 200
    assert door.client.post(url, headers=reader, json={}).status_code == 403
    for wrong in ("admin", "read admin", "r\u00e9ad"):
        answer = ask(door, client, scope=wrong)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_address_that_fails_too_often_waits(door: Door, client: NewClient) -> None:
    answers = [ask(door, client, client_secret="x") for _ in range(granting.MOST_FAILURES + 1)]
    assert [answer.status_code for answer in answers] == [401] * granting.MOST_FAILURES + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    # Whatever it asks for by then: otherwise it would find out.
    assert ask(door, client).status_code == 429
    elsewhere = TestClient(door.client.app, client=("198.51.100.7", 5000))
    assert elsewhere.post(URL, data=fields(client)).status_code == 200


def test_good_requests_are_no_failures(door: Door, client: NewClient) -> None:
    for _ in range(granting.MOST_FAILURES * 2):
        assert ask(door, client).status_code == 200


def test_neighbours_in_one_network_fail_together(door: Door, client: NewClient) -> None:
    """Whoever has one IPv6 address has 2 to the power of 64 of them."""
    body = fields(client, client_secret="x")
    last = None
    for number in range(granting.MOST_FAILURES + 1):
        neighbour = TestClient(door.client.app, client=(f"2001:db8::{number:x}", 5000))
        last = neighbour.post(URL, data=body)
    assert last is not None
    assert last.status_code == 429


def test_ipv4_addresses_on_an_ipv6_socket_are_no_neighbours(door: Door, client: NewClient) -> None:
    body = fields(client, client_secret="x")
    for number in range(granting.MOST_FAILURES + 1):
        other = TestClient(door.client.app, client=(f"::ffff:192.0.2.{number + 1}", 5000))
        assert other.post(URL, data=body).status_code == 401


def test_network_is_that_of_the_connection(door: Door, team: Team) -> None:
    """Not what a header says: only the server, which knows its proxies, may believe one."""
    client = clients.create(door.conn, team.id, "office", networks=["192.0.2.0/24"])
    inside = TestClient(door.client.app, client=("192.0.2.9", 5000))
    assert inside.post(URL, data=fields(client)).status_code == 200
    outside = TestClient(door.client.app, client=("198.51.100.9", 5000))
    forged = {
        "X-Forwarded-For": "192.0.2.9",
        "Forwarded": "for=192.0.2.9",
        "X-Real-IP": "192.0.2.9",
    }
    assert outside.post(URL, headers=forged, data=fields(client)).status_code == 401


def test_large_body_is_not_read(door: Door) -> None:
    answer = door.client.post(URL, headers=FORM, content=b"a=" + b"x" * granting.LARGEST)
    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")


def test_only_post_asks_for_a_token(door: Door, client: NewClient) -> None:
    """RFC 6749, section 3.2; a secret must not stand in a URL either."""
    assert door.client.get(f"{URL}?{urlencode(fields(client))}").status_code == 405
    assert door.client.post(f"{URL}?{urlencode(fields(client))}", headers=FORM).status_code == 400


def test_database_that_is_away(database: str, conn: Connection, tmp_path: Path) -> None:
    with doors.opened(database, conn, tmp_path) as door:
        door.context.pool.close()
        credentials = {"client_id": "a", "client_secret": "b"}
        answer = door.client.post(URL, data={"grant_type": "client_credentials", **credentials})
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
