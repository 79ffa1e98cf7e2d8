"""The start, the next and the last occurrence of a campaign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.planning import TOLERANCE, plan
from campaigns.errors import Invalid
from campaigns.schedule import recurrence
from campaigns.validation import parse

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ZONES = ("UTC", "Europe/London", "America/New_York", "Pacific/Chatham", "Australia/Lord_Howe")
RULES = (
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3;BYDAY=MO,TH",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR",
    "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,TU;COUNT=12",
    "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=5",
    "FREQ=MONTHLY;INTERVAL=5;BYDAY=-1FR",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYHOUR=9",
    "FREQ=YEARLY;BYMONTH=4,5",
    "FREQ=HOURLY;INTERVAL=7;BYDAY=SA",
)


def spec(**changes: Any) -> CampaignSpec:
    body = {
        "name": "Spring",
        "sender": "Sluice",
        "template": "Hello",
        "included_contact_groups": ["16cd47aa-f4e0-11e9-a8c1-0242ac120006"],
    }
    return parse(CampaignSpec, {**body, **changes})


def series(rule: str, **changes: Any) -> CampaignSpec:
    return spec(schedule_type="scheduled", schedule_rrule=rule, **changes)


@given(
    rule=st.sampled_from(RULES),
    zone=st.sampled_from(ZONES),
    minutes=st.integers(0, 2 * 365 * 24 * 60),
)
def test_a_series_that_begins_with_its_first_time_is_the_same_series(
    rule: str, zone: str, minutes: int
) -> None:
    start = NOW + timedelta(minutes=minutes)
    asked = recurrence.parse(rule, zone=zone, start=start)
    wall_clock = asked.first()
    assert wall_clock is not None
    found = plan(series(rule, timezone=zone, scheduled_send_date=start), NOW)
    assert found.start == found.next == wall_clock
    # In a gap the first time is not on the clock what the others are.
    assume(_on_the_clock(wall_clock, zone) == _on_the_clock(start, zone) or "BYHOUR" in rule)
    assert found.occurrences(30) == asked.between(start, start + timedelta(days=36_500), limit=30)
    assert found.last == asked.last()


def _on_the_clock(moment: datetime, zone: str) -> Any:
    return recurrence.local.to_local(moment, zone).time()


def test_a_start_may_be_a_little_late_and_no_more() -> None:
    assert plan(spec(scheduled_send_date=NOW - TOLERANCE), NOW).start == NOW - TOLERANCE
    late = spec(scheduled_send_date=NOW - TOLERANCE - timedelta(seconds=1))
    with pytest.raises(Invalid, match="must not lie in the past"):
        plan(late, NOW)
    assert plan(late, NOW, settled=late.scheduled_send_date).start == late.scheduled_send_date


def test_without_a_date_it_starts_now_in_whole_seconds() -> None:
    found = plan(spec(), NOW.replace(microsecond=900_000))
    assert (found.start, found.next, found.last) == (NOW, NOW, NOW)


def test_a_settled_start_is_kept_whatever_the_rule_names() -> None:
    monday = datetime(2026, 11, 16, 9, tzinfo=UTC)
    found = plan(
        series("FREQ=WEEKLY;BYDAY=TH", scheduled_send_date=monday), NOW, settled=monday, since=NOW
    )
    assert (found.start, found.next) == (monday, datetime(2026, 11, 26, 9, tzinfo=UTC))


def test_an_exception_of_the_first_time_does_not_move_the_others() -> None:
    """COUNT counts what the rule names, taken out or not (RFC 5545, section 3.8.5.1)."""
    daily = series(
        "FREQ=DAILY;COUNT=3",
        scheduled_send_date="2026-11-25 09:00:00",
        schedule_exdates=["2026-11-25 09:00:00"],
        schedule_rdates=["2026-11-25 12:00:00"],
    )
    found = plan(daily, NOW)
    assert found.start == datetime(2026, 11, 25, 9, tzinfo=UTC)
    assert found.occurrences(9) == [
        datetime(2026, 11, 25, 12, tzinfo=UTC),
        datetime(2026, 11, 26, 9, tzinfo=UTC),
        datetime(2026, 11, 27, 9, tzinfo=UTC),
    ]
