"""`sluice domains`, `links` and `keywords`, and what a campaign makes of them."""

from __future__ import annotations

from typing import Any

from tests.support.command_line import CommandLine

HOST = "go.example.com"
SALE = "https://shop.example/sale"


def test_domains_are_taken_listed_and_given_up(command: CommandLine) -> None:
    made = command.json("domains", "create", "GO.example.com", "--for", "links", "--for", "bounce")
    assert (made["name"], made["purposes"]) == (HOST, ["links", "bounce"])
    assert command.json("domains", "list") == [made]
    assert HOST in command.succeed("domains", "list")
    assert "must be a host name" in command.refused("domains", "create", "localhost")
    command.succeed("teams", "create", "other")
    refusal = command.refused("domains", "create", HOST, "--team", "other")
    assert refusal == f"name: the domain '{HOST}' cannot be taken, choose another one."
    assert "no domain" in command.refused("domains", "delete", HOST, "--team", "other")
    assert command.json("domains", "delete", made["number"]) == {"deleted": made["uuid"]}
    assert command.json("domains", "list") == []


def test_links_are_made_listed_and_deleted(command: CommandLine) -> None:
    command.succeed("domains", "create", HOST)
    sale = command.json("links", "create", HOST, "sale", "--to", SALE)
    assert (sale["url"], sale["kind"], sale["target"]) == (f"https://{HOST}/sale", "redirect", SALE)
    out = command.json("links", "create", HOST, "out", "--opt-out", "--title", "Acme")
    assert (out["kind"], out["target"], out["group"]) == ("opt_out", None, None)
    assert command.json("links", "list") == [out, sale]
    assert "redirect" in command.succeed("links", "list")
    for words in (("x",), ("x", "--to", SALE, "--opt-out")):
        assert command.run("links", "create", HOST, *words).exit_code == 2
    refusal = command.refused("links", "create", HOST, "x", "--to", "https://u:p@shop.example")
    assert "must not hold a user name" in refusal
    assert "u:p" not in refusal
    command.succeed("links", "delete", sale["url"])
    assert command.json("links", "list") == [out]


def test_words_are_attached_to_groups_that_stay_as_long(command: CommandLine, group) -> None:
    made = command.json("keywords", "create", "Café", "--group", "friends")
    assert (made["word"], made["group_name"]) == ("cafe", "friends")
    assert command.json("keywords", "list") == [made]
    assert "stopall" in command.succeed("keywords", "list")
    assert "always opts out" in command.refused("keywords", "create", "Stop", "--group", "friends")
    refusal = command.refused("groups", "delete", "friends")
    assert refusal == "group: 'friends' has the keyword 'cafe' attached; delete that first."
    command.succeed("keywords", "delete", "CAFE")
    command.succeed("groups", "delete", "friends")


def test_a_plan_counts_segments_with_links_and_stores_nothing(
    command: CommandLine, body: dict[str, Any], conn
) -> None:
    command.succeed("domains", "create", HOST)
    link = f"https://{HOST}/{'x' * 20}"
    for text, segments in (("a" * (159 - len(link)), 1), ("a" * (160 - len(link)), 2)):
        plan = {**body, "template": text, "track_link_url": SALE}
        found = command.json("plan", command.write("plan.json", plan))
        assert found["segments"]["most"] == segments
    assert conn.execute("SELECT FROM campaign_links").fetchall() == []


def test_a_campaign_shows_its_links_and_a_run_how_often_they_were_followed(
    command: CommandLine, body: dict[str, Any], conn
) -> None:
    domain = command.json("domains", "create", HOST)
    out = command.json("links", "create", HOST, "out", "--opt-out")
    whole = {**body, "track_link_url": SALE, "opt_out_link": out["number"], "domain": HOST}
    made = command.json("submit", command.write("campaign.json", whole))
    assert (made["domain"], made["opt_out_link"]) == (domain["uuid"], out["uuid"])
    assert made["track_link_url"] == SALE
    edited = command.write("edit.json", {"track_link_url": None})
    shown = command.json("campaigns", "edit", made["uuid"], edited)
    assert (shown["track_link_url"], shown["opt_out_link"]) == (None, out["uuid"])
    run = conn.execute(
        "INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at, "
        "created_at) VALUES (%s, now(), 'carrier', 'finished', now(), now(), now()) RETURNING id",
        (made["uuid"],),
    ).fetchone()
    conn.execute("INSERT INTO link_clicks VALUES (%s, 0, 0, now(), now(), 3, 2)", (run["id"],))
    (track, opt_out) = command.json("links", "count", run["id"])
    assert (track["source"], track["recipients"], track["times"]) == ("{track_link}", 1, 3)
    assert (opt_out["kind"], opt_out["times"], track["bot_times"]) == ("opt_out", 0, 2)
    assert "{track_link}" in command.succeed("links", "count", made["uuid"])
    command.succeed("teams", "create", "other")
    assert "no run" in command.refused("links", "count", run["id"], "--team", "other")
