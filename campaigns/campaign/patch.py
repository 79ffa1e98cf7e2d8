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
    "scheduled_send_date": ("schedule_type",),
    # The provider was chosen for the channel.
    "sending_type": ("provider",),
}


def merged(campaign: Campaign, body: Mapping[str, Any]) -> CampaignSpec:
    """The campaign as ``body`` wants it: fields it does not name keep their value.

    Raises:
        Invalid: a field breaks a rule, or would make another campaign of it.
    """
    if not isinstance(body, Mapping):
        return parse(CampaignSpec, body)
    stored = as_body(campaign)
    for name in body:
        for other in _REPLACES.get(name, ()):
            if other not in body and body[name] is not None:
                stored.pop(other, None)
    if body.get("schedule_type") == "now" and "scheduled_send_date" not in body:
        stored.pop("scheduled_send_date", None)
    spec = parse(CampaignSpec, {**stored, **body})
    if spec.uuid != campaign.id:
        raise Invalid("uuid", spec.uuid, "cannot be changed")
    if spec.status == "draft" and campaign.status != "draft":
        raise Invalid("status", "draft", "must not be set any more; pause the campaign or stop it")
    return spec


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
        "schedule_type": campaign.schedule_type,
        "scheduled_finish_date": campaign.scheduled_finish_date,
        "expiry_date": campaign.expiry_date,
        "throttled": campaign.throttled,
        "pauses": [
            {"start_at": pause.start_at, "end_at": pause.end_at} for pause in campaign.pauses
        ],
        "leftover": campaign.leftover,
        "manually_paused": campaign.manually_paused,
        "included_contact_groups": list(campaign.included),
        "excluded_contact_groups": list(campaign.excluded),
        "event_callback": campaign.event_callback,
    }
    if campaign.schedule_type == "once":
        body["scheduled_send_date"] = campaign.scheduled_send_date
    if campaign.template_uuid is None:
        body["template"] = campaign.template
    else:
        body["template_uuid"] = campaign.template_uuid
    return body
