"""Tokens: shown once, limited to scopes, over when they are revoked or their time has come."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.database import Connection
from campaigns.errors import Invalid, NotFound
from campaigns.team import teams, tokens
from campaigns.team.teams import Team
from campaigns.team.tokens import Token

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=1)


def owner(conn: Connection, secret: str, now: datetime = NOW) -> Token | None:
    return tokens.authenticate(conn, secret, now)


def test_token_is_shown_once_and_stored_as_its_digest(conn: Connection, team: Team) -> None:
    new = tokens.create(conn, team.id, "crm")
    row = conn.execute("SELECT digest FROM api_tokens").fetchone()
    assert row == {"digest": hashlib.sha256(new.secret.encode()).digest()}
    assert new.secret not in repr(new)
    assert tokens.list_all(conn, team.id) == [new.token]
    assert owner(conn, new.secret) == new.token
    assert owner(conn, new.secret + "x") is None


def test_revoked_token_authenticates_nobody(conn: Connection, team: Team) -> None:
    new = tokens.create(conn, team.id, "crm")
    revoked = tokens.revoke(conn, team.id, str(new.token.id))
    assert revoked.revoked_at is not None
    assert owner(conn, new.secret) is None
    assert tokens.revoke(conn, team.id, new.token.id) == revoked


def test_token_of_another_team_can_neither_be_revoked_nor_replaced(
    conn: Connection, team: Team
) -> None:
    other = teams.create(conn, "other")
    new = tokens.create(conn, team.id, "crm")
    with pytest.raises(NotFound):
        tokens.revoke(conn, other.id, new.token.id)
    with pytest.raises(NotFound):
        tokens.rotate(conn, other.id, new.token.id, old_ends_at=NOW)
    assert owner(conn, new.secret) == new.token


def test_token_ends_at_its_time(conn: Connection, team: Team) -> None:
    new = tokens.create(conn, team.id, "crm", expires_at=NOW)
    assert owner(conn, new.secret, NOW - timedelta(microseconds=1)) == new.token
    assert owner(conn, new.secret, NOW) is None


def test_scopes_are_kept_in_their_order_and_checked(conn: Connection, team: Team) -> None:
    assert tokens.create(conn, team.id, "crm").token.scopes == ("read", "write", "send")
    assert tokens.create(conn, team.id, "b", scopes=("send", "read")).token.scopes == (
        "read",
        "send",
    )
    with pytest.raises(Invalid, match=r"^scopes: 'admin' must be some of read, write, send\.$"):
        tokens.create(conn, team.id, "c", scopes=("read", "admin"))
    with pytest.raises(Invalid, match=r"^scopes: must be some of"):
        tokens.create(conn, team.id, "d", scopes=())


def test_new_token_takes_over_while_the_old_one_runs_out(conn: Connection, team: Team) -> None:
    old = tokens.create(conn, team.id, "crm", scopes=("read",))
    new = tokens.rotate(conn, team.id, old.token.id, old_ends_at=LATER)
    assert (new.token.name, new.token.scopes, new.token.expires_at) == ("crm", ("read",), None)
    assert owner(conn, old.secret, LATER - timedelta(seconds=1)) is not None
    assert owner(conn, old.secret, LATER) is None
    assert owner(conn, new.secret, LATER) == new.token


def test_new_token_lives_no_longer_than_the_old_one_would_have(
    conn: Connection, team: Team
) -> None:
    old = tokens.create(conn, team.id, "crm", expires_at=LATER)
    new = tokens.rotate(conn, team.id, old.token.id, old_ends_at=LATER + timedelta(days=9))
    assert new.token.expires_at == LATER
    assert owner(conn, old.secret, LATER) is None


def test_token_that_is_over_is_not_brought_back(conn: Connection, team: Team) -> None:
    over = tokens.create(conn, team.id, "crm", expires_at=NOW - timedelta(days=9999))
    revoked = tokens.create(conn, team.id, "crm")
    tokens.revoke(conn, team.id, revoked.token.id)
    for token in (over.token, revoked.token):
        with pytest.raises(NotFound):
            tokens.rotate(conn, team.id, token.id, old_ends_at=LATER)
