"""A campaign as an answer: plain values under the seeds' field names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from campaigns.campaign import times
from campaigns.campaign.store import Campaign
from campaigns.template import push


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
        "timezone": campaign.timezone,
        "schedule_rrule": campaign.schedule_rrule,
        "schedule_exdates": [_instant(moment) for moment in campaign.schedule_exdates],
        "schedule_rdates": [_instant(moment) for moment in campaign.schedule_rdates],
        "next_dt": _time(campaign.next_dt),
        "last_dt": _time(campaign.last_dt),
        "overlap": campaign.overlap,
        "start_deadline": campaign.start_deadline,
        "catch_up": campaign.catch_up,
        "catch_up_cap": campaign.catch_up_cap,
        "jitter": campaign.jitter,
        "scheduled_send_date": times.render(campaign.scheduled_send_date),
        "scheduled_finish_date": _time(campaign.scheduled_finish_date),
        "expiry_date": _time(campaign.expiry_date),
        "throttled": campaign.throttled,
        "leftover": campaign.leftover,
        "rate": campaign.rate,
        "pacing": campaign.pacing,
        "warm_up": campaign.warm_up,
        "sending_hours": campaign.sending_hours,
        "quiet_hours": campaign.quiet_hours,
        "holidays": [day.isoformat() for day in campaign.holidays],
        "recipient_local": campaign.recipient_local,
        "priority": campaign.priority,
        "weight": campaign.weight,
        "segments": campaign.segments,
        "transliterate": campaign.transliterate,
        "max_parts": campaign.max_parts,
        "domain": _uuid(campaign.domain_id),
        "opt_out_link": _uuid(campaign.opt_out_link_id),
        "track_link_url": campaign.track_link_url,
        "track_links": campaign.track_links,
        "track_opens": campaign.track_opens,
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
        "contact_segments": [str(segment) for segment in campaign.contact_segments],
        "query_type": campaign.query_type,
        "query": campaign.query,
        "template_uuid": _uuid(campaign.template_uuid),
        "template": campaign.template,
        "template_vars": campaign.template_vars,
        **_push(campaign),
        "event_callback": campaign.event_callback,
        "started_sending_at": _time(campaign.started_sending_at),
        "finished_sending_at": _time(campaign.finished_sending_at),
        "created_at": times.render(campaign.created_at),
        "updated_at": times.render(campaign.updated_at),
    }


def _push(campaign: Campaign) -> dict[str, str | None]:
    if campaign.sending_type == "webpush":
        return push.unfolded(campaign.template)
    return dict.fromkeys(push.FIELDS)


def _uuid(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _instant(moment: datetime) -> str:
    """With its offset: written without one, it would be read as local time when it comes back."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else times.render(moment)
