"""Windows and calendars together: what leaves no time to send is refused at the door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.errors import Invalid
from campaigns.schedule.calendars import closed
from campaigns.schedule.windows import Interval
from tests.support.campaign_bodies import pause
from tests.support.campaigns import World, submit

START = datetime(2026, 11, 25, 15, 25, tzinfo=UTC)


def test_the_calendar_of_a_campaign_is_that_of_its_fields(
    world: World, throttled: dict[str, Any]
) -> None:
    hours = {"sending_hours": [{"from": "15:30", "to": "16:00"}], "timezone": "Europe/Paris"}
    calendar = submit(world, {**throttled, "sending_hours": None}).calendar
    assert calendar.is_open_always
    with pytest.raises(Invalid, match="sending_hours: leave no time"):
        submit(world, {**throttled, **hours})
    hours["timezone"] = "UTC"
    calendar = submit(world, {**throttled, **hours}).calendar
    assert closed(calendar, START, START + timedelta(hours=1)) == [
        Interval(START, START + timedelta(minutes=5)),
        Interval(START + timedelta(minutes=35), START + timedelta(hours=1)),
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"sending_hours": [{"days": ["sat", "sun"], "from": "00:00", "to": "24:00"}]},
            "sending_hours: leave no time to send between 2026-11-25 15:25:00 and "
            "2026-11-25 16:25:00, together with pauses.",
        ),
        (
            {"quiet_hours": [{"from": "12:00", "to": "08:00"}]},
            "quiet_hours: leave no time to send between 2026-11-25 15:25:00 and "
            "2026-11-25 16:25:00, together with pauses.",
        ),
        (
            {"holidays": ["2026-11-25"], "pauses": []},
            "holidays: leave no time to send between 2026-11-25 15:25:00 and 2026-11-25 16:25:00.",
        ),
        (
            {
                "sending_hours": [{"from": "15:00", "to": "16:00"}],
                "quiet_hours": [{"from": "15:00", "to": "15:35"}],
                "pauses": [pause("15:35:00", "16:10:00")],
            },
            "sending_hours: leave no time to send between 2026-11-25 15:25:00 and "
            "2026-11-25 16:25:00, together with quiet_hours and pauses.",
        ),
        (
            {
                "throttled": False,
                "scheduled_finish_date": None,
                "pauses": [],
                "expiry_date": None,
                "quiet_hours": [{"from": "06:00", "to": "18:00"}, {"from": "18:00", "to": "06:00"}],
            },
            "quiet_hours: leave no time to send between 2026-11-25 15:25:00 and "
            "2027-11-26 15:25:00.",
        ),
        (
            {
                "schedule_type": "scheduled",
                "schedule_rrule": "FREQ=DAILY",
                "quiet_hours": [{"from": "12:00", "to": "17:00"}],
            },
            "quiet_hours: leave no time to send between 2026-11-25 15:25:00 and "
            "2026-11-25 16:25:00, nor in the 49 occurrences after that, together with pauses.",
        ),
        (
            {
                "recipient_local": True,
                "pauses": [],
                "quiet_hours": [{"from": "00:00", "to": "24:00"}],
            },
            "quiet_hours: leave no time to send between 2026-11-25 15:25:00 and "
            "2026-11-25 16:25:00.",
        ),
    ],
)
def test_a_window_that_is_closed_all_the_time_is_refused(
    world: World, throttled: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Invalid) as refused:
        submit(world, {**throttled, **changes})
    assert str(refused.value) == sentence
    assert world.rows("campaigns") == 0


@pytest.mark.parametrize(
    "changes",
    [
        # Past midnight, and open for the last quarter of an hour of the window.
        {"sending_hours": [{"from": "16:10", "to": "02:00"}]},
        # It is a holiday where the campaign is, but not everywhere.
        {"recipient_local": True, "holidays": ["2026-11-25"]},
        # The first occurrence falls on a holiday, the others do not.
        {
            "schedule_type": "scheduled",
            "schedule_rrule": "FREQ=DAILY",
            "holidays": ["2026-11-25"],
        },
        {"recipient_local": True, "warm_up": {"first_day": 1}},
        {"jitter": 3599},
    ],
)
def test_a_window_that_is_open_some_time_is_accepted(
    world: World, throttled: dict[str, Any], changes: dict[str, Any]
) -> None:
    submit(world, {**throttled, **changes})
