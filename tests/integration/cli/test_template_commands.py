"""Templates, and campaigns of each form of them, on the command line."""

from __future__ import annotations

import json

from tests.support.command_line import CommandLine

CAMPAIGN = "dc8a7564-fb1e-11e9-abb5-0242ac120008"


def test_templates_are_created_shown_and_deleted(command: CommandLine) -> None:
    file = command.write("template.json", {"name": "Hi", "body": "Hello @first_name\nBye"})
    created = command.json("templates", "create", file)
    assert command.json("templates", "list") == [created]
    assert "Hello @first_name\nBye\n" in command.succeed("templates", "show", created["uuid"])
    assert created["uuid"] in command.succeed("templates", "list")
    assert command.json("templates", "delete", created["uuid"]) == {"deleted": created["uuid"]}
    assert "no template" in command.refused("templates", "show", created["uuid"])


def test_a_template_of_another_channel_is_written_as_the_object_that_it_is(
    command: CommandLine, body
) -> None:
    mail = {"subject": "Hi @first_name", "html": "<p>Hello</p>"}
    file = command.write("template.json", {"name": "Hi", "body": mail})
    created = command.json("templates", "create", file)
    assert json.loads(created["body"]) == mail
    assert '"subject": "Hi @first_name"' in command.succeed("templates", "show", created["uuid"])


def test_a_notification_is_tested_and_shown_by_its_fields(command: CommandLine, body, conn) -> None:
    (command.folder / "providers.toml").write_text(
        '[providers.push]\nadapter = "sandbox"\nchannel = "webpush"\n', "utf-8"
    )
    push = {"name": "Look", "sender": "Acme", "sending_type": "webpush",
            "webpush_title": "Sale", "webpush_target_url": "https://example.com/"}  # fmt: skip
    sample = command.json(
        "campaigns", "test", command.write("test.json", push), "--to", "https://push.example/1"
    )
    assert (sample["webpush_title"], sample["webpush_body"]) == ("Sale", None)
    assert json.loads(sample["template"]) == {"title": "Sale", "url": "https://example.com/"}
    file = command.write("campaign.json", {**body, **push, "template": "Today, @first_name"})
    submitted = command.json("submit", file)
    assert submitted["webpush_body"] == "Today, @first_name"
    shown = command.succeed("campaigns", "show", CAMPAIGN)
    for line in ("Sale", "Today, @first_name", "https://example.com/"):
        assert line in shown
    edited = command.json(
        "campaigns",
        "edit",
        CAMPAIGN,
        command.write("e.json", {"webpush_icon": "https://a.example/"}),
    )
    assert (edited["webpush_title"], edited["webpush_icon"]) == ("Sale", "https://a.example/")
    again = command.json("campaigns", "test", CAMPAIGN, "--to", "https://push.example/1")
    assert again["webpush_title"] == "Sale"


def test_the_parts_of_a_text_message_are_shown(command: CommandLine, body) -> None:
    command.succeed(
        "submit", command.write("campaign.json", {**body, "transliterate": True, "max_parts": 2})
    )
    shown = " ".join(command.succeed("campaigns", "show", CAMPAIGN).split())
    assert "at most 2 parts" in shown
    assert "transliterate where that makes it shorter" in shown
