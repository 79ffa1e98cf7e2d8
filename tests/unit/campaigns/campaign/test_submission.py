"""Fingerprints: what was submitted before fields were added is recognised after it."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.submission import fingerprint
from campaigns.validation import parse

SIMPLE: dict[str, Any] = {
    "name": "New Campaign",
    "sender": "Digitonic",
    "scheduled_send_date": "2026-11-25 15:25:00",
    "expiry_date": "2026-12-26 15:25:00",
    "included_contact_groups": ["16cd47aa-f4e0-11e9-a8c1-0242ac120006"],
    "template": "Hello",
}
THROTTLED: dict[str, Any] = {
    **SIMPLE,
    "throttled": True,
    "scheduled_finish_date": "2026-11-25 16:25:00",
    "pauses": [{"start_at": "2026-11-25 15:35:00", "end_at": "2026-11-25 15:45:00"}],
    "leftover": "expire",
}
DEFAULTS: dict[str, Any] = {
    "timezone": "UTC",
    "schedule_rrule": None,
    "schedule_exdates": [],
    "schedule_rdates": None,
    "overlap": "skip",
    "start_deadline": None,
    "catch_up": "one",
    "catch_up_cap": 10,
    "jitter": 0,
    "rate": None,
    "pacing": None,
    "warm_up": None,
    "sending_hours": None,
    "quiet_hours": None,
    "holidays": [],
    "recipient_local": None,
    "priority": "normal",
    "weight": 1,
}


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        (SIMPLE, "c8c81feff3136a77cacf973e6382e04dbbafe97378d5c3a85b732cd3db25337b"),
        (THROTTLED, "6f1804316c3a06302dc8288511ccee6d515fb8ba88de42f6b92bf9ba469fe96f"),
    ],
)
def test_a_fingerprint_of_the_first_version_is_still_that_of_the_same_request(
    body: dict[str, Any], stored: str
) -> None:
    """Both were computed before schedules, hours and limits were added."""
    assert fingerprint(parse(CampaignSpec, body)) == stored
    assert fingerprint(parse(CampaignSpec, {**body, **DEFAULTS})) == stored


@pytest.mark.parametrize(
    "change",
    [
        {"timezone": "Europe/London"},
        {"rate": "5/s"},
        {"weight": 2},
        {"warm_up": {"first_day": 5}},
        {"quiet_hours": [{"from": "20:00", "to": "08:00"}]},
        {"holidays": ["2026-12-25"]},
        {"jitter": 1},
    ],
)
def test_what_is_said_otherwise_is_another_request(change: dict[str, Any]) -> None:
    assert fingerprint(parse(CampaignSpec, {**SIMPLE, **change})) != fingerprint(
        parse(CampaignSpec, SIMPLE)
    )


def test_two_ways_of_writing_the_same_are_the_same_request() -> None:
    one = {
        "timezone": "Europe/Paris",
        "schedule_type": "scheduled",
        "schedule_rrule": "FREQ=DAILY",
        "schedule_exdates": ["2026-12-01 10:00:00"],
        "sending_hours": [
            {
                "from": "09:00",
                "to": "18:00",
                "days": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
            }
        ],
        "holidays": ["2026-12-26", "2026-12-25", "2026-12-25"],
        "warm_up": {"first_day": 5, "factor": 2},
    }
    other = {
        **one,
        "schedule_exdates": ["2026-12-01T09:00:00Z"],
        "sending_hours": [{"to": "18:00", "from": "09:00"}],
        "holidays": ["2026-12-25", "2026-12-26"],
        "warm_up": {"first_day": 5},
    }
    assert fingerprint(parse(CampaignSpec, {**SIMPLE, **one})) == fingerprint(
        parse(CampaignSpec, {**SIMPLE, **other})
    )
