"""Bodies of campaigns, and what the rules say to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns.campaign import rules, window_rules
from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.planning import plan
from campaigns.errors import Invalid
from campaigns.validation import parse

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GROUP = "16cd47aa-f4e0-11e9-a8c1-0242ac120006"

SIMPLE: dict[str, Any] = {
    "name": "New Campaign",
    "sender": "Digitonic",
    "scheduled_send_date": "2026-11-25 15:25:00",
    "expiry_date": "2026-12-26 15:25:00",
    "included_contact_groups": [GROUP],
    "template": "Hello",
}
THROTTLED: dict[str, Any] = {
    **SIMPLE,
    "throttled": True,
    "scheduled_finish_date": "2026-11-25 16:25:00",
    "pauses": [{"start_at": "2026-11-25 15:35:00", "end_at": "2026-11-25 15:45:00"}],
}


def checked(body: dict[str, Any], now: datetime = NOW) -> CampaignSpec:
    spec = parse(CampaignSpec, body)
    rules.check_shape(spec)
    window_rules.check_times(spec, plan(spec, now), now)
    return spec


def refusal(body: dict[str, Any], now: datetime = NOW) -> str:
    with pytest.raises(Invalid) as refused:
        checked(body, now)
    return str(refused.value)


def pause(start: str, end: str) -> dict[str, str]:
    return {"start_at": f"2026-11-25 {start}", "end_at": f"2026-11-25 {end}"}
