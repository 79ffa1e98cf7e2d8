"""The doctor finds what is broken, says what to do, and shows no secret."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.support.command_line import CommandLine
from tests.support.fault_server import unused_port


def examined(command: CommandLine) -> tuple[int, dict[str, dict[str, str]]]:
    result = command.run("doctor", "--json")
    findings = json.loads(result.stdout)["findings"]
    return result.exit_code, {finding["what"]: finding for finding in findings}


def set_to(command: CommandLine, **changes: str) -> CommandLine:
    return replace(command, variables={**command.variables, **changes})


def heartbeats(conn, seconds_ago: float) -> None:
    for kind in ("beat", "send", "control", "callbacks"):
        conn.execute(
            "INSERT INTO heartbeats VALUES (%s, %s, now() - make_interval(secs => %s))",
            (f"{kind}@test", kind, seconds_ago),
        )


def test_a_sound_installation_is_ok_but_for_redis_that_forgets(command: CommandLine, conn) -> None:
    heartbeats(conn, 1)
    code, found = examined(command)
    assert code == 0
    assert {what for what, finding in found.items() if finding["state"] != "ok"} == {
        "Redis's memory"
    }
    assert found["Redis's memory"]["state"] == "warning"
    assert "18." in found["PostgreSQL"]["found"]
    assert "beat" in command.succeed("doctor")


def test_processes_that_were_not_seen_are_missed(command: CommandLine, conn) -> None:
    code, found = examined(command)
    assert code == 1
    assert found["beat"]["found"] == "never seen"
    for workers in ("send workers", "control workers", "callbacks workers"):
        assert "sluice up" in found[workers]["advice"]
    heartbeats(conn, 120)
    assert "last seen 120 s ago" in examined(command)[1]["beat"]["found"]


def test_servers_that_are_down_are_broken_and_no_password_is_shown(command: CommandLine) -> None:
    port = unused_port()
    down = set_to(
        command,
        SLUICE_DATABASE_URL=f"postgresql://me:topsecret@127.0.0.1:{port}/x",
        SLUICE_REDIS_URL=f"redis://:topsecret@127.0.0.1:{port}/0",
        SLUICE_BROKER_URL=f"redis://:topsecret@127.0.0.1:{port}/1",
    )
    code, found = examined(down)
    assert code == 1
    assert [found[what]["state"] for what in ("PostgreSQL", "Redis", "broker")] == ["broken"] * 3
    result = down.run("doctor")
    assert "topsecret" not in result.output
    assert "Traceback" not in result.output


def test_a_database_without_tables_is_sent_to_migrate(
    command: CommandLine, empty_database: str
) -> None:
    _, found = examined(set_to(command, SLUICE_DATABASE_URL=empty_database))
    assert found["migrations"]["state"] == "broken"
    assert "sluice migrate" in found["migrations"]["advice"]


def test_a_mistake_in_the_providers_file_is_found(command: CommandLine) -> None:
    command.write("providers.toml", '[providers.x]\nadapter = "pigeon"\nchannel = "sms"\n')
    assert examined(command)[1]["provider x"]["state"] == "broken"
    command.write("providers.toml", "x")
    assert examined(command)[1]["providers"]["state"] == "broken"
    command.write("providers.toml", "")
    assert "none in" in examined(command)[1]["providers"]["found"]


def test_where_nothing_is_set_and_nothing_runs_it_says_so(command: CommandLine) -> None:
    bare = replace(command, variables={"SLUICE_HOME": command.variables["SLUICE_HOME"]})
    code, found = examined(bare)
    assert code == 1
    assert "sluice up" in found["SLUICE_DATABASE_URL"]["advice"]


def test_an_account_that_its_provider_refuses_is_broken(command: CommandLine, conn) -> None:
    conn.execute(
        "INSERT INTO provider_states (provider, circuit, refusals, refusal, cooling_until, "
        "updated_at) VALUES ('acme', 'open', 2, 'invalid_key', now() + interval '1 min', now())"
    )
    found = examined(command)[1]["account acme"]
    assert found["state"] == "broken"
    assert found["found"].startswith("refused (invalid_key); asked again at ")
    assert "credentials" in found["advice"]
