"""Clients: they obtain tokens with a secret, from where they may, and hold a bounded number."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from campaigns.database import Connection
from campaigns.errors import Invalid, NotFound
from campaigns.team import clients, teams, tokens
from campaigns.team.clients import NewClient
from campaigns.team.teams import Team

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def client(conn: Connection, team: Team) -> NewClient:
    return clients.create(conn, team.id, "crm")


def granted(
    conn: Connection, client: NewClient, address: str | None = "192.0.2.1", now: datetime = NOW
) -> tokens.NewToken:
    found = clients.grant(conn, client.client.id, client.secret, address, now)
    assert found is not None
    return found


def test_secret_is_shown_once_and_stored_as_its_digest(conn: Connection, client: NewClient) -> None:
    row = conn.execute("SELECT digest FROM api_clients").fetchone()
    assert row == {"digest": hashlib.sha256(client.secret.encode()).digest()}
    assert client.secret not in repr(client)
    assert clients.list_all(conn, client.client.team_id) == [client.client]


def test_token_is_good_for_a_week(conn: Connection, team: Team, client: NewClient) -> None:
    new = granted(conn, client)
    assert new.token.expires_at == NOW + WEEK
    assert new.secret.startswith("sluice_")
    found = tokens.authenticate(conn, new.secret, NOW + WEEK - timedelta(seconds=1))
    assert found == new.token
    assert found.team_id == team.id
    assert tokens.authenticate(conn, new.secret, NOW + WEEK) is None


def test_wrong_secret_unknown_and_revoked_client_get_nothing(
    conn: Connection, team: Team, client: NewClient
) -> None:
    for client_id, secret in (
        (client.client.id, client.secret + "x"),
        (client.client.id, ""),
        (uuid4(), client.secret),
    ):
        assert clients.grant(conn, client_id, secret, None, NOW) is None
    clients.revoke(conn, team.id, client.client.id)
    assert clients.grant(conn, client.client.id, client.secret, None, NOW) is None


def test_tokens_end_with_their_client(conn: Connection, team: Team, client: NewClient) -> None:
    new = granted(conn, client)
    revoked = clients.revoke(conn, team.id, str(client.client.id))
    assert revoked.revoked_at is not None
    assert tokens.authenticate(conn, new.secret, NOW) is None
    assert clients.revoke(conn, team.id, client.client.id) == revoked


def test_another_secret_replaces_the_one_before(
    conn: Connection, team: Team, client: NewClient
) -> None:
    old = granted(conn, client)
    rotated = clients.rotate(conn, team.id, client.client.id)
    assert rotated.client == client.client
    assert clients.grant(conn, client.client.id, client.secret, None, NOW) is None
    assert granted(conn, rotated)
    assert tokens.authenticate(conn, old.secret, NOW) == old.token
    clients.revoke(conn, team.id, client.client.id)
    with pytest.raises(NotFound):
        clients.rotate(conn, team.id, client.client.id)


@pytest.mark.parametrize(
    ("networks", "address", "allowed"),
    [
        ([], None, True),
        ([], "203.0.113.9", True),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["10.0.0.0/8", "192.0.2.0/24"], "192.0.2.200", True),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", True),
        (["2001:db8::/32"], "2001:db8:1::5", True),
        (["2001:db8::/32"], "10.1.2.3", False),
        (["10.0.0.0/8"], None, False),
        (["10.0.0.0/8"], "testclient", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
    ],
)
def test_client_may_be_limited_to_networks(
    conn: Connection, team: Team, networks: list[str], address: str | None, allowed: bool
) -> None:
    client = clients.create(conn, team.id, "crm", networks=networks)
    found = clients.grant(conn, client.client.id, client.secret, address, NOW)
    assert (found is not None) == allowed


def test_token_may_do_what_its_client_may(conn: Connection, team: Team) -> None:
    client = clients.create(conn, team.id, "reader", scopes=["write", "read"])
    assert granted(conn, client).token.scopes == ("read", "write")
    few = clients.grant(conn, client.client.id, client.secret, None, NOW, scopes=["read"])
    assert few is not None
    assert few.token.scopes == ("read",)
    with pytest.raises(Invalid, match="is not among the scopes of this client"):
        clients.grant(conn, client.client.id, client.secret, None, NOW, scopes=["send"])


def test_client_holds_so_many_tokens_and_no_more(
    conn: Connection, client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "MOST_TOKENS", 3)
    made = [granted(conn, client).secret for _ in range(5)]
    good = [secret for secret in made if tokens.authenticate(conn, secret, NOW)]
    assert good == made[2:]
    assert conn.execute("SELECT count(*) AS n FROM api_tokens").fetchone() == {"n": 3}


def test_tokens_that_are_over_are_removed(conn: Connection, client: NewClient) -> None:
    for _ in range(4):
        granted(conn, client)
    granted(conn, client, now=NOW + WEEK)
    assert conn.execute("SELECT count(*) AS n FROM api_tokens").fetchone() == {"n": 1}


def test_tokens_of_others_are_left_alone(
    conn: Connection, team: Team, client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "MOST_TOKENS", 1)
    person = tokens.create(conn, team.id, "person").secret
    other = granted(conn, clients.create(conn, team.id, "other")).secret
    for _ in range(3):
        granted(conn, client)
    assert tokens.authenticate(conn, person, NOW)
    assert tokens.authenticate(conn, other, NOW)
    assert [one.name for one in tokens.list_all(conn, team.id)] == ["person"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"networks": ["10.0.0.1/8"]}, "networks: '10.0.0.1/8' must be an address, or a network"),
        ({"networks": ["example.com"]}, "networks: 'example.com' must be an address"),
        ({"networks": ["10.0.0.1"] * 101}, "networks: 101 entries are more than 100"),
        ({"scopes": ["admin"]}, "scopes: 'admin' must be some of read, write, send"),
        ({"scopes": []}, "scopes: must be some of"),
        ({"name": " "}, "name: ' ' must have 1 to 100 characters"),
    ],
)
def test_client_that_cannot_be_is_refused(
    conn: Connection, team: Team, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        clients.create(conn, team.id, **{"name": "crm", **changes})  # type: ignore[arg-type]
    assert clients.list_all(conn, team.id) == []


def test_other_teams_clients_do_not_exist(conn: Connection, client: NewClient) -> None:
    other = teams.create(conn, "Other")
    for press in (clients.revoke, clients.rotate):
        with pytest.raises(NotFound):
            press(conn, other.id, client.client.id)
    assert clients.list_all(conn, other.id) == []
    assert granted(conn, client)
