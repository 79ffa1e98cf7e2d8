"""The plan of a demo is one that Sluice takes, whatever its length."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.campaign import planning, rules, window_rules
from campaigns.campaign.model import CampaignSpec
from campaigns.schedule.windows import active_intervals, at
from campaigns.validation import parse
from cli.demo import campaign, timeline
from cli.demo.audience import Groups

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
LENGTHS = st.integers(timeline.SHORTEST, timeline.LONGEST)


@given(now=MOMENTS, seconds=LENGTHS)
def test_the_request_follows_all_rules_and_says_what_the_plan_says(now, seconds):
    plan = timeline.plan(now, seconds)
    body = campaign.body(uuid4(), Groups((uuid4(), uuid4()), uuid4()), plan)
    spec = parse(CampaignSpec, body)
    rules.check_shape(spec)
    window_rules.check_times(spec, planning.plan(spec, now), now)
    assert rules.window_of(spec, rules.start_of(spec, now)) == plan.window


@given(now=MOMENTS, seconds=LENGTHS)
def test_both_pauses_and_the_pause_by_hand_lie_apart_inside_the_window(now, seconds):
    plan = timeline.plan(now, seconds)
    first, second = plan.pauses
    assert now < plan.start < first.start < first.end < plan.press_at
    assert plan.press_at + plan.hold + timedelta(seconds=0.5) < second.start
    assert second.end < plan.finish < plan.expiry
    assert at(active_intervals(plan.window), plan.press_at) is not None


@pytest.mark.parametrize("seconds", [timeline.SHORTEST - 1, timeline.LONGEST + 1])
def test_a_window_that_shows_nothing_or_takes_for_ever_is_refused(seconds):
    with pytest.raises(ValueError, match="between"):
        timeline.plan(datetime.now(UTC), seconds)
