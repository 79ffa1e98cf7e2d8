"""Recurring campaigns at the door: what is stored, what is refused, what an edit does to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from campaigns.campaign import control, service, show, state
from campaigns.campaign.store import Campaign
from campaigns.errors import Invalid, Locked
from tests.support.campaigns import NOW, PROVIDERS, World

WEEKLY = {"schedule_type": "scheduled", "schedule_rrule": "FREQ=WEEKLY;BYDAY=MO,FR"}


def submit(world: World, body: dict[str, Any], now: datetime = NOW) -> Campaign:
    campaign = service.submit(world.conn, world.team.id, body, providers=PROVIDERS, now=now)
    # What is returned is what is stored.
    assert service.get(world.conn, world.team.id, campaign.id) == campaign
    return campaign


def edit(world: World, campaign: Campaign, body: Any, now: datetime = NOW) -> Campaign:
    return service.edit(world.conn, world.team.id, campaign.id, body, providers=PROVIDERS, now=now)


def refusal(world: World, body: dict[str, Any]) -> str:
    with pytest.raises(Invalid) as refused:
        submit(world, body)
    assert world.rows("campaigns") == 0
    return str(refused.value)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def add_run(world: World, campaign: Campaign, occurrence: datetime, status: str) -> None:
    world.conn.execute(
        "INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at,"
        " created_at) VALUES (%s, %s, 'carrier', %s, %s, %s, %s)",
        [campaign.id, occurrence, status, occurrence, occurrence, NOW],
    )


def test_a_series_starts_with_the_first_time_that_its_rule_names(
    world: World, throttled: dict[str, Any]
) -> None:
    """Finish, pauses and expiry belong to that one, so they are checked against it."""
    window = {
        **throttled,
        **WEEKLY,
        "scheduled_finish_date": "2026-11-27 16:25:00",
        "pauses": [{"start_at": "2026-11-27 15:35:00", "end_at": "2026-11-27 15:45:00"}],
    }
    campaign = submit(world, window)
    friday = at("2026-11-27 15:25:00")
    assert (campaign.scheduled_send_date, campaign.next_dt) == (friday, friday)
    assert campaign.last_dt is None
    assert campaign.window.start == friday
    early = {**window, "scheduled_finish_date": "2026-11-27 15:00:00"}
    with pytest.raises(Invalid, match="must be later than the start 2026-11-27 15:25:00"):
        submit(world, early)


def test_the_last_time_of_a_series_is_known(world: World, simple: dict[str, Any]) -> None:
    body = {**simple, **WEEKLY, "schedule_rrule": "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3"}
    assert submit(world, body).last_dt == at("2026-12-14 15:25:00")


def test_a_single_send_is_its_own_next_and_last_occurrence(
    world: World, simple: dict[str, Any]
) -> None:
    for body in (simple, {**simple, "status": "draft"}):
        campaign = submit(world, body)
        assert campaign.next_dt == campaign.last_dt == campaign.scheduled_send_date
    del simple["scheduled_send_date"]
    assert submit(world, simple).next_dt == NOW


def test_horisens_form_of_a_single_send_is_accepted(world: World, simple: dict[str, Any]) -> None:
    """HORISEN: with schedule_type once, schedule_rrule is the time of the send."""
    del simple["scheduled_send_date"]
    body = {**simple, "schedule_type": "once", "schedule_rrule": "2026-12-01 17:05:00"}
    campaign = submit(world, body)
    assert campaign.schedule_type == "once"
    assert campaign.schedule_rrule is None
    assert campaign.scheduled_send_date == at("2026-12-01 17:05:00")
    moved = edit(
        world, campaign, {"schedule_type": "once", "schedule_rrule": "2026-12-02 17:05:00"}
    )
    assert moved.next_dt == moved.scheduled_send_date == at("2026-12-02 17:05:00")


def test_exceptions_are_local_times_unless_they_say_otherwise(
    world: World, simple: dict[str, Any]
) -> None:
    """RFC 5545, section 3.3.5: a time without an offset is local, here to the campaign's zone."""
    campaign = submit(
        world,
        {
            **simple,
            **WEEKLY,
            "timezone": "America/New_York",
            "schedule_exdates": ["2026-11-27 10:25:00", "2026-11-30T15:25:00Z"],
            "schedule_rdates": ["2026-12-01 10:00:00", "2026-12-01T10:00:00+00:00", 1796400000],
        },
    )
    assert campaign.schedule_exdates == (at("2026-11-27 15:25:00"), at("2026-11-30 15:25:00"))
    assert campaign.schedule_rdates == (
        at("2026-12-01 10:00:00"),
        at("2026-12-01 15:00:00"),
        at("2026-12-04 16:00:00"),
    )
    # Both first times of the rule are taken out; the window is given for the first all the same.
    assert campaign.scheduled_send_date == at("2026-11-27 15:25:00")
    assert campaign.next_dt == at("2026-12-01 10:00:00")


