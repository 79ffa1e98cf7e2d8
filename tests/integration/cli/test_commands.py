"""Each command does what the function behind it does, for people and for programs."""

from __future__ import annotations

import json

from campaigns import migrations, providers, settings
from campaigns.team import teams
from cli.commands import up
from tests.support import ledger
from tests.support.command_line import CommandLine

CAMPAIGN = "dc8a7564-fb1e-11e9-abb5-0242ac120008"


def test_teams_and_what_belongs_to_them_are_apart(command: CommandLine) -> None:
    assert command.json("teams", "create", "acme", "--region", "gb")["default_region"] == "GB"
    assert "acme" in command.succeed("teams", "list")
    command.succeed("--team", "acme", "groups", "create", "mine")
    assert [g["name"] for g in command.json("groups", "list", "--team", "acme")] == [
        "default_optouts",
        "mine",
    ]
    assert [g["name"] for g in command.json("groups", "list")] == ["default_optouts"]
    assert "there is no team 'nobody'" in command.refused("groups", "list", "--team", "nobody")


def test_a_teams_settings_are_edited_shown_and_taken_away(command: CommandLine) -> None:
    edited = command.json(
        "teams", "edit", "default", "--region", "gb", "--timezone", "Europe/London",
        "--sending-hours", "mon-fri 09:00-18:00", "--sending-hours", "sat 10:00-12:00",
        "--quiet-hours", "21:00-08:00", "--holiday", "2026-12-25", "--holiday", "2026-12-26",
        "--rate", "100/s", "--cap-day", "1", "--cap-week", "0",
    )  # fmt: skip
    assert command.json("teams", "show", "default") == edited
    assert edited["holidays"] == ["2026-12-25", "2026-12-26"]
    assert (edited["frequency_cap_day"], edited["frequency_cap_week"]) == (1, 0)
    shown = command.succeed("teams", "show", "default")
    assert "mon-fri 09:00-18:00, sat 10:00-12:00" in shown
    assert "21:00-08:00" in shown
    left = command.json("teams", "edit", "default", "--no-quiet-hours", "--rate", "none")
    assert (left["quiet_hours"], left["rate"]) == (None, None)
    assert left["sending_hours"] == edited["sending_hours"]
    cleared = command.json(
        "teams", "edit", "default", "--no-sending-hours", "--no-holidays", "--region", "none",
        "--cap-day", "none", "--cap-week", "none", "--timezone", "UTC",
    )  # fmt: skip
    of_all = command.json("teams", "list")[0]
    assert of_all == cleared
    settings_left = {name: value for name, value in cleared.items() if value not in (None, [])}
    assert set(settings_left) == {"id", "name", "timezone", "created_at", "updated_at"}


def test_settings_of_a_team_that_break_a_rule_are_refused(command: CommandLine) -> None:
    edit = ("teams", "edit", "default")
    assert "must be the name of a time zone" in command.refused(*edit, "--timezone", "Mars/Base")
    assert "rate: '0/s' must be" in command.refused(*edit, "--rate", "0/s")
    assert "frequency_cap_day: -1 must be" in command.refused(*edit, "--cap-day", "-1")
    assert "must differ from 'from'" in command.refused(*edit, "--quiet-hours", "09:00-09:00")
    assert "must name at least one setting" in command.refused(*edit)
    assert "no team 'nobody'" in command.refused("teams", "edit", "nobody", "--rate", "1/s")
    assert command.run(*edit, "--quiet-hours", "9 to 5").exit_code == 2
    assert command.run(*edit, "--holiday", "2026-12-25", "--no-holidays").exit_code == 2


def test_a_tokens_secret_is_shown_once(command: CommandLine) -> None:
    created = command.json("tokens", "create", "shop")
    assert created["secret"].startswith("sluice_")
    listed = command.succeed("tokens", "list", "--json")
    assert created["secret"] not in listed
    assert json.loads(listed)[0]["revoked_at"] is None
    assert command.json("tokens", "revoke", created["id"])["revoked_at"] is not None
    assert created["id"] in command.succeed("tokens", "list")


def test_a_clients_secret_is_shown_once(command: CommandLine) -> None:
    words = ("--network", "10.0.0.0/8", "--network", "192.0.2.1", "--scope", "read")
    created = command.json("clients", "create", "crm", *words)
    assert created["networks"] == ["10.0.0.0/8", "192.0.2.1/32"]
    assert created["scopes"] == ["read"]
    listed = command.succeed("clients", "list", "--json")
    assert created["client_secret"] not in listed
    assert json.loads(listed)[0]["client_id"] == created["client_id"]
    rotated = command.json("clients", "rotate", created["client_id"])
    assert rotated["client_secret"] != created["client_secret"]
    assert command.json("clients", "revoke", created["client_id"])["revoked_at"] is not None
    assert "crm" in command.succeed("clients", "list")
    assert "no client" in command.refused("clients", "rotate", created["client_id"])
    assert "must be an address" in command.refused("clients", "create", "x", "--network", "x")


