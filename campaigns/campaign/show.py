"""A campaign as an answer: plain values under the seeds' field names."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from campaigns.campaign import times
from campaigns.campaign.store import Campaign


def as_answer(campaign: Campaign) -> dict[str, Any]:
    """What a caller sees of a campaign, ready for JSON.

    Names and the form of times are Passona's; ``status`` is the word of the state machine, and a
    time that has not come yet is null.
    """
    return {
        "uuid": str(campaign.id),
        "team_uuid": str(campaign.team_id),
        "name": campaign.name,
        "sender": campaign.sender,
        "sending_type": campaign.sending_type,
        "provider": campaign.provider,
        "status": campaign.status,
        "error": campaign.error,
        "is_test": campaign.is_test,
        "schedule_type": campaign.schedule_type,
        "scheduled_send_date": times.render(campaign.scheduled_send_date),
        "scheduled_finish_date": _time(campaign.scheduled_finish_date),
        "expiry_date": _time(campaign.expiry_date),
        "throttled": campaign.throttled,
        "leftover": campaign.leftover,
        "manually_paused": campaign.manually_paused,
        "pauses": [
            {
                "uuid": str(pause.id),
                "campaign_uuid": str(campaign.id),
                "start_at": times.render(pause.start_at),
                "end_at": times.render(pause.end_at),
                "created_at": times.render(pause.created_at),
            }
            for pause in campaign.pauses
        ],
        "included_contact_groups": [str(group) for group in campaign.included],
        "excluded_contact_groups": [str(group) for group in campaign.excluded],
        "template_uuid": str(campaign.template_uuid) if campaign.template_uuid else None,
        "template": campaign.template,
        "template_vars": campaign.template_vars,
        "event_callback": campaign.event_callback,
        "started_sending_at": _time(campaign.started_sending_at),
        "finished_sending_at": _time(campaign.finished_sending_at),
        "created_at": times.render(campaign.created_at),
        "updated_at": times.render(campaign.updated_at),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else times.render(moment)
