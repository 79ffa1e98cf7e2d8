"""Editing while it sends: limits may change, and nothing is granted by the old ones any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.campaign import control, service
from campaigns.errors import Invalid, Locked
from tests.support.campaigns import NOW, OPTINS, PROVIDERS, THROTTLED_GROUP, World
from tests.support.live_campaigns import MEANWHILE, START, add_run, edit, lanes, runs, sending


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"rate": "200/min"}, "rate", "200/min"),
        ({"weight": 7}, "weight", 7),
        ({"priority": "bulk"}, "priority", "bulk"),
        ({"pacing": "asap"}, "pacing", "asap"),
        ({"warm_up": {"first_day": 9}}, "warm_up", {"first_day": 9, "factor": 2.0}),
        ({"leftover": "next_window"}, "leftover", "next_window"),
        (
            {"sending_hours": [{"from": "09:00", "to": "18:00"}]},
            "sending_hours",
            [{"from": "09:00", "to": "18:00"}],
        ),
        (
            {"quiet_hours": [{"days": ["sun"], "from": "20:00", "to": "08:00"}]},
            "quiet_hours",
            [{"days": ["sun"], "from": "20:00", "to": "08:00"}],
        ),
        ({"rate": "5/s", "manually_paused": True}, "manually_paused", True),
    ],
)
def test_a_limit_changes_while_it_sends_and_the_gates_close(
    world: World, throttled: dict[str, Any], change: dict[str, Any], field: str, value: object
) -> None:
    before = sending(world, throttled)
    after = edit(world, before, change)
    assert getattr(after, field) == value
    assert (after.status, after.next_dt, after.last_dt) == ("sending", None, before.last_dt)
    for lane in lanes(world):
        assert lane["gate_closes_at"] <= MEANWHILE
        assert (lane["pace_remaining"], lane["pace_until"]) == (None, None)


def test_the_run_gets_its_new_ends(world: World, throttled: dict[str, Any]) -> None:
    body = {"scheduled_finish_date": "2026-11-25 17:00:00", "expiry_date": "2026-11-25 18:00:00"}
    edit(world, sending(world, throttled), body)
    (run,) = runs(world)
    assert run["finishes_at"] == datetime(2026, 11, 25, 17, tzinfo=UTC)
    assert run["expires_at"] == datetime(2026, 11, 25, 18, tzinfo=UTC)
    assert run["starts_at"] == run["window_at"] == START


def test_a_gate_that_has_closed_already_does_not_close_later(
    world: World, throttled: dict[str, Any]
) -> None:
    campaign = sending(world, throttled)
    closed = START + timedelta(seconds=1)
    world.conn.execute("UPDATE lanes SET gate_closes_at = %s", [closed])
    edit(world, campaign, {"weight": 2})
    assert all(lane["gate_closes_at"] <= closed for lane in lanes(world))


def test_every_open_run_of_a_series_keeps_its_own_day(
    world: World, throttled: dict[str, Any]
) -> None:
    """The new finish is that of the first occurrence, by the clocks of the campaign's zone."""
    series = {
        **throttled,
        "schedule_type": "scheduled",
        "schedule_rrule": "FREQ=WEEKLY",
        "overlap": "allow",
        "scheduled_send_date": "2027-03-24 15:25:00",
        "scheduled_finish_date": "2027-03-24 16:25:00",
        "expiry_date": "2027-03-25 15:25:00",
        "pauses": [],
        "timezone": "Europe/London",
    }
    campaign = sending(world, series)
    # A week later clocks have gone forward.
    add_run(world, campaign, datetime(2027, 3, 31, 14, 25, tzinfo=UTC))
    world.conn.execute("UPDATE runs SET status = 'finished' WHERE occurrence < '2027-03-30'")
    edited = edit(
        world,
        campaign,
        {
            "scheduled_finish_date": "2027-03-24 17:00:00",
            "expiry_date": "2027-03-25 09:00:00",
        },
        datetime(2027, 3, 31, 15, tzinfo=UTC),
    )
    assert edited.scheduled_finish_date == datetime(2027, 3, 24, 17, tzinfo=UTC)
    over, open_ = runs(world)
    assert open_["finishes_at"] == datetime(2027, 3, 31, 16, tzinfo=UTC)
    assert open_["expires_at"] == datetime(2027, 4, 1, 8, tzinfo=UTC)
    assert over["finishes_at"] == datetime(2027, 3, 24, 16, 25, tzinfo=UTC)
    assert [lane["pace_until"] is None for lane in lanes(world)] == [False, False, True, True]


