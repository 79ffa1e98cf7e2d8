"""`sluice plan` on a real database: it stores nothing, and says what submit would do."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from campaigns.audience import audience
from cli.planning.recipients import SAMPLE
from tests.support.command_line import CommandLine

WINDOW = {
    "throttled": True,
    "scheduled_send_date": "2097-11-25 08:00:00",
    "scheduled_finish_date": "2097-11-25 08:01:00",
    "expiry_date": "2097-11-25 09:00:00",
    "pauses": [{"start_at": "2097-11-25 08:00:15", "end_at": "2097-11-25 08:00:25"}],
}
SERIES = {
    "schedule_type": "scheduled",
    "schedule_rrule": "FREQ=DAILY;COUNT=50",
    "scheduled_send_date": "2097-11-25 08:00:00",
    "timezone": "Europe/Berlin",
}


def crowd(command: CommandLine, number: int) -> None:
    """More friends, in three time zones and one that does not exist, some with other alphabets."""
    zones = ("Europe/London", "AMERICA/new_york", "Pacific/Chatham", "nowhere")
    lines = (
        f"+4477858{n:05d},{'Ζωή' if n % 100 == 0 else 'Ann'},{zones[n % 4]}" for n in range(number)
    )
    file = command.write("crowd.csv", "phone,first name,timezone\n" + "\n".join(lines) + "\n")
    command.succeed("contacts", "import", "friends", file)


@pytest.fixture
def planned(command: CommandLine, body: dict[str, Any]):
    """The plan of the usual body with changes, as JSON."""

    def ask(changes: dict[str, Any], *words: object) -> dict[str, Any]:
        return command.json("plan", command.write("plan.json", {**body, **changes}), *words)

    return ask


def test_it_is_complete_as_json(command: CommandLine, planned) -> None:
    crowd(command, 597)
    found = planned(WINDOW)
    assert (found["recipients"], found["rate"], found["leftover"]) == (600, "20/s", "continue")
    assert [part["messages"] for part in found["intervals"]] == [180, 420]
    assert found["curve"][0]["messages"] == 0
    assert found["curve"][-1]["messages"] == 600
    assert (found["late"], found["left"], found["warnings"]) == (0, 0, [])
    # A limit of 20 segments a second, with the 1.2 % that the limiter keeps free.
    assert found["ceilings"][0]["messages_per_second"] == pytest.approx(20 / 1.012, rel=1e-4)


def test_segments_are_those_of_the_messages_themselves(command: CommandLine, planned) -> None:
    crowd(command, 597)
    template = "Dear @first_name, " + "x" * 90
    found = planned({**WINDOW, "template": template})["segments"]
    # Six people whose alphabet is not that of GSM need UCS-2: 70 characters to a segment, not 160.
    assert (found["fewest"], found["most"], found["unicode"]) == (1, 2, 6)
    assert (found["all"], found["rendered"], found["exact"]) == (606, 600, True)
    plain = planned({**WINDOW, "template": "€" * 81})["segments"]
    assert (plain["all"], plain["rendered"], plain["exact"]) == (1_200, 1, True)


def test_segments_are_those_that_leave(command: CommandLine, planned) -> None:
    """Written in the GSM alphabet where that is asked for, and without those that get none."""
    crowd(command, 597)
    template = "“Dear” @first_name, " + "x" * 60
    usual, shorter = (
        planned({**WINDOW, "template": template, "transliterate": wanted})["segments"]
        for wanted in (False, True)
    )
    assert (usual["fewest"], usual["all"], usual["unicode"]) == (2, 1200, 600)
    assert (shorter["fewest"], shorter["most"]) == (1, 2)
    assert (shorter["all"], shorter["unicode"], shorter["too_long"]) == (606, 6, 0)
    limited = {**WINDOW, "template": template, "transliterate": True, "max_parts": 1}
    found = planned(limited)
    assert (found["segments"]["all"], found["segments"]["too_long"]) == (594, 6)
    assert (found["segments"]["fewest"], found["segments"]["most"]) == (1, 1)
    warning = (
        "for 6 of 600 recipients the message has more segments than max_parts allows, which is 1: "
        "they get none (too_many_parts)."
    )
    assert found["warnings"] == [warning]
    # Two of each are slower than one, at a limit that counts them.
    dear, cheap = (
        planned({**WINDOW, "template": template, "transliterate": wanted})["ceilings"][0]
        for wanted in (False, True)
    )
    assert dear["messages_per_second"] < cheap["messages_per_second"]


def test_of_many_recipients_the_same_part_is_rendered_each_time(
    command: CommandLine, planned, conn
) -> None:
    crowd(command, SAMPLE + 500)
    first, second = (planned(WINDOW)["segments"] for _ in range(2))
    assert first == second
    assert (first["rendered"], first["exact"]) == (SAMPLE, False)
    assert first["all"] == SAMPLE + 503
    shown = command.succeed("plan", command.folder / "plan.json")
    assert f"({SAMPLE:,} were rendered)" in " ".join(shown.split())


def test_recipients_are_counted_by_their_time_zones(command: CommandLine, planned, conn) -> None:
    crowd(command, 400)
    found = planned({**WINDOW, "recipient_local": True, "timezone": "Europe/Berlin"})
    zones = {zone["zone"]: zone["recipients"] for zone in found["zones"]}
    # The group's three contacts name none, and neither does every fourth of the others.
    assert zones == {
        "America/New_York": 100,
        "Europe/Berlin": 103,
        "Europe/London": 100,
        "Pacific/Chatham": 100,
    }
    assert found["timezone_fallbacks"] == 103
    assert "America/New_York" in command.succeed("plan", command.folder / "plan.json")


def test_zones_are_counted_as_they_are_when_a_run_is_resolved(
    command: CommandLine, body, conn
) -> None:
    crowd(command, 40)
    team = conn.execute("SELECT id FROM teams").fetchone()["id"]
    groups = [body["included_contact_groups"][0]]
    counted = audience.count_by_zone(conn, team, "sms", groups, [], fallback="UTC")
    with conn.transaction(force_rollback=True):
        written = audience.materialise_by_zone(conn, 1, "phone", team, groups, [], fallback="UTC")
    assert counted == written


def test_addresses_that_are_dead_are_nobody_to_plan_for(
    command: CommandLine, planned, body, conn
) -> None:
    crowd(command, 97)
    conn.execute(
        "INSERT INTO gone_addresses SELECT t.id, 'sms', c.phone, 'carrier', 'gone', now() "
        "FROM teams t, contacts c WHERE c.phone LIKE '4477858000_5'"
    )
    found = planned({**WINDOW, "template": "Dear @first_name"})
    assert (found["recipients"], found["segments"]["rendered"]) == (90, 90)
    local = planned({**WINDOW, "recipient_local": True})
    assert sum(zone["recipients"] for zone in local["zones"]) == 90
    counted = command.json("audience", "count", "--include", "friends")
    assert counted == {"recipients": 90, "channel": "sms"}
    assert command.json("audience", "count", "--include", "friends", "--channel", "whatsapp") == {
        "recipients": 100,
        "channel": "whatsapp",
    }


def test_what_the_account_cannot_carry_is_said_beforehand(
    command: CommandLine, planned, body
) -> None:
    command.write(
        "providers.toml",
        '[providers.own]\nadapter = "http"\nchannel = "email"\nurl = "http://127.0.0.1:9/mail"\n',
    )
    mail = {"sending_type": "email", "sender": "news@example.com"}
    template = {"subject": "Sale", "text": "Hello @first_name"}
    assert (
        "the adapter 'http' of own cannot carry an e-mail, so everybody would be rejected "
        "(content_not_carried)."
    ) in planned({**mail, "template": template})["warnings"]


def test_occurrences_are_listed_in_both_clocks(command: CommandLine, planned) -> None:
    found = planned(SERIES, "--occurrences", 3)
    assert found["occurrences"][-1] == "2097-11-27 08:00:00"
    assert found["local_occurrences"][-1] == "2097-11-27 09:00:00"
    assert (found["occurrences_in_all"], found["last_occurrence"]) == (50, "2098-01-13 08:00:00")
    shown = command.succeed("plan", command.folder / "plan.json", "--occurrences", 2)
    assert "and 48 more, until 2098-01-13 08:00:00" in shown
    endless = {**SERIES, "schedule_rrule": "FREQ=WEEKLY"}
    assert planned(endless)["occurrences_in_all"] is None
    assert "without an end" in command.succeed("plan", command.folder / "plan.json")


def test_what_the_team_forbids_is_looked_at_too(command: CommandLine, planned) -> None:
    command.succeed("teams", "edit", "default", "--quiet-hours", "00:00-24:00")
    found = planned(WINDOW)
    assert "nothing is open before it expires" in found["warnings"][0]
    assert (found["intervals"], found["left"]) == ([], 3)
    assert "nothing is open" in " ".join(
        command.succeed("plan", command.folder / "plan.json").split()
    )


def test_the_picture_is_written_beside_the_answer(command: CommandLine, planned) -> None:
    file = command.folder / "plan.svg"
    assert planned(WINDOW, "--svg", file)["recipients"] == 3
    ElementTree.parse(file)
    nowhere = command.folder / "none" / "plan.svg"
    refusal = command.refused("plan", command.folder / "plan.json", "--svg", nowhere)
    assert refusal == f"{nowhere}: cannot be written (No such file or directory)."
    assert command.run("plan", "x.json", "--svg", command.folder).exit_code == 2


def test_nothing_of_it_is_stored(command: CommandLine, planned, conn) -> None:
    planned(SERIES)
    for table in ("campaigns", "runs", "deliveries"):
        assert conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone() == {"n": 0}
