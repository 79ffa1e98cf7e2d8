"""`sluice webhooks`: a secret once, no secret ever again, and what was not told told again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from campaigns.database import Connection
from tests.support.callbacks import WINDOW, campaign_of, gather, messages, note, told_run
from tests.support.command_line import CommandLine

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
URL = "https://ann:pw@example.com/hook?key=s3cret"


def told(conn: Connection, *, callback: str | None = None) -> int:
    """A run of which one event became a message."""
    run_id = told_run(conn, NOW, callback=callback)
    note(conn, run_id, "delivered", [0], NOW)
    gather(conn, NOW + WINDOW)
    conn.execute("UPDATE callbacks SET state = 'dead', settled_at = %s, code = 'timeout'", (NOW,))
    return run_id


def test_the_secret_is_shown_once_and_the_urls_own_never(command: CommandLine) -> None:
    made = command.json("webhooks", "create", URL)
    assert made["secret"].startswith("whsec_")
    assert made["events"] == ["submitted", "delivered", "bounced", "opened", "clicked"]
    changed = command.json("webhooks", "rotate", made["id"])
    assert changed["secret"] != made["secret"]
    assert changed["previous_until"] is not None
    for words in (["list"], ["show", made["id"]], ["disable", made["id"]], ["enable", made["id"]]):
        printed = command.succeed("webhooks", *words), json.dumps(command.json("webhooks", *words))
        assert "https://example.com/hook" in printed[1]
        for secret in ("whsec_", "s3cret", "pw@", "ann"):
            assert secret not in "".join(printed)


def test_an_endpoint_hears_of_what_was_asked_for(command: CommandLine) -> None:
    words = ["--event", "opened", "--event", "delivered"]
    assert command.json("webhooks", "create", URL, *words)["events"] == ["delivered", "opened"]
    assert command.run("webhooks", "create", URL, "--event", "read").exit_code == 2


def test_an_endpoint_is_switched_off_and_on_and_forgotten(command: CommandLine) -> None:
    made = command.json("webhooks", "create", URL)
    assert command.json("webhooks", "disable", made["id"])["state"] == "disabled (operator)"
    assert command.json("webhooks", "enable", made["id"])["state"] == "enabled"
    assert command.succeed("webhooks", "delete", made["id"]) == f"Deleted webhook {made['id']}.\n"
    assert command.json("webhooks", "list") == []
    assert command.refused("webhooks", "show", made["id"]).startswith("webhook: there is no")


@pytest.mark.parametrize("url", ["example.com", "ftp://s3cret@example.com", "https://s3 cret"])
def test_what_is_no_url_is_refused_and_not_repeated(command: CommandLine, url: str) -> None:
    sentence = command.refused("webhooks", "create", url)
    assert sentence == "url: must be an http or https URL of at most 2000 characters."


def test_what_was_given_up_is_replayed(command: CommandLine, conn: Connection) -> None:
    made = command.json("webhooks", "create", URL)
    told(conn)
    shown = command.json("webhooks", "show", made["id"])
    assert (shown["waiting"], shown["dead"]) == (0, 1)
    assert command.succeed("webhooks", "replay", made["id"]) == "1 messages are sent again.\n"
    assert messages(conn)[0]["state"] == "waiting"
    assert command.json("webhooks", "replay", made["id"]) == {"replayed": 0}


def test_a_time_is_replayed(command: CommandLine, conn: Connection) -> None:
    made = command.json("webhooks", "create", URL)
    told(conn)
    replay = ("webhooks", "replay", made["id"])
    later = (NOW + timedelta(hours=1)).isoformat()
    assert command.json(*replay, "--since", later) == {"replayed": 0}
    assert command.json(*replay, "--until", "2026-11-21 13:00:00") == {"replayed": 1}
    assert command.refused(*replay, "--since", "yesterday").startswith("since: 'yesterday' must be")
    assert "must be after since" in command.refused(*replay, "--since", later, "--until", NOW)


def test_a_campaigns_own_url_is_shown_and_replayed(command: CommandLine, conn: Connection) -> None:
    campaign_id = campaign_of(conn, told(conn, callback="https://ann:pw@example.com/?s3cret"))
    shown = command.json("webhooks", "show", "--campaign", campaign_id)
    assert shown["url"] == "https://example.com/"
    assert (shown["state"], shown["waiting"], shown["dead"]) == ("enabled", 0, 1)
    assert "health" not in shown
    assert "s3cret" not in command.succeed("webhooks", "show", "--campaign", campaign_id)
    assert command.json("webhooks", "replay", "--campaign", campaign_id) == {"replayed": 1}
    assert command.refused("webhooks", "replay", "--campaign", uuid4()).startswith("campaign: ")


def test_another_team_sees_nothing(command: CommandLine) -> None:
    made = command.json("webhooks", "create", URL)
    command.succeed("teams", "create", "other")
    assert command.json("webhooks", "list", "--team", "other") == []
    for word in ("show", "rotate", "enable", "disable", "delete", "replay"):
        assert "there is no webhook" in command.refused(
            "webhooks", word, made["id"], "--team", "other"
        )
