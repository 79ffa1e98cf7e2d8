"""Whatever is handed in: one sentence that names what is wrong, and nothing is stored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import ledger
from tests.support.command_line import CommandLine
from tests.support.fault_server import unused_port

NOBODY = "00000000-0000-4000-8000-00000000dead"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"name": "x",}', "line 1, column"),
        (b"[]", "must hold one JSON object"),
        (b'{"name": "x", "name": "y"}', "'name' twice"),
        (b'{"name": NaN}', "NaN"),
        (b'{"name": "\xe9"}', "not UTF-8"),
        (b"\x00\x01\x02", "is not JSON"),
    ],
)
@pytest.mark.parametrize("door", [("submit",), ("plan",), ("templates", "create")])
def test_a_file_that_is_no_json_object(command: CommandLine, door, content, words) -> None:
    file = command.write("bad.json", content)
    assert words in command.refused(*door, file)
    assert words in command.refused(*door, "-", stdin=content)


def test_a_file_that_does_not_exist(command: CommandLine) -> None:
    missing = command.folder / "missing.json"
    for door in (("submit",), ("plan",), ("templates", "create"), ("campaigns", "edit", NOBODY)):
        assert "No such file" in command.refused(*door, missing)
    assert "missing.csv" in command.refused(
        "contacts", "import", "default_optouts", command.folder / "missing.csv"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sendr": "x"}, "the nearest known one is 'sender'"),
        ({"included_contact_groups": [NOBODY]}, "is not a contact group of this team"),
        ({"included_contact_groups": []}, "at least one contact group"),
        ({"sender": "ab"}, "3 to 11 characters"),
        ({"sender": "abcdefghijkl"}, "3 to 11 characters"),
        ({"template": "Hi {nobody}"}, "not in template_vars"),
        ({"expiry_date": "2098-11-25 15:25:00"}, "later than the start"),
        (
            {"throttled": True, "scheduled_finish_date": "2098-11-25 15:24:00"},
            "later than the start",
        ),
        ({"scheduled_send_date": "yesterday"}, "must be a time such as"),
        ({"scheduled_send_date": "2020-01-01 00:00:00"}, "must not lie in the past"),
        ({"provider": "pigeon"}, "configured are: carrier"),
        ({"name": "\u0000"}, "name"),
        ({"name": "\ud800"}, "name"),
    ],
)
def test_a_campaign_that_breaks_a_rule(command: CommandLine, body, conn, change, words) -> None:
    file = command.write("bad.json", {**body, **change})
    sentence = command.refused("submit", file)
    assert words in sentence
    assert command.refused("plan", file) == sentence
    assert conn.execute("SELECT count(*) AS n FROM campaigns").fetchone() == {"n": 0}


def test_with_json_the_refusal_is_json_and_standard_output_stays_empty(
    command: CommandLine, body
) -> None:
    result = command.run("submit", command.write("bad.json", {**body, "sender": "ab"}), "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    error = json.loads(result.stderr)["error"]
    assert (error["code"], error["field"]) == ("invalid", "sender")
    assert "3 to 11 characters" in error["message"]
    missing = command.run("--json", "groups", "show", "nobody")
    assert json.loads(missing.stderr)["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "words",
    [
        ("campaigns", "show", "not-a-uuid"),
        ("campaigns", "list", "--after", "x"),
        ("campaigns", "list", "--after", NOBODY),
        ("campaigns", "pause", NOBODY),
        ("campaigns", "stop", NOBODY),
        ("campaigns", "delete", NOBODY),
        ("campaigns", "test", NOBODY, "--to", "+447785850001"),
        ("templates", "show", NOBODY),
        ("templates", "delete", "x"),
        ("tokens", "revoke", "x"),
        ("tokens", "revoke", NOBODY),
        ("clients", "revoke", "x"),
        ("clients", "rotate", NOBODY),
        ("clients", "create", "x", "--network", "10.0.0.1/8"),
        ("groups", "create", ""),
        ("groups", "create", "x", "--uuid", "y"),
        ("groups", "delete", "default_optouts"),
        ("teams", "create", "default"),
        ("teams", "create", "x", "--region", "XX"),
        ("contacts", "optout", "nonsense"),
        ("contacts", "list", "nobody"),
        ("contacts", "list", "\udcff"),
        ("groups", "list", "--team", "\udcff"),
        ("contacts", "import", "default_optouts", ""),
        ("audience", "count", "--include", "nobody"),
        ("audience", "count", "--include", "default_optouts"),
        ("status", "seventeen"),
        ("status", "17"),
        ("status", "9" * 40),
        ("report", NOBODY, "--csv"),
        ("deliveries", "unknown", "17"),
        ("deliveries", "resolve", "17", "--fail"),
    ],
    ids=" ".join,
)
def test_what_does_not_exist_or_is_no_name(command: CommandLine, words) -> None:
    assert command.refused(*words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"phone,name\n\xff\xfe,x\n", "utf-8"),
        (b"", "is empty"),
        (b"name\nAnn\n", "column"),
    ],
)
def test_a_csv_that_cannot_be_understood(command: CommandLine, group, content, words) -> None:
    file = command.write("bad.csv", content)
    assert words in command.refused("contacts", "import", "friends", file).lower()
    assert command.json("audience", "count", "--include", "friends")["recipients"] == 3


def test_a_providers_file_with_a_mistake(command: CommandLine, body) -> None:
    command.write("providers.toml", '[providers.x]\nadapter = "http"\nchannel = "smoke"\n')
    file = command.write("campaign.json", body)
    for words in (("providers", "list"), ("submit", file), ("plan", file)):
        assert "providers.x.channel" in command.refused(*words)
    command.write("providers.toml", "nonsense")
    assert "not a readable TOML file" in command.refused("providers", "check")


def test_a_report_that_cannot_be_written(command: CommandLine, conn) -> None:
    now = conn.execute("SELECT now() AS now").fetchone()["now"]
    run_id = ledger.run(conn, ledger.campaign(conn, now), 3, now)
    out = command.folder / "nowhere" / "report.csv"
    assert "cannot be written" in command.refused("report", run_id, "--csv", "--out", out)
    device = command.refused("report", run_id, "--csv", "--out", os.devnull)
    assert "is not a regular file" in device
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(
    "words", [("groups", "list"), ("--json", "groups", "list"), ("report", "RUN", "--csv")]
)
def test_a_full_disk_behind_standard_output_is_one_sentence(
    command: CommandLine, conn, words
) -> None:
    now = conn.execute("SELECT now() AS now").fetchone()["now"]
    run_id = ledger.run(conn, ledger.campaign(conn, now), 5000, now)
    words = [str(run_id) if word == "RUN" else word for word in words]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "cli.main", *words],
            env={**os.environ, **command.variables},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert "standard output: cannot be used (No space left on device)" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_files_name_does_not_steer_the_terminal(command: CommandLine) -> None:
    for words in (("submit",), ("contacts", "import", "default_optouts")):
        assert "\x1b" not in command.refused(*words, command.folder / "\x1b[31mred")


COMMANDS = [
    ("groups", "list"),
    ("teams", "list"),
    ("tokens", "list"),
    ("clients", "list"),
    ("templates", "list"),
    ("campaigns", "list"),
    ("contacts", "list", "friends"),
    ("contacts", "optout", "+447785850001"),
    ("audience", "count", "--include", "friends"),
    ("status", "1"),
    ("report", "1", "--csv"),
    ("deliveries", "unknown", "1"),
    ("migrate", "--wait", "0"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_database_that_is_down_is_one_sentence(command: CommandLine, words) -> None:
    url = f"postgresql://sluice:secret@127.0.0.1:{unused_port()}/sluice"
    down = replace(command, variables={**command.variables, "SLUICE_DATABASE_URL": url})
    sentence = down.refused(*words)
    assert "PostgreSQL cannot be reached" in sentence
    assert "secret" not in sentence


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_where_nothing_runs_it_says_how_to_start(command: CommandLine, words) -> None:
    bare = replace(command, variables={"SLUICE_HOME": command.variables["SLUICE_HOME"]})
    assert "start it with `sluice up`" in bare.refused(*words)


def test_a_home_that_can_be_none_is_one_sentence(command: CommandLine) -> None:
    file, circle = command.write("a file", "x"), command.folder / "circle"
    circle.symlink_to(circle)
    for home in (file, circle, "~nobody-is-called-so/x"):
        bare = replace(command, variables={"SLUICE_HOME": str(home)})
        assert "SLUICE_HOME" in bare.refused("groups", "list")


def test_a_url_that_is_none_is_one_sentence(command: CommandLine) -> None:
    for url in ("nonsense", "http://127.0.0.1:1/x", "postgresql://h:port/x"):
        wrong = replace(command, variables={**command.variables, "SLUICE_DATABASE_URL": url})
        assert "SLUICE_DATABASE_URL" in wrong.refused("groups", "list")


def test_a_database_without_tables_says_what_to_run(
    command: CommandLine, empty_database: str
) -> None:
    empty = replace(command, variables={**command.variables, "SLUICE_DATABASE_URL": empty_database})
    for words in (("groups", "list"), ("campaigns", "list"), ("status", "1")):
        assert "run `sluice migrate`" in empty.refused(*words)