def test_groups_are_created_shown_and_deleted(command: CommandLine) -> None:
    created = command.json("groups", "create", "friends", "--description", "All of them")
    assert created["kind"] == "optin"
    assert command.json("groups", "show", "friends") == created
    assert "All of them" in command.succeed("groups", "show", created["uuid"])
    assert created["uuid"] in command.succeed("groups", "list")
    assert "called 'friends' already" in command.refused("groups", "create", "friends")
    assert command.json("groups", "delete", "friends") == {"deleted": created["uuid"]}
    assert "no group 'friends'" in command.refused("groups", "show", "friends")


def test_contacts_are_imported_listed_and_counted(command: CommandLine, group) -> None:
    file = command.write("more.csv", "Mobile;Name\n+447785850004;Dee\nnonsense;Eve\n")
    result = command.json("contacts", "import", "friends", file, "--map", "Mobile=phone")
    assert (result["lines"], result["added"], result["invalid"]) == (2, 1, 1)
    assert "3," in (command.folder / "more.csv.rejects.csv").read_text("utf-8")
    page = command.json("contacts", "list", "friends", "--limit", "3")
    assert [c["phone"][-1] for c in page["contacts"]] == ["1", "2", "3"]
    rest = command.json("contacts", "list", "friends", "--after", page["next"])
    assert [c["fields"] for c in rest["contacts"]] == [{"name": "Dee"}]
    assert "first_name=Ann" in command.succeed("contacts", "list", "friends")


def test_an_opt_out_counts_at_once(command: CommandLine, group) -> None:
    count = ("audience", "count", "--include", "friends")
    assert command.json(*count) == {"recipients": 3, "channel": "sms"}
    assert command.json("contacts", "optout", "+447785850002") == {"new": True}
    assert "Had opted out already." in command.succeed("contacts", "optout", "+447785850002")
    assert command.succeed(*count) == "2 recipients\n"
    assert command.json(*count, "--exclude", "default_optouts")["recipients"] == 2
    assert command.json(*count, "--channel", "email")["recipients"] == 0


def test_a_campaign_is_submitted_edited_steered_and_deleted(command: CommandLine, body) -> None:
    file = command.write("campaign.json", body)
    submitted = command.json("submit", file)
    assert (submitted["uuid"], submitted["status"]) == (CAMPAIGN, "scheduled")
    assert command.json("submit", file) == submitted
    assert command.json("campaigns", "show", CAMPAIGN) == submitted
    assert "Hello @first_name" in command.succeed("campaigns", "show", CAMPAIGN)
    assert CAMPAIGN in command.succeed("campaigns", "list")

    edited = command.json("campaigns", "edit", CAMPAIGN, command.write("e.json", {"name": "May"}))
    assert (edited["name"], edited["sender"]) == ("May", "Sluice")
    assert command.json("campaigns", "pause", CAMPAIGN)["manually_paused"] is True
    assert "scheduled, paused" in command.succeed("campaigns", "list")
    assert command.json("campaigns", "resume", CAMPAIGN)["manually_paused"] is False
    assert command.json("campaigns", "stop", CAMPAIGN)["status"] == "stopped"
    assert "neither be paused" in command.refused("campaigns", "pause", CAMPAIGN)
    assert command.json("campaigns", "delete", CAMPAIGN) == {"deleted": CAMPAIGN}
    assert "no campaign" in command.refused("campaigns", "show", CAMPAIGN)


def test_a_submission_may_come_through_standard_input(command: CommandLine, body) -> None:
    command.succeed("submit", "-", stdin=json.dumps(body))
    assert command.json("campaigns", "show", CAMPAIGN)["name"] == "Spring"


def test_campaigns_are_listed_page_by_page(command: CommandLine, body) -> None:
    for number in range(3):
        uuid = f"{number}{CAMPAIGN[1:]}"
        command.succeed("submit", command.write("c.json", {**body, "uuid": uuid}))
    first = command.json("campaigns", "list", "--limit", "2")
    rest = command.json("campaigns", "list", "--after", first["next"])
    found = [c["uuid"][0] for c in first["campaigns"] + rest["campaigns"]]
    assert found == ["2", "1", "0"]
    assert rest["next"] is None
    assert command.json("campaigns", "list", "--status", "draft")["campaigns"] == []


def test_a_test_send_goes_to_one_address(command: CommandLine, body, conn) -> None:
    command.succeed("submit", command.write("campaign.json", body))
    sample = command.json(
        "campaigns", "test", CAMPAIGN, "--to", "+447785850009", "--field", "first_name=Zoe"
    )
    assert sample["is_test"] is True
    row = conn.execute("SELECT address, fields FROM deliveries").fetchone()
    assert row == {"address": "447785850009", "fields": {"first_name": "Zoe"}}
    message = {"name": "Look", "sender": "Sluice", "template": "Hi"}
    file = command.write("test.json", message)
    shown = command.succeed("campaigns", "test", file, "--to", "+447785850009")
    assert "is on its way" in shown


