"""Pace, hours, shares: what a campaign may say about them, and what is refused at the door."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from campaigns.campaign import samples, service, show
from campaigns.campaign.store import Campaign
from campaigns.errors import Invalid
from tests.support.campaign_bodies import pause
from tests.support.campaigns import MAIL, NOW, PROVIDERS, World, submit

START = datetime(2026, 11, 25, 15, 25, tzinfo=UTC)

ALL: dict[str, Any] = {
    "timezone": "Europe/London",
    "leftover": "next_window",
    "rate": "200/min",
    "pacing": "asap",
    "warm_up": {"first_day": 100, "factor": 1.5},
    "sending_hours": [{"days": ["mon", "wed"], "from": "09:00", "to": "18:00"}],
    "quiet_hours": [{"from": "22:00", "to": "07:30"}],
    "holidays": ["2026-12-25", "2026-12-26"],
    "recipient_local": True,
    "priority": "bulk",
    "weight": 12,
    "jitter": 30,
    "start_deadline": 600,
}


def edit(world: World, campaign: Campaign, body: dict[str, Any]) -> Campaign:
    return service.edit(world.conn, world.team.id, campaign.id, body, providers=PROVIDERS, now=NOW)


def test_every_limit_is_stored_and_answered_as_it_was_given(
    world: World, throttled: dict[str, Any]
) -> None:
    campaign = submit(world, {**throttled, **ALL})
    answer = show.as_answer(campaign)
    assert {name: answer[name] for name in ALL} == ALL
    assert campaign.holidays == (date(2026, 12, 25), date(2026, 12, 26))
    # An edit of something else leaves them alone.
    renamed = show.as_answer(edit(world, campaign, {"name": "Renamed"}))
    assert {name: renamed[name] for name in ALL} == ALL


def test_what_is_not_said_has_the_defaults_of_the_documentation(
    world: World, simple: dict[str, Any], throttled: dict[str, Any]
) -> None:
    answer = show.as_answer(submit(world, simple))
    expected = {
        "timezone": "UTC",
        "schedule_rrule": None,
        "schedule_exdates": [],
        "schedule_rdates": [],
        "overlap": "skip",
        "start_deadline": None,
        "catch_up": "one",
        "catch_up_cap": 10,
        "jitter": 0,
        "leftover": "continue",
        "rate": None,
        "pacing": "asap",
        "warm_up": None,
        "sending_hours": None,
        "quiet_hours": None,
        "holidays": [],
        "recipient_local": False,
        "priority": "normal",
        "weight": 1,
        "segments": 1,
    }
    assert {name: answer[name] for name in expected} == expected
    campaign = submit(world, throttled)
    assert campaign.pacing == "evenly"
    # The pacing that was nobody's choice goes with the window that it was for.
    unthrottled = {"throttled": False, "scheduled_finish_date": None, "pauses": None}
    assert edit(world, campaign, unthrottled).pacing == "asap"


def test_null_takes_a_limit_away(world: World, throttled: dict[str, Any]) -> None:
    names = ("rate", "pacing", "warm_up", "sending_hours", "quiet_hours", "holidays", "expiry_date")
    edited = edit(world, submit(world, {**throttled, **ALL}), dict.fromkeys(names))
    assert [getattr(edited, name) for name in names] == [None, "evenly", None, None, None, (), None]


@pytest.mark.parametrize(
    ("pauses", "stored"),
    [
        (
            [pause("15:30:00", "15:40:00"), pause("15:35:00", "15:45:00")],
            [pause("15:30:00", "15:45:00")],
        ),
        (
            [pause("15:30:00", "15:50:00"), pause("15:35:00", "15:40:00")],
            [pause("15:30:00", "15:50:00")],
        ),
        (
            [pause("15:40:00", "15:50:00"), pause("15:30:00", "15:40:00")],
            [pause("15:30:00", "15:50:00")],
        ),
    ],
    ids=["overlapping", "nested", "touching"],
)
def test_pauses_that_overlap_become_one(
    world: World, throttled: dict[str, Any], pauses: Any, stored: Any
) -> None:
    answer = show.as_answer(submit(world, {**throttled, "pauses": pauses}))
    found = [{name: p[name] for name in ("start_at", "end_at")} for p in answer["pauses"]]
    assert found == stored


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"pauses": [pause("15:45:00", "15:40:00")]},
            "pauses[0].end_at: '2026-11-25 15:40:00' must be later than its start_at "
            "2026-11-25 15:45:00.",
        ),
        (
            {"pauses": [pause("15:40:00", "15:40:00")]},
            "pauses[0].end_at: '2026-11-25 15:40:00' must be later than its start_at "
            "2026-11-25 15:40:00.",
        ),
        (
            {"pauses": [pause("15:25:00", "16:00:00"), pause("16:00:00", "16:25:00")]},
            "pauses: leave no time to send before the finish 2026-11-25 16:25:00.",
        ),
        (
            {"leftover": "next_window", "pauses": [pause("16:20:00", "16:25:01")]},
            "pauses[0].end_at: '2026-11-25 16:25:01' must not be later than the end "
            "2026-11-25 16:25:00.",
        ),
        (
            {"rate": "0/min"},
            "rate: '0/min' must be a positive number per s, min, h or day, such as '50/s'.",
        ),
        (
            {"rate": "-5/s"},
            "rate: '-5/s' must be a positive number per s, min, h or day, such as '50/s'.",
        ),
        (
            {"rate": "10/fortnight"},
            "rate: '10/fortnight' must be a positive number per s, min, h or day, such as '50/s'.",
        ),
        ({"rate": 5}, "rate: 5 must be a text."),
        ({"pacing": "fast"}, "pacing: 'fast' must be 'evenly' or 'asap'."),
        ({"priority": "high"}, "priority: 'high' must be 'urgent', 'normal' or 'bulk'."),
        ({"weight": 0}, "weight: 0 must be greater than or equal to 1."),
        ({"weight": 1001}, "weight: 1001 must be less than or equal to 1000."),
        ({"weight": True}, "weight: True must be a whole number."),
        (
            {"warm_up": {"first_day": 0}},
            "warm_up.first_day: 0 must be greater than or equal to 1.",
        ),
        (
            {"warm_up": {"first_day": 9, "factor": 0.5}},
            "warm_up.factor: 0.5 must be greater than or equal to 1.",
        ),
        ({"warm_up": {"factor": 2}}, "warm_up.first_day: is required."),
        ({"warm_up": {"first_day": 9, "days": 2}}, "warm_up.days: is not a known field."),
        ({"warm_up": 9}, "warm_up: 9 must be an object of fields."),
        ({"jitter": 3600}, "jitter: 3600 must be shorter than the window of 3600 seconds."),
        ({"jitter": -1}, "jitter: -1 must be greater than or equal to 0."),
        (
            {"timezone": "europe/london"},
            "timezone: 'europe/london' must be the name of a time zone such as 'Europe/London'; "
            "the nearest known one is 'Europe/London'.",
        ),
        (
            {"sending_hours": [{"from": "25:00", "to": "18:00"}]},
            "sending_hours[0].from: '25:00' must be a time of day such as '09:00'.",
        ),
        (
            {"quiet_hours": [{"from": "09:00", "to": "09:00"}]},
            "quiet_hours[0].to: '09:00' must differ from 'from'; '00:00' to '24:00' is the whole "
            "day.",
        ),
        (
            {"sending_hours": [{"days": ["monday"], "from": "09:00", "to": "18:00"}]},
            "sending_hours[0].days[0]: 'monday' must be one of mon, tue, wed, thu, fri, sat, sun.",
        ),
        (
            {"holidays": ["2026-02-30"]},
            "holidays[0]: '2026-02-30' must be a date such as '2026-12-25'.",
        ),
        (
            {"scheduled_send_date": "2026-11-31 09:00:00"},
            "scheduled_send_date: '2026-11-31 09:00:00' must be a time such as "
            "'2026-11-25 15:25:00' (UTC), ISO 8601 with an offset, or Unix time in seconds.",
        ),
    ],
)
def test_a_limit_that_means_nothing_gets_one_sentence(
    world: World, throttled: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Invalid) as refused:
        submit(world, {**throttled, **changes})
    assert str(refused.value) == sentence
    assert [world.rows(table) for table in ("campaigns", "pauses")] == [0, 0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pacing": "evenly"}, "pacing: 'evenly' needs throttled to be true."),
        ({"leftover": "next_window"}, "leftover: 'next_window' needs throttled to be true."),
    ],
)
def test_what_needs_a_window_says_so(
    world: World, simple: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Invalid) as refused:
        submit(world, {**simple, **changes})
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("{code}" + "x" * 160, 2),
        ("{{code}}" + "x" * 152, 1),
        ("@first_name!" + "x" * 159, 1),
        ("ж" * 71, 2),
    ],
)
def test_the_segments_are_those_of_the_text_with_its_variables(
    world: World, simple: dict[str, Any], text: str, segments: int
) -> None:
    """Without any field of a contact, so that no message has fewer."""
    body = {**simple, "template_uuid": None, "template": text, "template_vars": {"code": "1"}}
    campaign = submit(world, body)
    assert campaign.segments == segments
    assert edit(world, campaign, {"template": "short"}).segments == 1
    assert submit(world, {**body, **MAIL}).segments == 1


def test_a_test_of_a_campaign_waits_for_none_of_its_limits(
    world: World, throttled: dict[str, Any]
) -> None:
    campaign = submit(
        world,
        {
            **throttled,
            **ALL,
            "schedule_type": "scheduled",
            "schedule_rrule": "FREQ=WEEKLY;BYDAY=WE",
            "schedule_exdates": ["2026-12-02 15:25:00"],
        },
    )
    sample = samples.send_test(
        world.conn,
        world.team.id,
        {"campaign": str(campaign.id), "address": "07785 856985"},
        providers=PROVIDERS,
        now=NOW,
    )
    stored = service.get(world.conn, world.team.id, sample.id)
    assert stored == sample
    assert (stored.schedule_rrule, stored.next_dt, stored.last_dt) == (None, None, NOW)
    assert (stored.rate, stored.warm_up, stored.jitter, stored.weight) == (None, None, 0, 1)
    assert stored.calendar.is_open_always
    assert not stored.recipient_local
    assert (stored.priority, stored.pacing) == ("urgent", "asap")
