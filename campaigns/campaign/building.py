"""From a checked request to the campaign that is stored. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from campaigns.campaign import rules
from campaigns.campaign.message import Message
from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.planning import Plan
from campaigns.campaign.store import Campaign, Pause
from campaigns.links import placing
from campaigns.schedule.windows import Interval, merged
from campaigns.segmentation import parsing


def built(
    spec: CampaignSpec,
    message: Message,
    plan: Plan,
    *,
    campaign_id: UUID,
    team_id: UUID,
    fingerprint: str,
    now: datetime,
    contact_segments: tuple[UUID, ...] = (),
) -> Campaign:
    """A new campaign; ``contact_segments`` are those that ``spec`` names."""
    return Campaign(
        id=campaign_id,
        team_id=team_id,
        status="draft" if spec.status == "draft" else "scheduled",
        error=None,
        is_test=False,
        submission=fingerprint,
        created_at=now,
        updated_at=now,
        pauses=_pauses(spec, (), now),
        next_dt=plan.next,
        last_dt=plan.last,
        contact_segments=contact_segments,
        **_content(spec, message, plan),
    )


def edited(
    campaign: Campaign,
    spec: CampaignSpec,
    message: Message,
    plan: Plan,
    now: datetime,
    *,
    contact_segments: tuple[UUID, ...],
) -> Campaign:
    """``campaign`` as ``spec`` wants it, with all that is still to come."""
    return dataclasses.replace(
        campaign,
        updated_at=now,
        pauses=_pauses(spec, campaign.pauses, now),
        next_dt=plan.next,
        last_dt=plan.last,
        contact_segments=contact_segments,
        **_content(spec, message, plan),
    )


def edited_live(campaign: Campaign, spec: CampaignSpec, now: datetime) -> Campaign:
    """``campaign`` with the limits of ``spec``; its message and its occurrences stay."""
    return dataclasses.replace(
        campaign, updated_at=now, pauses=_pauses(spec, campaign.pauses, now), **_limits(spec)
    )


def _pauses(spec: CampaignSpec, stored: Iterable[Pause], now: datetime) -> tuple[Pause, ...]:
    """The pauses by start, those that overlap as one; one that is stored already stays itself."""
    known = {(pause.start_at, pause.end_at): pause for pause in stored}
    wanted = merged(Interval(pause.start_at, pause.end_at) for pause in spec.pauses)
    return tuple(
        known.get((pause.start, pause.end)) or Pause(uuid4(), pause.start, pause.end, now)
        for pause in wanted
    )


def _content(spec: CampaignSpec, message: Message, plan: Plan) -> dict[str, Any]:
    """What a request decides about a campaign, under the names of :class:`Campaign`."""
    return {
        **{name: getattr(spec, name) for name in _TAKEN_OVER},
        **_limits(spec),
        "provider": message.provider,
        "template": message.text,
        "segments": message.segments,
        "schedule_type": rules.schedule_type_of(spec),
        "schedule_rrule": plan.rrule,
        "schedule_exdates": tuple(sorted(set(spec.schedule_exdates))),
        "schedule_rdates": tuple(sorted(set(spec.schedule_rdates))),
        "scheduled_send_date": plan.start,
        "included": spec.included_contact_groups,
        "query_type": spec.query_type or "all",
        "segmentation": (
            [parsing.parse(spec.query).as_json()] if spec.query_type == "segmentation" else None
        ),
        "excluded": _excluded(spec, message),
        **message.link_columns,
    }


def _excluded(spec: CampaignSpec, message: Message) -> tuple[UUID, ...]:
    """The excluded groups, and with them those that the message's own links opt out into: otherwise
    somebody could opt out and get it all the same."""
    groups = (*spec.excluded_contact_groups, *placing.opt_out_groups(message.links))
    return tuple(dict.fromkeys(groups))


def _limits(spec: CampaignSpec) -> dict[str, Any]:
    """What may change while it is sending: when, and how fast."""
    return {
        **{name: getattr(spec, name) for name in _TAKEN_OVER_LIVE},
        "pacing": rules.pacing_of(spec),
        "warm_up": spec.warm_up and spec.warm_up.model_dump(),
    }


#: What is stored just as it was asked for.
_TAKEN_OVER = (
    "name",
    "sender",
    "sending_type",
    "template_uuid",
    "template_vars",
    "transliterate",
    "max_parts",
    "timezone",
    "overlap",
    "start_deadline",
    "catch_up",
    "catch_up_cap",
    "jitter",
    "throttled",
    "recipient_local",
    "event_callback",
    "query",
)
_TAKEN_OVER_LIVE = (
    "rate",
    "weight",
    "priority",
    "scheduled_finish_date",
    "expiry_date",
    "leftover",
    "sending_hours",
    "quiet_hours",
    "holidays",
    "manually_paused",
)
