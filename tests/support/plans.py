"""Plans without a database: a campaign as it would be stored, and an audience by its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from campaigns.audience.audience import ZoneShare
from campaigns.campaign import building, planning
from campaigns.campaign.message import composed
from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.store import Campaign
from campaigns.providers import ProviderConfig
from campaigns.team.teams import Team
from campaigns.validation import parse
from cli.planning.occurrences import listed, start_moved
from cli.planning.plan import Plan, computed
from cli.planning.recipients import Lengths, Recipients

#: A Tuesday.
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
TEAM = UUID("16cd47aa-f4e0-11e9-a8c1-0242ac120001")
CAMPAIGN = UUID("dc8a7564-fb1e-11e9-abb5-0242ac120008")


def team(**changes: Any) -> Team:
    """A team without any rules of its own."""
    settings: dict[str, Any] = {
        "id": TEAM, "name": "default", "default_region": None, "timezone": "UTC",
        "sending_hours": None, "quiet_hours": None, "holidays": (), "rate": None,
        "frequency_cap_day": None, "frequency_cap_week": None, "retention_days": None,
        "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Team(**{**settings, **changes})


def campaign(body: Mapping[str, Any], now: datetime = NOW) -> Campaign:
    """The campaign of a request whose fields are in order."""
    spec = parse(
        CampaignSpec,
        {
            "name": "Spring",
            "sender": "Sluice",
            "template": "Hello",
            "included_contact_groups": [str(TEAM)],
            **body,
        },
    )
    message = composed(spec, spec.template, "carrier")
    when = planning.plan(spec, now)
    return building.built(
        spec, message, when, campaign_id=CAMPAIGN, team_id=TEAM, fingerprint="", now=now
    )


def plan(
    body: Mapping[str, Any],
    recipients: int = 600,
    *,
    now: datetime = NOW,
    zones: Sequence[ZoneShare] = (),
    lengths: Lengths | None = None,
    team_rules: Mapping[str, Any] | None = None,
    occurrences: int = 10,
    **account: Any,
) -> Plan:
    """The plan of that request; ``account`` are settings of the provider, 50/s if none."""
    made = campaign(body, now)
    provider = ProviderConfig(
        name="carrier", adapter="sandbox", channel="sms", **{"rate": "50/s", **account}
    )
    return computed(
        made,
        team(**(team_rules or {})),
        provider,
        now,
        Recipients(sum(zone.recipients for zone in zones) or recipients, tuple(zones)),
        lengths,
        listed(made, occurrences),
        start_moved(body.get("schedule_rrule"), made.timezone),
    )