def test_the_plan_stores_nothing_and_says_what_submit_would_say(
    command: CommandLine, body, conn
) -> None:
    window = {
        "throttled": True,
        "scheduled_finish_date": "2098-11-25 15:25:20",
        "pauses": [{"start_at": "2098-11-25 15:25:05", "end_at": "2098-11-25 15:25:15"}],
    }
    file = command.write("plan.json", {**body, **window})
    plan = command.json("plan", file)
    assert plan["recipients"] == 3
    assert plan["occurrences"] == ["2098-11-25 15:25:00"]
    assert [part["messages"] for part in plan["intervals"] if part["paced"]] == [1, 2]
    # Nothing is sent in the last moments before a boundary.
    assert plan["expected_finish"] == "2098-11-25 15:25:19"
    assert plan["warnings"] == []
    assert "2098-11-25 15:25:15" in command.succeed("plan", file)
    bad = command.write("bad.json", {**body, "sender": "ab"})
    assert command.refused("plan", bad) == command.refused("submit", bad)
    assert conn.execute("SELECT count(*) AS n FROM campaigns").fetchone() == {"n": 0}


def test_a_plan_warns_where_the_providers_ceiling_is_too_low(command: CommandLine, body) -> None:
    lines = "".join(f"+44778586{number:04d}\n" for number in range(200))
    command.succeed("contacts", "import", "friends", command.write("m.csv", "phone\n" + lines))
    narrow = {**body, "throttled": True, "scheduled_finish_date": "2098-11-25 15:25:05"}
    file = command.write("narrow.json", narrow)
    assert "carrier takes 20/s" in command.json("plan", file)["warnings"][0]
    assert "continue after the finish" in command.succeed("plan", file)
    strict = command.write("strict.json", {**narrow, "leftover": "expire"})
    found = command.json("plan", strict)
    assert "get nothing" in found["warnings"][0]
    assert found["left"] == 203 - sum(part["messages"] for part in found["intervals"])


def test_providers_are_listed_and_checked(command: CommandLine) -> None:
    assert command.json("providers", "list")["providers"][0]["rate"] == "20/s"
    assert "carrier: ok" in command.succeed("providers", "check")
    command.write("providers.toml", '[providers.x]\nadapter = "pigeon"\nchannel = "sms"\n')
    result = command.run("providers", "check")
    assert result.exit_code == 1
    assert "'pigeon' is not known" in result.stdout
    command.write("providers.toml", "")
    assert "No provider is configured" in command.succeed("providers", "list")


def test_migrate_may_be_repeated(command: CommandLine) -> None:
    assert command.json("migrate") == {"revision": migrations.head()}
    assert migrations.head() in command.succeed("migrate")


def test_a_campaign_that_has_not_begun_has_a_status_but_no_report(
    command: CommandLine, body
) -> None:
    command.succeed("submit", command.write("campaign.json", body))
    status = command.json("status", CAMPAIGN)
    assert (status["run"], status["why"]["code"]) == (None, "not_started")
    assert "2098-11-25 15:25:00" in command.succeed("status", CAMPAIGN)
    assert "has not begun" in command.refused("report", CAMPAIGN, "--csv")
    assert "has not begun" in command.refused("deliveries", "unknown", CAMPAIGN)


def test_of_a_run_there_are_status_and_report(command: CommandLine, conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, ledger_now(conn)), 3, ledger_now(conn))
    status = command.json("status", run_id)
    assert (status["total"], status["waiting"], status["status"]) == (3, 3, "sending")
    assert status["why"]["code"] == "no_beat"
    assert "no beat was ever seen" in command.succeed("status", run_id)
    assert "no beat was ever seen" in command.succeed("report", run_id)
    lines = command.succeed("report", run_id, "--csv").splitlines()
    assert lines[0].startswith("seq,address,outcome,status")
    assert lines[1].startswith("0,447700000000,pending,pending,,0,")
    assert len(lines) == 4
    out = command.folder / "report.csv"
    assert command.json("report", run_id, "--csv", "--out", out)["rows"] == 3
    assert out.read_text("utf-8").splitlines() == lines
    assert list(command.folder.glob("*.part")) == []


def test_ctrl_c_is_no_traceback(command: CommandLine, monkeypatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(teams, "list_all", interrupted)
    result = command.run("teams", "list")
    assert result.exit_code == 130
    assert result.stdout == ""


def test_a_providers_file_is_written_for_the_carrier_only_where_there_is_none(
    command: CommandLine, tmp_path
) -> None:
    said: list[str] = []
    config = settings.load({"SLUICE_HOME": str(tmp_path / "new")})
    up.provide_carrier(config, lambda _, line: said.append(line))
    found = providers.load(config.providers_file).by_name["carrier"]
    assert (found.adapter, found.channel, found.rate) == ("sandbox", "sms", "200/s")
    assert "wrote" in said[0]
    config.providers_file.write_text("# mine\n")
    up.provide_carrier(config, lambda _, line: said.append(line))
    assert config.providers_file.read_text() == "# mine\n"
    assert "kept as it is" in said[1]


def ledger_now(conn):
    return conn.execute("SELECT now() AS now").fetchone()["now"]
