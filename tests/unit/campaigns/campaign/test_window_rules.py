"""Windows that leave no time to send, and the one sentence that each of them gets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.campaign import rules, times, window_rules
from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.planning import plan
from campaigns.errors import Invalid
from campaigns.schedule.calendars import closed
from campaigns.schedule.shifting import shifted
from campaigns.schedule.windows import Interval, active_intervals, active_seconds
from campaigns.validation import parse
from tests.support.campaign_bodies import NOW, THROTTLED, checked, pause, refusal


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"scheduled_finish_date": None},
            "scheduled_finish_date: is required when throttled is true.",
        ),
        (
            {"scheduled_finish_date": "2026-11-25 15:25:00"},
            "scheduled_finish_date: '2026-11-25 15:25:00' must be later than the start "
            "2026-11-25 15:25:00.",
        ),
        (
            {"scheduled_finish_date": "2027-11-26 15:25:01", "expiry_date": None},
            "scheduled_finish_date: '2027-11-26 15:25:01' must be at most 366 days after the start "
            "2026-11-25 15:25:00.",
        ),
        (
            {"expiry_date": "2026-11-25 16:24:59"},
            "expiry_date: '2026-11-25 16:24:59' must not be earlier than scheduled_finish_date "
            "2026-11-25 16:25:00.",
        ),
        (
            {"pauses": [pause("15:35:00", "15:45:00"), pause("15:50:00", "15:50:00")]},
            "pauses[1].end_at: '2026-11-25 15:50:00' must be later than its start_at "
            "2026-11-25 15:50:00.",
        ),
        (
            {"pauses": [pause("15:24:59", "15:45:00")]},
            "pauses[0].start_at: '2026-11-25 15:24:59' must not be earlier than the start "
            "2026-11-25 15:25:00.",
        ),
        (
            {"pauses": [pause("16:00:00", "16:25:01")], "expiry_date": None},
            "pauses[0].end_at: '2026-11-25 16:25:01' must not be later than the end "
            "2026-11-25 16:25:00.",
        ),
        (
            {"pauses": [pause("15:25:00", "16:00:00"), pause("15:55:00", "16:25:00")]},
            "pauses: leave no time to send before the finish 2026-11-25 16:25:00.",
        ),
        ({"pauses": [{"start_at": 1}]}, f"pauses[0].start_at: 1 {times.RANGE}."),
        ({"pauses": [{}]}, "pauses[0].start_at: is required."),
        ({"pauses": [{"from": 1}]}, "pauses[0].from: is not a known field."),
        ({"pauses": [5]}, "pauses[0]: 5 must be an object of fields."),
        (
            {"pauses": [pause("15:35:00", "15:45:00")] * 1001},
            "pauses: must have at most 1000 entries.",
        ),
    ],
)
def test_a_bad_window_gets_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    assert refusal({**THROTTLED, **changes}) == sentence


def test_a_window_that_starts_at_once_must_not_be_over() -> None:
    body = {**THROTTLED, "scheduled_send_date": "2026-11-24 11:59:30", "pauses": []}
    late = {"scheduled_finish_date": "2026-11-24 11:59:50", "expiry_date": None}
    assert refusal({**body, **late}) == (
        "scheduled_finish_date: '2026-11-24 11:59:50' must not lie in the past."
    )
    late = {"throttled": False, "scheduled_finish_date": None, "expiry_date": "2026-11-24 12:00:00"}
    assert refusal({**body, **late}) == (
        "expiry_date: '2026-11-24 12:00:00' must not lie in the past."
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"pauses": []},
        {"pauses": [pause("15:30:00", "15:45:00"), pause("15:40:00", "15:50:00")]},
        {"pauses": [pause("15:25:00", "16:24:59")]},
        {"pauses": [pause("16:20:00", "17:00:00")]},
        {"pauses": [pause("16:20:00", "16:25:00")], "expiry_date": None},
        {"scheduled_finish_date": "2027-11-26 15:25:00", "expiry_date": None, "pauses": []},
        {"expiry_date": "2026-11-25 16:25:00"},
    ],
)
def test_windows_that_leave_time_are_accepted(changes: dict[str, Any]) -> None:
    checked({**THROTTLED, **changes})


minutes = st.integers(-10, 200)


@given(
    finish=st.integers(1, 120),
    expiry=st.none() | st.integers(1, 180),
    pauses=st.lists(st.tuples(minutes, minutes), max_size=6),
)
def test_an_accepted_window_always_has_time_to_send(
    finish: int, expiry: int | None, pauses: list[tuple[int, int]]
) -> None:
    def at(minute: int) -> datetime:
        return NOW + timedelta(minutes=minute)

    body = {
        **THROTTLED,
        "scheduled_send_date": at(0),
        "scheduled_finish_date": at(finish),
        "expiry_date": None if expiry is None else at(expiry),
        "pauses": [{"start_at": at(a), "end_at": at(b)} for a, b in pauses],
    }
    try:
        spec = checked(body)
    except Invalid:
        return
    window = rules.window_of(spec, NOW)
    assert active_seconds(active_intervals(window), NOW, at(finish)) > 0
    assert NOW < at(finish) <= window.end
    assert all(at(0) <= p.start < p.end <= at(expiry or finish) for p in window.pauses)


quarters = st.integers(0, 95).map(lambda n: f"{n // 4:02}:{n % 4 * 15:02}")
hours = st.none() | st.lists(
    st.fixed_dictionaries(
        {"from": quarters, "to": quarters},
        optional={
            "days": st.lists(
                st.sampled_from(["mon", "tue", "wed", "thu", "fri"]), min_size=1, unique=True
            )
        },
    ).filter(lambda h: h["from"] != h["to"]),
    min_size=1,
    max_size=2,
)


@given(
    sending=hours,
    quiet=hours,
    holidays=st.sets(st.sampled_from(["2026-11-24", "2026-11-25", "2026-11-26"]), max_size=2),
    zone=st.sampled_from(["UTC", "Europe/London", "Pacific/Auckland", "America/New_York"]),
    length=st.integers(1, 60),
    rule=st.sampled_from([None, "FREQ=DAILY;COUNT=4", "FREQ=WEEKLY;COUNT=2"]),
)
def test_an_accepted_calendar_leaves_time_in_one_of_the_windows_and_a_refused_one_in_none(
    sending: Any, quiet: Any, holidays: set[str], zone: str, length: int, rule: str | None
) -> None:
    body = {
        **THROTTLED,
        "scheduled_finish_date": NOW + timedelta(days=1, minutes=15 * length),
        "scheduled_send_date": NOW + timedelta(days=1),
        "pauses": [],
        "timezone": zone,
        "sending_hours": sending,
        "quiet_hours": quiet,
        "holidays": sorted(holidays),
        "schedule_rrule": rule,
        "schedule_type": "scheduled" if rule else "once",
    }
    spec = parse(CampaignSpec, body)
    when = plan(spec, NOW)
    window, calendar = rules.window_of(spec, when.start), rules.calendar_of(spec)
    windows = [shifted(window, zone, moment) for moment in when.occurrences(9)]
    time_left = any(
        Interval(each.start, each.finish) not in closed(calendar, each.start, each.finish)
        for each in windows
        if each.finish
    )
    if time_left:
        window_rules.check_times(spec, when, NOW)
    else:
        with pytest.raises(Invalid, match="leave no time to send"):
            window_rules.check_times(spec, when, NOW)