def test_a_time_that_does_not_exist_is_the_first_instant_after_the_gap(
    world: World, simple: dict[str, Any]
) -> None:
    """In London clocks go from 01:00 to 02:00 on 28 March 2027, at 01:00 UTC."""
    body = {
        **simple,
        **WEEKLY,
        "timezone": "Europe/London",
        "schedule_rdates": ["2027-03-28 01:30:00"],
    }
    assert submit(world, body).schedule_rdates == (at("2027-03-28 01:00:00"),)


def test_what_was_answered_may_be_submitted_again(world: World, simple: dict[str, Any]) -> None:
    body = {
        **simple,
        **WEEKLY,
        "timezone": "Asia/Tokyo",
        "schedule_exdates": ["2026-11-30 09:00:00"],
        "schedule_rdates": ["2026-12-02 09:00:00"],
        "overlap": "queue",
        "start_deadline": 3600,
        "catch_up": "all",
        "catch_up_cap": 3,
        "jitter": 60,
    }
    first = submit(world, body)
    answer = show.as_answer(first)
    again = submit(world, {name: answer[name] for name in body})
    for name in (*body, "next_dt", "last_dt"):
        if name not in ("included_contact_groups", "excluded_contact_groups"):
            assert getattr(again, name) == getattr(first, name), name


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"schedule_rrule": None},
            "schedule_rrule: is required when schedule_type is 'scheduled'.",
        ),
        (
            {"schedule_type": None},
            "schedule_rrule: 'FREQ=WEEKLY;BYDAY=MO,FR' needs schedule_type to be 'scheduled'.",
        ),
        (
            {"schedule_type": "once"},
            "schedule_rrule: 'FREQ=WEEKLY;BYDAY=MO,FR' must not be given together with "
            "scheduled_send_date when schedule_type is 'once'; a recurrence rule needs "
            "'scheduled'.",
        ),
        (
            {"schedule_type": "once", "scheduled_send_date": None},
            "schedule_rrule: 'FREQ=WEEKLY;BYDAY=MO,FR' must be a time such as "
            "'2026-11-25 15:25:00' when schedule_type is 'once'; a recurrence rule needs "
            "'scheduled'.",
        ),
        (
            {"schedule_rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"},
            "schedule_rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30' must have an occurrence within "
            "ten years of its start.",
        ),
        (
            {"schedule_rrule": "FREQ=DAILY;INTERVAL=0"},
            "schedule_rrule: 'INTERVAL=0' must be a whole number from 1 to 1,000.",
        ),
        (
            {"schedule_rrule": "FREQ=SECONDLY"},
            "schedule_rrule: 'FREQ=SECONDLY' must be HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY.",
        ),
        (
            {"schedule_exdates": ["2026-11-27 15:25:00"] * 10_000},
            "schedule_exdates: must have at most 1000 entries.",
        ),
        (
            {
                "schedule_rrule": "FREQ=DAILY;COUNT=1",
                "schedule_exdates": ["2026-11-25 15:25:00"],
            },
            "schedule_exdates: 1 entries exclude every occurrence.",
        ),
        (
            {"schedule_rdates": ["tomorrow"]},
            "schedule_rdates[0]: 'tomorrow' must be a time such as '2026-11-25 15:25:00' (local "
            "to the campaign's time zone), ISO 8601 with an offset, or Unix time in seconds.",
        ),
        (
            {"schedule_rdates": ["2027-02-30 09:00:00"]},
            "schedule_rdates[0]: '2027-02-30 09:00:00' must be a time such as "
            "'2026-11-25 15:25:00' (local to the campaign's time zone), ISO 8601 with an offset, "
            "or Unix time in seconds.",
        ),
        (
            {"timezone": "Mars/Olympus"},
            "timezone: 'Mars/Olympus' must be the name of a time zone such as 'Europe/London'.",
        ),
        (
            {"timezone": "/etc/passwd"},
            "timezone: '/etc/passwd' must be the name of a time zone such as 'Europe/London'.",
        ),
        (
            {"scheduled_send_date": "2026-11-23 15:25:00"},
            "scheduled_send_date: '2026-11-23 15:25:00' must not lie in the past.",
        ),
        (
            {"schedule_rrule": "FREQ=HOURLY", "jitter": 3600},
            "jitter: 3600 must be shorter than the 3600 seconds between two occurrences.",
        ),
        ({"jitter": 86401}, "jitter: 86401 must be less than or equal to 86400."),
        ({"overlap": "wait"}, "overlap: 'wait' must be 'skip', 'queue' or 'allow'."),
        ({"catch_up": "none"}, "catch_up: 'none' must be 'skip', 'one' or 'all'."),
        ({"catch_up_cap": 101}, "catch_up_cap: 101 must be less than or equal to 100."),
        ({"start_deadline": 0}, "start_deadline: 0 must be greater than or equal to 1."),
        (
            {"start_deadline": 31 * 86400 + 1},
            "start_deadline: 2678401 must be less than or equal to 2678400.",
        ),
    ],
)
def test_a_series_that_means_nothing_gets_one_sentence(
    world: World, simple: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    assert refusal(world, {**simple, **WEEKLY, **changes}) == sentence


def test_a_dtstart_line_is_the_start_and_is_not_kept(world: World, simple: dict[str, Any]) -> None:
    del simple["scheduled_send_date"]
    text = "DTSTART;TZID=Europe/London:20261130T090000\nRRULE:FREQ=DAILY"
    body = {**simple, **WEEKLY, "timezone": "Europe/London", "schedule_rrule": text}
    campaign = submit(world, body)
    assert campaign.scheduled_send_date == at("2026-11-30 09:00:00")
    assert campaign.schedule_rrule == "RRULE:FREQ=DAILY"
    with pytest.raises(Invalid, match="must be the same time as scheduled_send_date"):
        submit(world, {**body, "scheduled_send_date": "2026-11-30 10:00:00"})


def test_between_its_runs_a_series_goes_on_with_what_is_still_to_come(
    world: World, simple: dict[str, Any]
) -> None:
    """Its start is long ago then, and stays: only another one must not lie in the past."""
    campaign = submit(world, {**simple, **WEEKLY, "expiry_date": "2026-11-28 00:00:00"})
    later = at("2026-12-03 12:00:00")
    world.conn.execute("UPDATE campaigns SET next_dt = '2026-12-04 15:25:00Z'")
    edited = edit(world, campaign, {"schedule_rrule": "FREQ=WEEKLY;BYDAY=TU"}, later)
    assert edited.next_dt == at("2026-12-08 15:25:00")
    assert edited.scheduled_send_date == campaign.scheduled_send_date
    with pytest.raises(Invalid, match="scheduled_send_date: '2026-12-01 00:00:00' must not lie in"):
        edit(world, campaign, {"scheduled_send_date": "2026-12-01 00:00:00"}, later)


def test_an_occurrence_that_has_its_run_does_not_come_again(
    world: World, simple: dict[str, Any]
) -> None:
    """A run begins a little before its time, and may be over by then."""
    campaign = submit(world, {**simple, **WEEKLY})
    assert campaign.next_dt is not None
    add_run(world, campaign, campaign.next_dt, "finished")
    just_before = campaign.next_dt - timedelta(seconds=1)
    assert edit(world, campaign, {"name": "Renamed"}, just_before).next_dt == at(
        "2026-11-30 15:25:00"
    )


def test_a_series_that_is_over_cannot_be_edited_into_another_one_without_a_time(
    world: World, simple: dict[str, Any]
) -> None:
    campaign = submit(world, {**simple, **WEEKLY})
    rule = "FREQ=WEEKLY;BYDAY=MO;UNTIL=20261201T000000Z"
    world.conn.execute("UPDATE campaigns SET next_dt = '2026-12-07 15:25:00Z'")
    with pytest.raises(Invalid) as refused:
        edit(world, campaign, {"schedule_rrule": rule}, at("2026-12-02 00:00:00"))
    assert str(refused.value) == (
        f"schedule_rrule: '{rule}' has no occurrence after 2026-12-02 00:00:00."
    )


def test_a_series_with_an_open_run_is_locked_like_one_that_sends(
    world: World, simple: dict[str, Any]
) -> None:
    campaign = submit(world, {**simple, **WEEKLY})
    add_run(world, campaign, campaign.scheduled_send_date, "closing")
    with pytest.raises(Locked, match="because its last run is not settled yet; only rate, weight"):
        edit(world, campaign, {"name": "Late"})
    assert edit(world, campaign, {"weight": 5}).weight == 5


def test_a_series_can_become_a_single_send_and_back(world: World, simple: dict[str, Any]) -> None:
    campaign = submit(world, {**simple, **WEEKLY, "schedule_exdates": ["2026-11-30 15:25:00"]})
    once = edit(world, campaign, {"schedule_type": "once"})
    assert (once.schedule_rrule, once.schedule_exdates) == (None, ())
    assert once.next_dt == once.last_dt == campaign.scheduled_send_date
    again = edit(world, campaign, {**WEEKLY, "scheduled_send_date": "2026-12-01 09:00:00"})
    assert again.next_dt == at("2026-12-04 09:00:00")
    now = edit(world, campaign, {"schedule_type": "now"})
    assert (now.schedule_type, now.next_dt) == ("now", NOW)


def test_a_draft_of_a_series_that_has_begun_goes_on_from_now(
    world: World, simple: dict[str, Any]
) -> None:
    draft = submit(world, {**simple, **WEEKLY, "status": "draft"})
    active = edit(world, draft, {"status": "active"}, at("2026-12-02 12:00:00"))
    assert (active.status, active.next_dt) == ("scheduled", at("2026-12-04 15:25:00"))


def test_a_series_can_be_paused_stopped_and_deleted(world: World, simple: dict[str, Any]) -> None:
    campaign = submit(world, {**simple, **WEEKLY, "uuid": str(uuid4())})
    team = world.team.id
    assert control.pause(world.conn, team, campaign.id, now=NOW).manually_paused
    assert not control.resume(world.conn, team, campaign.id, now=NOW).manually_paused
    state.move(world.conn, campaign.id, "start", NOW)
    state.move(world.conn, campaign.id, "rest", NOW)
    assert control.stop(world.conn, team, campaign.id, now=NOW).status == "stopped"
    control.delete(world.conn, team, campaign.id, now=NOW)
