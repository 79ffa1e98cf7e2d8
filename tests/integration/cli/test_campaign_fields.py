"""A campaign with all that it can say, as `sluice` shows it."""

from __future__ import annotations

from typing import Any

from tests.support.command_line import CommandLine

SERIES: dict[str, Any] = {
    "timezone": "Europe/London",
    "schedule_type": "scheduled",
    "schedule_rrule": "FREQ=WEEKLY;BYDAY=MO,FR;COUNT=9",
    "schedule_exdates": ["2098-11-28 15:25:00", "2098-12-01 15:25:00"],
    "schedule_rdates": ["2098-11-29 10:00:00"],
    "start_deadline": 3600,
    "jitter": 90,
    "throttled": True,
    "scheduled_finish_date": "2098-11-28 17:00:00",
    "pauses": [{"start_at": "2098-11-28 15:30:00", "end_at": "2098-11-28 15:35:00"}],
    "rate": "200/min",
    "warm_up": {"first_day": 1000},
    "sending_hours": [{"days": ["mon", "tue", "fri"], "from": "09:00", "to": "18:00"}],
    "quiet_hours": [{"from": "21:00", "to": "08:00"}],
    "holidays": ["2098-12-25", "2098-12-26"],
    "recipient_local": True,
    "priority": "bulk",
    "weight": 5,
}


def test_every_field_is_shown_in_words(command: CommandLine, body: dict[str, Any]) -> None:
    command.succeed("submit", command.write("series.json", {**body, **SERIES}))
    lines = command.succeed("campaigns", "show", body["uuid"]).splitlines()
    shown = dict(line.split("  ", 1) for line in lines if "  " in line)
    assert {name: shown[name].strip() for name in EXPECTED} == EXPECTED
    # The list tells when it takes place next.
    assert "2098-11-29 10:00:00" in command.succeed("campaigns", "list")


EXPECTED = {
    "time zone": "Europe/London",
    "starts": "2098-11-28 15:25:00",
    "finishes": "2098-11-28 17:00:00",
    "pauses": "2098-11-28 15:30:00 to 2098-11-28 15:35:00",
    "leftover": "continue",
    "repeats": "FREQ=WEEKLY;BYDAY=MO,FR;COUNT=9",
    "except": "2098-11-28 15:25:00, 2098-12-01 15:25:00",
    "also": "2098-11-29 10:00:00",
    "next": "2098-11-29 10:00:00",
    "last": "2098-12-26 15:25:00",
    "overlap": "skip",
    "catch up": "one, at most 10",
    "start deadline": "3,600 s",
    "jitter": "90 s",
    "rate": "200/min",
    "pacing": "evenly",
    "warm-up": "1,000 on the first day, each day 2 times as many",
    "sending hours": "mon-tue,fri 09:00-18:00",
    "quiet hours": "21:00-08:00",
    "holidays": "2098-12-25, 2098-12-26",
    "local to": "each recipient",
    "priority": "bulk, weight 5",
}


def test_a_campaign_that_says_nothing_special_is_shown_without_it(
    command: CommandLine, body: dict[str, Any]
) -> None:
    command.succeed("submit", command.write("simple.json", body))
    shown = command.succeed("campaigns", "show", body["uuid"])
    for name in ("repeats", "jitter", "warm-up", "holidays", "pacing", "local to", "segments"):
        assert name not in shown


def test_a_bad_rule_is_refused_in_a_sentence(command: CommandLine, body: dict[str, Any]) -> None:
    bad = {**body, **SERIES, "schedule_rrule": "FREQ=DAILY;INTERVAL=0"}
    assert command.refused("submit", command.write("bad.json", bad)) == (
        "schedule_rrule: 'INTERVAL=0' must be a whole number from 1 to 1,000."
    )
