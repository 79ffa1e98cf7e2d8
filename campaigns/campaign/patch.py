"""A partial request laid over a stored campaign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.store import Campaign
from campaigns.errors import Invalid
from campaigns.validation import parse

#: A field that is given makes these stored ones meaningless, unless they are given as well.
_REPLACES = {
    "template": ("template_uuid",),
    "template_uuid": ("template",),
    # The provider was chosen for the channel, and so were these.
    "sending_type": ("provider", "transliterate", "max_parts", "track_links", "track_opens"),
    # Which pacing there is depends on it.
    "throttled": ("pacing",),
}
_SERIES = ("schedule_rrule", "schedule_exdates", "schedule_rdates")


def merged(campaign: Campaign, body: Mapping[str, Any]) -> CampaignSpec:
    """The campaign as ``body`` wants it: fields it does not name keep their value.

    Raises:
        Invalid: a field breaks a rule, or would make another campaign of it.
    """
    if not isinstance(body, Mapping):
        return parse(CampaignSpec, body)
    spec = parse(CampaignSpec, overlaid(campaign, body))
    if spec.uuid != campaign.id:
        raise Invalid("uuid", spec.uuid, "cannot be changed")
    if spec.status == "draft" and campaign.status != "draft":
        raise Invalid("status", "draft", "must not be set any more; pause the campaign or stop it")
    return spec


def overlaid(campaign: Campaign, body: Mapping[str, Any]) -> dict[str, Any]:
    """The request that would make of ``campaign`` what ``body`` wants it to be, unchecked."""
    stored = as_body(campaign)
    for name in body:
        for other in _REPLACES.get(name, ()):
            if other not in body and body[name] is not None:
                stored.pop(other, None)
    for other in _replaced_schedule(campaign, body):
        if other not in body:
            stored.pop(other, None)
    return {**stored, **body}


def _replaced_schedule(campaign: Campaign, body: Mapping[str, Any]) -> tuple[str, ...]:
    """The stored fields that another kind of schedule in ``body`` makes meaningless."""
    wanted = body.get("schedule_type") or campaign.schedule_type
    if wanted == "scheduled":
        return ()
    if body.get("schedule_type") == "now":
        return ("scheduled_send_date", *_SERIES)
    if wanted == "once" and body.get("schedule_rrule") is not None:
        # HORISEN's form of a send date.
        return ("scheduled_send_date", *_SERIES)
    # A date makes a single send of what was for now.
    return (*_SERIES, *(("schedule_type",) if body.get("scheduled_send_date") else ()))


def as_body(campaign: Campaign) -> dict[str, Any]:
    """The request that would make this campaign."""
    body: dict[str, Any] = {
        "uuid": campaign.id,
        "name": campaign.name,
        "sender": campaign.sender,
        "sending_type": campaign.sending_type,
        "provider": campaign.provider,
        "status": "draft" if campaign.status == "draft" else "active",
        "template_vars": campaign.template_vars,
        "transliterate": campaign.transliterate,
        "max_parts": campaign.max_parts,
        "domain": campaign.domain_id,
        "opt_out_link": campaign.opt_out_link_id,
        "track_link_url": campaign.track_link_url,
        "track_links": campaign.track_links,
        "track_opens": campaign.track_opens,
        "timezone": campaign.timezone,
        "schedule_type": campaign.schedule_type,
        "schedule_rrule": campaign.schedule_rrule,
        "schedule_exdates": list(campaign.schedule_exdates),
        "schedule_rdates": list(campaign.schedule_rdates),
        "overlap": campaign.overlap,
        "start_deadline": campaign.start_deadline,
        "catch_up": campaign.catch_up,
        "catch_up_cap": campaign.catch_up_cap,
        "jitter": campaign.jitter,
        "scheduled_finish_date": campaign.scheduled_finish_date,
        "expiry_date": campaign.expiry_date,
        "throttled": campaign.throttled,
        "pauses": [
            {"start_at": pause.start_at, "end_at": pause.end_at} for pause in campaign.pauses
        ],
        "leftover": campaign.leftover,
        "rate": campaign.rate,
        # Without a finish there is one pacing only, whatever the column says.
        "pacing": campaign.pacing if campaign.throttled else None,
        "warm_up": campaign.warm_up,
        "sending_hours": campaign.sending_hours,
        "quiet_hours": campaign.quiet_hours,
        "holidays": [day.isoformat() for day in campaign.holidays],
        "recipient_local": campaign.recipient_local,
        "priority": campaign.priority,
        "weight": campaign.weight,
        "manually_paused": campaign.manually_paused,
        "included_contact_groups": list(campaign.included),
        "excluded_contact_groups": list(campaign.excluded),
        "contact_segments": list(campaign.contact_segments),
        "event_callback": campaign.event_callback,
    }
    if campaign.query is not None:
        body["query_type"] = campaign.query_type
        body["query"] = campaign.query
    if campaign.schedule_type != "now":
        body["scheduled_send_date"] = campaign.scheduled_send_date
    if campaign.template_uuid is None:
        body["template"] = campaign.template
    else:
        body["template_uuid"] = campaign.template_uuid
    return body
