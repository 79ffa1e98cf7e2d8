"""Each warning of a plan appears where it is due, and a sound plan has none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from campaigns.audience.audience import ZoneShare
from cli.planning.warnings import warnings
from tests.support.plans import NOW, plan

MINUTE: dict[str, Any] = {
    "throttled": True,
    "scheduled_send_date": "2026-11-25 09:00:00",
    "scheduled_finish_date": "2026-11-25 09:01:00",
    "expiry_date": "2026-11-25 10:00:00",
}
NINE_TO_FIVE = [{"from": "09:00", "to": "17:00"}]


def the_one(*args: Any, **kwargs: Any) -> str:
    found = warnings(plan(*args, **kwargs))
    assert len(found) == 1, found
    return found[0]


def test_a_sound_plan_has_none() -> None:
    assert warnings(plan(MINUTE)) == []
    assert warnings(plan({})) == []
    assert warnings(plan({**MINUTE, "sending_hours": NINE_TO_FIVE})) == []


def test_an_empty_audience_is_all_there_is_to_say() -> None:
    assert "audience is empty" in the_one(MINUTE, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"status": "draft"}, "is a draft"), ({"manually_paused": True}, "paused by hand")],
)
def test_what_holds_it_is_said(change: dict[str, Any], words: str) -> None:
    assert words in the_one({**MINUTE, **change})


def test_a_start_that_has_just_passed_is_said_and_so_is_its_deadline() -> None:
    body = {**MINUTE, "scheduled_send_date": "2026-11-24 11:59:30"}
    assert "has just passed" in the_one(body)
    assert "would be missed" in warnings(plan({**body, "start_deadline": 10}))[1]
    assert warnings(plan({**body, "start_deadline": 40})) == ["its start has just passed."]


@pytest.mark.parametrize(
    ("leftover", "words"),
    [
        ("continue", "continue after the finish."),
        ("expire", "get nothing."),
        ("next_window", "wait for its next turn."),
    ],
)
def test_a_window_shorter_than_the_ceiling_allows(leftover: str, words: str) -> None:
    body = {**MINUTE, "expiry_date": "2026-11-27 09:00:00", "leftover": leftover}
    found = the_one(body, 5_000)
    assert found.startswith("carrier takes 50/s: 2,0")
    assert found.endswith(words)


def test_the_limit_that_binds_is_named() -> None:
    assert the_one({**MINUTE, "rate": "60/min"}).startswith("the campaign takes 60/min")
    assert the_one(MINUTE, team_rules={"rate": "2/s"}).startswith("team default takes 2/s")
    assert the_one(MINUTE, sender_rate="3/s").startswith("carrier per sender takes 3/s")


def test_what_the_expiry_cuts_off_is_counted() -> None:
    body = {"scheduled_send_date": "2026-11-25 09:00:00", "expiry_date": "2026-11-25 09:00:10"}
    found = the_one(body, 1_000)
    # Ten seconds less the guard, and slots that lie 1.2 % further apart than 50/s says.
    assert found.startswith("521 of 1,000 recipients are left when it expires")


def test_nothing_open_before_the_expiry() -> None:
    night = {"quiet_hours": [{"from": "08:00", "to": "11:00"}]}
    assert "nothing is open before it expires" in the_one(MINUTE, team_rules=night)


def test_nothing_open_before_the_finish() -> None:
    early = {"quiet_hours": [{"from": "08:00", "to": "09:30"}]}
    found = the_one(MINUTE, team_rules=early)
    assert found == (
        "nothing is open before the finish: 600 of 600 recipients do not fit into the window and "
        "continue after the finish."
    )


def test_a_zone_in_which_nobody_is_reached() -> None:
    zones = [ZoneShare("Europe/London", 100, 0), ZoneShare("America/New_York", 50, 0)]
    body = {**MINUTE, "recipient_local": True, "sending_hours": NINE_TO_FIVE}
    found = warnings(plan(body, zones=zones))
    assert any("none of the 50 recipients in America/New_York" in each for each in found)
    assert not any("in Europe/London" in each for each in found)


def test_recipients_without_a_time_zone() -> None:
    zones = [ZoneShare("UTC", 100, 40)]
    found = the_one({**MINUTE, "recipient_local": True}, zones=zones)
    assert found.startswith("40 of 100 recipients name no time zone")


def test_a_warm_up_that_does_not_reach_everybody() -> None:
    body = {
        "scheduled_send_date": "2026-11-25 09:00:00",
        "expiry_date": "2026-11-27 09:00:00",
        "warm_up": {"first_day": 100, "factor": 2.0},
    }
    assert warnings(plan(body, 300)) == []
    assert the_one(body, 301).startswith("the warm-up allows 300 messages in the 2 days")


@pytest.mark.parametrize(
    ("overlap", "words"),
    [("skip", "skipped"), ("queue", "waits"), ("allow", "side by side")],
)
def test_runs_that_overlap(overlap: str, words: str) -> None:
    body = {
        "schedule_type": "scheduled",
        "schedule_rrule": "FREQ=HOURLY",
        "scheduled_send_date": "2026-11-25 09:00:00",
        "overlap": overlap,
    }
    assert warnings(plan(body, 3_000, rate="1/s")) == []
    found = the_one(body, 4_000, rate="1/s")
    assert "a run takes 67.5 minutes, and occurrences are only 60 minutes apart" in found
    assert words in found


def test_an_occurrence_whose_time_does_not_exist_was_moved() -> None:
    body = {
        "schedule_type": "scheduled",
        "schedule_rrule": "FREQ=DAILY",
        "scheduled_send_date": "2027-03-26 01:30:00",
        "timezone": "Europe/Berlin",
    }
    found = the_one(body)
    assert "at 2027-03-28 03:00:00 there, which is the first moment after that" in found
    assert warnings(plan({**body, "timezone": "UTC"})) == []


def test_a_start_that_does_not_exist_was_moved() -> None:
    body = {
        "schedule_type": "scheduled",
        "schedule_rrule": "DTSTART:20270328T023000\nRRULE:FREQ=YEARLY;COUNT=2",
        "timezone": "Europe/Berlin",
    }
    found = warnings(plan(body))
    assert "go forward over 2027-03-28 02:30:00; it starts" in found[0]
    assert "2027-03-28 03:00:00 there" in found[0]


def test_frequency_caps_are_named_and_not_counted() -> None:
    caps = {"frequency_cap_day": 1, "frequency_cap_week": 3}
    assert "allows each recipient 1 in 24 hours and 3 in 7 days" in the_one(MINUTE, team_rules=caps)
    assert "0 in 24 hours over" in the_one(MINUTE, team_rules={"frequency_cap_day": 0})


def test_a_start_of_now_is_no_start_that_has_passed() -> None:
    assert warnings(plan({}, now=NOW + timedelta(milliseconds=700))) == []
