"""What a team does with its endpoints; nobody else's are ever seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from campaigns.callbacks import endpoints, replaying, signature
from campaigns.database import Connection
from campaigns.errors import Invalid, Locked, NotFound
from tests.support import ledger
from tests.support.callbacks import (
    WINDOW,
    campaign_of,
    endpoint,
    gather,
    messages,
    note,
    told_run,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRET_URL = "https://ann:pw@example.com/hook?key=s3cret"


def settle(conn: Connection, state: str) -> None:
    conn.execute("UPDATE callbacks SET state = %s, settled_at = %s, attempts = 10", (state, NOW))


def test_the_secret_is_known_at_the_creation_only(conn: Connection) -> None:
    made = endpoint(conn, NOW, SECRET_URL)
    assert len(signature.read(made.secret)) == 32
    shown = endpoints.show(conn, made.endpoint.team_id, made.endpoint.id)
    assert shown == made.endpoint
    assert shown.url == SECRET_URL
    for text in (repr(made), repr(shown)):
        assert made.secret not in text
        assert "s3cret" not in text
        assert "pw" not in text


def test_a_rotation_keeps_the_old_secret_for_a_day(conn: Connection) -> None:
    made = endpoint(conn, NOW)
    changed = endpoints.rotate(conn, made.endpoint.team_id, made.endpoint.id, now=NOW)
    assert changed.secret != made.secret
    assert changed.endpoint.previous_until == NOW + timedelta(hours=24)
    row = conn.execute("SELECT secret, previous_secret FROM webhook_endpoints").fetchone()
    assert row["secret"] == signature.read(changed.secret)
    assert row["previous_secret"] == signature.read(made.secret)


@pytest.mark.parametrize("url", ["", "ftp://example.com", "http://", "not a url", "https://a b"])
def test_what_is_no_url_is_refused_without_repeating_it(conn: Connection, url: str) -> None:
    with pytest.raises(Invalid) as caught:
        endpoint(conn, NOW, url)
    assert str(caught.value) == "url: must be an http or https URL of at most 2000 characters."


@pytest.mark.parametrize("events", [[], ["deliverd"], ["delivered", "suppressed"]])
def test_unknown_kinds_are_refused(conn: Connection, events: list[str]) -> None:
    with pytest.raises(Invalid, match="must be one or more of submitted, delivered"):
        endpoint(conn, NOW, events=events)


def test_a_team_has_so_many_and_no_more(conn: Connection) -> None:
    for _ in range(endpoints.MOST):
        endpoint(conn, NOW)
    with pytest.raises(Locked, match="at most 20"):
        endpoint(conn, NOW)


ACTIONS: list[Callable[..., Any]] = [
    lambda conn, team, one: endpoints.show(conn, team, one),
    lambda conn, team, one: endpoints.rotate(conn, team, one, now=NOW),
    lambda conn, team, one: endpoints.enable(conn, team, one, now=NOW),
    lambda conn, team, one: endpoints.disable(conn, team, one, now=NOW),
    lambda conn, team, one: endpoints.delete(conn, team, one, now=NOW),
    lambda conn, team, one: replaying.replay(conn, team, one, now=NOW),
]


@pytest.mark.parametrize("action", ACTIONS)
def test_another_teams_endpoint_does_not_exist(
    conn: Connection, action: Callable[..., Any]
) -> None:
    one = endpoint(conn, NOW).endpoint
    with pytest.raises(NotFound):
        action(conn, uuid4(), one.id)
    with pytest.raises(Invalid):
        action(conn, one.team_id, "17")
    assert endpoints.show(conn, one.team_id, one.id) == one
    assert endpoints.list_all(conn, uuid4()) == []


def test_a_replay_sends_what_was_given_up_under_the_same_id(conn: Connection) -> None:
    one = endpoint(conn, NOW).endpoint
    run_id = told_run(conn, NOW, callback=None)
    note(conn, run_id, "delivered", [0], NOW)
    gather(conn, NOW + WINDOW)
    (before,) = messages(conn)
    settle(conn, "dead")
    later = NOW + timedelta(days=5)
    assert replaying.replay(conn, one.team_id, one.id, now=later) == 1
    (after,) = messages(conn)
    assert (after["state"], after["attempts"], after["since"]) == ("waiting", 0, later)
    assert after["message_id"] == before["message_id"]
    row = conn.execute("SELECT next_at FROM receivers").fetchone()
    assert row["next_at"] == later
    # Old as it is, it has all of its attempts before it.
    gather(conn, later + timedelta(days=3))
    assert messages(conn)[0]["state"] == "waiting"


def test_a_replay_of_a_time_sends_what_was_delivered_too(conn: Connection) -> None:
    one = endpoint(conn, NOW).endpoint
    run_id = told_run(conn, NOW, callback=None)
    for hours, kind in enumerate(("submitted", "delivered", "opened")):
        at = NOW + timedelta(hours=hours)
        note(conn, run_id, kind, [0], at)
        gather(conn, at + WINDOW)
    settle(conn, "delivered")
    assert replaying.replay(conn, one.team_id, one.id, now=NOW) == 0
    since, until = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    assert replaying.replay(conn, one.team_id, one.id, since=since, until=until, now=NOW) == 1
    waiting = [row["kind"] for row in messages(conn) if row["state"] == "waiting"]
    assert waiting == ["delivered"]
    with pytest.raises(Invalid, match=r"until: .* must be after since"):
        replaying.replay(conn, one.team_id, one.id, since=until, until=since, now=NOW)


def test_a_disabled_endpoint_is_enabled_before_anything_is_replayed(conn: Connection) -> None:
    one = endpoint(conn, NOW).endpoint
    endpoints.disable(conn, one.team_id, one.id, now=NOW)
    with pytest.raises(Locked, match="enable it first"):
        replaying.replay(conn, one.team_id, one.id, now=NOW)


def test_a_campaigns_url_is_replayed_by_its_own_team_only(conn: Connection) -> None:
    run_id = told_run(conn, NOW)
    note(conn, run_id, "delivered", [0], NOW)
    gather(conn, NOW + WINDOW)
    settle(conn, "dead")
    campaign_id, team_id = campaign_of(conn, run_id), ledger.team_id(conn)
    with pytest.raises(NotFound):
        replaying.replay_campaign(conn, uuid4(), campaign_id, now=NOW)
    assert replaying.replay_campaign(conn, team_id, campaign_id, now=NOW) == 1
    assert messages(conn)[0]["state"] == "waiting"


def test_a_replay_brings_a_campaigns_receiver_back(conn: Connection) -> None:
    run_id = told_run(conn, NOW)
    note(conn, run_id, "delivered", [0], NOW)
    gather(conn, NOW + WINDOW)
    conn.execute("UPDATE receivers SET disabled_reason = 'gone', next_at = NULL")
    settle(conn, "dead")
    campaign_id, team_id = campaign_of(conn, run_id), ledger.team_id(conn)
    assert replaying.replay_campaign(conn, team_id, campaign_id, now=NOW) == 1
    row = conn.execute("SELECT disabled_reason, next_at FROM receivers").fetchone()
    assert (row["disabled_reason"], row["next_at"]) == (None, NOW)


def test_what_is_kept_for_an_endpoint_goes_with_it(conn: Connection) -> None:
    one = endpoint(conn, NOW).endpoint
    run_id = told_run(conn, NOW, callback=None)
    note(conn, run_id, "delivered", [0], NOW)
    gather(conn, NOW + WINDOW)
    endpoints.delete(conn, one.team_id, one.id, now=NOW)
    assert messages(conn) == []
    assert endpoints.list_all(conn, one.team_id) == []
