"""Teams, their opt-out group, and their tokens."""

from __future__ import annotations

import hashlib

import pytest

from campaigns.audience import groups
from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid, NotFound
from campaigns.team import teams, tokens


def test_team_is_created_with_its_opt_out_group(conn: Connection) -> None:
    team = teams.create(conn, "acme", "gb")
    [listed] = groups.list_all(conn, team.id)
    assert listed.group.name == "default_optouts"
    assert listed.group.kind == "optout"
    assert listed.group.is_default_optouts
    assert not listed.group.deletable
    assert listed.status == "Empty"


def test_team_is_found_by_name_and_by_uuid(conn: Connection) -> None:
    team = teams.create(conn, "acme", "gb")
    assert team.default_region == "GB"
    assert teams.find(conn, "acme") == team
    assert teams.find(conn, str(team.id)) == team
    assert team in teams.list_all(conn)


def test_missing_team_is_named(conn: Connection) -> None:
    with pytest.raises(NotFound, match="there is no team 'nobody' here"):
        teams.find(conn, "nobody")


def test_second_team_of_a_name_is_refused_whole(conn: Connection) -> None:
    teams.create(conn, "acme")
    count = "SELECT count(*) AS n FROM contact_groups"
    before = conn.execute(count).fetchone()
    with pytest.raises(Conflict, match="'acme'"):
        teams.create(conn, " acme ")
    assert conn.execute(count).fetchone() == before


@pytest.mark.parametrize("region", ["XX", "", "United Kingdom", "44"])
def test_region_without_phone_numbers_is_refused(conn: Connection, region: str) -> None:
    with pytest.raises(Invalid, match="ISO 3166"):
        teams.create(conn, "acme", region)
    assert "acme" not in {team.name for team in teams.list_all(conn)}


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 101, "a\nb", "a\0b", "16cd47aa-f4e0-11e9-a8c1-0242ac120006"]
)
def test_name_that_breaks_a_rule_is_refused(conn: Connection, name: str) -> None:
    with pytest.raises(Invalid, match=r"^name: "):
        teams.create(conn, name)


def test_token_is_shown_once_and_stored_as_its_digest(conn: Connection) -> None:
    team = teams.create(conn, "acme")
    new = tokens.create(conn, team.id, "crm")
    row = conn.execute("SELECT digest FROM api_tokens").fetchone()
    assert row == {"digest": hashlib.sha256(new.secret.encode()).digest()}
    assert new.secret not in repr(new)
    assert tokens.list_all(conn, team.id) == [new.token]
    assert tokens.authenticate(conn, new.secret) == new.token
    assert tokens.authenticate(conn, new.secret + "x") is None


def test_revoked_token_authenticates_nobody(conn: Connection) -> None:
    team = teams.create(conn, "acme")
    new = tokens.create(conn, team.id, "crm")
    revoked = tokens.revoke(conn, team.id, str(new.token.id))
    assert revoked.revoked_at is not None
    assert tokens.authenticate(conn, new.secret) is None
    assert tokens.revoke(conn, team.id, new.token.id) == revoked


def test_token_of_another_team_cannot_be_revoked(conn: Connection) -> None:
    mine, other = teams.create(conn, "mine"), teams.create(conn, "other")
    new = tokens.create(conn, mine.id, "crm")
    with pytest.raises(NotFound):
        tokens.revoke(conn, other.id, new.token.id)
    assert tokens.authenticate(conn, new.secret) is not None