def test_a_finish_that_is_named_ends_the_wait_for_the_next_window(
    world: World, throttled: dict[str, Any]
) -> None:
    """It is meant as it stands, whatever day the window has moved on to."""
    campaign = sending(world, {**throttled, "leftover": "next_window"})
    moved = START + timedelta(days=2)
    world.conn.execute("UPDATE runs SET window_at = %s", [moved])
    edit(world, campaign, {"weight": 3}, moved)
    (run,) = runs(world)
    assert (run["window_at"], run["finishes_at"]) == (moved, moved + timedelta(hours=1))
    # The expiry is that of the run, whatever its windows do.
    assert run["expires_at"] == campaign.expiry_date
    edit(world, campaign, {"scheduled_finish_date": "2026-11-27 20:00:00"}, moved)
    (run,) = runs(world)
    assert (run["window_at"], run["finishes_at"]) == (
        START,
        datetime(2026, 11, 27, 20, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"scheduled_finish_date": "2026-11-25 15:29:00"},
            "scheduled_finish_date: '2026-11-25 15:29:00' must not lie in the past.",
        ),
        (
            {"expiry_date": "2026-11-25 15:29:00", "scheduled_finish_date": "2026-11-25 16:00:00"},
            "expiry_date: '2026-11-25 15:29:00' must not lie in the past.",
        ),
        (
            {"expiry_date": "2026-11-25 16:00:00"},
            "expiry_date: '2026-11-25 16:00:00' must not be earlier than scheduled_finish_date "
            "2026-11-25 16:25:00.",
        ),
        (
            {"pauses": [{"start_at": "2026-11-25 15:25:00", "end_at": "2026-11-25 16:25:00"}]},
            "pauses: leave no time to send before the finish 2026-11-25 16:25:00.",
        ),
        (
            {"quiet_hours": [{"from": "15:00", "to": "17:00"}]},
            "quiet_hours: leave no time to send between 2026-11-25 15:25:00 and "
            "2026-11-25 16:25:00, together with pauses.",
        ),
        ({"weight": 0}, "weight: 0 must be greater than or equal to 1."),
    ],
)
def test_a_refused_change_leaves_campaign_run_and_gates_alone(
    world: World, throttled: dict[str, Any], change: dict[str, Any], sentence: str
) -> None:
    campaign = sending(world, throttled)
    before = (runs(world), lanes(world))
    with pytest.raises(Invalid) as refused:
        edit(world, campaign, change)
    assert str(refused.value) == sentence
    assert service.get(world.conn, world.team.id, campaign.id) == campaign
    assert (runs(world), lanes(world)) == before


def test_what_is_past_already_may_stay_past(world: World, throttled: dict[str, Any]) -> None:
    """Start, finish and both pauses are over; a weight can be changed all the same."""
    campaign = sending(world, throttled)
    after_finish = datetime(2026, 11, 25, 16, 40, tzinfo=UTC)
    assert edit(world, campaign, {"weight": 3}, after_finish).weight == 3
    longer = {"scheduled_finish_date": "2026-11-25 17:00:00"}
    assert edit(world, campaign, longer, after_finish).scheduled_finish_date == datetime(
        2026, 11, 25, 17, tzinfo=UTC
    )


def test_a_pause_may_begin_now(world: World, throttled: dict[str, Any]) -> None:
    campaign = sending(world, throttled)
    now = {"start_at": "2026-11-25 15:30:00", "end_at": "2026-11-25 15:40:00"}
    edited = edit(world, campaign, {"pauses": [now, throttled["pauses"][1]]})
    assert [(p.start_at, p.end_at) for p in edited.pauses] == [
        (MEANWHILE, START + timedelta(minutes=15)),
        (START + timedelta(minutes=35), START + timedelta(minutes=45)),
    ]


def test_what_was_said_to_whom_stays(world: World, throttled: dict[str, Any]) -> None:
    """A provider or a group that is gone by now is no reason to refuse another weight."""
    campaign = sending(world, throttled)
    world.conn.execute("UPDATE campaigns SET provider = 'gone', segments = 3")
    world.conn.execute("DELETE FROM contact_groups WHERE id = %s", [THROTTLED_GROUP])
    edited = edit(world, campaign, {"weight": 4})
    assert (edited.weight, edited.provider, edited.segments) == (4, "gone", 3)
    assert edited.included == (THROTTLED_GROUP,)


@pytest.mark.parametrize(
    "body",
    [
        {"weight": 5, "sender": "Other"},
        {"throttled": False, "scheduled_finish_date": None},
        {"schedule_rrule": "FREQ=DAILY"},
        {"included_contact_groups": [str(OPTINS)]},
    ],
)
def test_whatever_else_is_named_locks_all_of_it(
    world: World, throttled: dict[str, Any], body: dict[str, Any]
) -> None:
    campaign = sending(world, throttled)
    with pytest.raises(Locked, match="because it is sending; only rate, weight, priority"):
        edit(world, campaign, body)
    assert service.get(world.conn, world.team.id, campaign.id) == campaign


def test_a_campaign_whose_time_has_come_takes_limits_before_it_begins(
    world: World, throttled: dict[str, Any]
) -> None:
    campaign = service.submit(world.conn, world.team.id, throttled, providers=PROVIDERS, now=NOW)
    edited = edit(world, campaign, {"weight": 5})
    # The occurrence that is due is still to be started.
    assert (edited.weight, edited.next_dt) == (5, START)


def test_a_campaign_that_is_over_takes_no_limits(world: World, throttled: dict[str, Any]) -> None:
    campaign = sending(world, throttled)
    control.stop(world.conn, world.team.id, campaign.id, now=MEANWHILE)
    with pytest.raises(Locked, match="is stopped and cannot be edited"):
        edit(world, campaign, {"weight": 5})
