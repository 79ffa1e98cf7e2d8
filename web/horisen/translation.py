"""From the dialect's fields to those of the engine, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from campaigns.campaign import times
from campaigns.campaign.store import Campaign
from campaigns.errors import Invalid
from campaigns.run.executions import Execution, Executions
from campaigns.schedule import recurrence
from campaigns.states import horisen_status
from campaigns.template import contents, push
from web.horisen import mail, models
from web.horisen.models import CampaignResponse, CampaignUpdate


def status_of(campaign: Campaign) -> str:
    """The dialect's word for what the campaign is doing."""
    return horisen_status(campaign.status, manually_paused=campaign.manually_paused)


def created(given: models.CampaignCreate) -> dict[str, Any]:
    """The request of the engine that a checked and complete ``POST`` means.

    Raises:
        Invalid: the status is one that a campaign only comes to, or the template is none.
    """
    return _message(_new(given), given.sending_type, given.name)


def cloned(given: models.CampaignCreate, source: Campaign) -> dict[str, Any]:
    """The fields that a checked ``POST`` with ``clone_uuid`` puts in the place of the source's.

    Raises:
        Invalid: like :func:`created`.
    """
    fields = _new(given)
    if fields.get("query_type") == "all":
        fields.setdefault("query", None)
    if given.schedule_rrule is not None:
        fields.update(_schedule(given.schedule_type or source.schedule_type, given.schedule_rrule))
    channel = given.sending_type or source.sending_type
    if channel == source.sending_type == "webpush" and given.template is not None:
        # Another text is another body; the rest of the notification stays.
        kept = push.unfolded(source.template)
        for name in push.FIELDS.keys() - {"webpush_body"}:
            fields.setdefault(name, kept[name])
    return _message(fields, channel, given.name or source.name)


def _new(given: models.CampaignCreate) -> dict[str, Any]:
    """The fields that are given, under the engine's names."""
    fields = given.model_dump(exclude_none=True, exclude={"clone_uuid", "recipient_lists"})
    if given.status not in (None, "active", "draft"):
        rule = "must be 'active' or 'draft' when a campaign is created"
        raise Invalid("status", given.status, rule)
    if given.recipient_lists is not None:
        fields["included_contact_groups"] = _uuids(given.recipient_lists)
    return fields


def updated(given: CampaignUpdate, stored: Campaign) -> dict[str, Any]:
    """The fields of the engine that a checked ``PUT`` changes.

    What is as it was is not named, so that a campaign that is sending can be given back as it was
    read, with another status.

    Raises:
        Invalid: the campaign cannot come to the status by a request, or a template or a rule is
            none.
    """
    body: dict[str, Any] = {}
    for name in ("name", "sender"):
        if getattr(given, name).strip() != getattr(stored, name):
            body[name] = getattr(given, name)
    lists = _uuids(given.recipient_lists)
    if [one.lower() for one in lists] != [str(one) for one in stored.included]:
        body["included_contact_groups"] = lists
    if not _same_schedule(given, stored):
        body.update(_schedule(given.schedule_type, given.schedule_rrule))
    query = (given.query_type or "all", given.query)
    if query != (stored.query_type, _query(stored.query)):
        body.update(dict(zip(("query_type", "query"), query, strict=True)))
    if not _same_message(given, stored):
        message = {
            name: getattr(given, name) for name in ("sending_type", "template", *push.FIELDS)
        }
        body.update(_message(message, given.sending_type, given.name))
    if given.status != status_of(stored):
        body.update(_steered(given.status, stored))
    return body


def _same_schedule(given: CampaignUpdate, stored: Campaign) -> bool:
    rule = given.schedule_rrule
    if given.schedule_type != stored.schedule_type:
        return False
    if rule is None or stored.schedule_type == "now":
        return rule is None and stored.schedule_type == "now"
    if stored.schedule_type == "once":
        try:
            return times.parse(rule) == stored.scheduled_send_date
        except ValueError:
            return False
    start = recurrence.stated_start(rule, zone=stored.timezone)
    if start not in (None, stored.scheduled_send_date):
        return False
    return rule.strip().splitlines()[-1] == stored.schedule_rrule


def _same_message(given: CampaignUpdate, stored: Campaign) -> bool:
    if given.sending_type != stored.sending_type:
        return False
    text = given.template
    if given.sending_type == "email":
        text = mail.from_standardized(text, given.name)
    elif given.sending_type == "webpush":
        text = push.folded(text, {name: getattr(given, name) for name in push.FIELDS})
    return text in (stored.template, contents.filled(stored.template, stored.template_vars))


def _steered(wanted: str, stored: Campaign) -> dict[str, Any]:
    if wanted == "finished":
        raise Invalid("status", wanted, "cannot be set; a campaign comes to it by itself")
    if wanted == "stopped" and stored.status == "draft":
        raise Invalid("status", wanted, "cannot be set for a draft, which sends nothing")
    if wanted == "draft":
        return {"status": "draft"}
    if stored.status == "draft":
        return {"status": "active", "manually_paused": False}
    return {"manually_paused": wanted == "stopped"}


def _schedule(kind: str, rule: str | None) -> dict[str, Any]:
    schedule: dict[str, Any] = {"schedule_type": kind, "schedule_rrule": rule}
    if kind != "now":
        # It is the rule that says when it begins.
        schedule["scheduled_send_date"] = None
    return schedule


def _message(fields: dict[str, Any], channel: str | None, name: str | None) -> dict[str, Any]:
    """``fields`` with the template in the form of its channel."""
    if channel != "webpush":
        # What is for notifications of browsers means nothing here; the document's own example of a
        # text message has all of it.
        fields = {name: value for name, value in fields.items() if name not in push.FIELDS}
    if channel == "email" and fields.get("template") is not None:
        fields["template"] = mail.from_standardized(fields["template"], name or "")
    return fields


def _uuids(lists: str) -> list[str]:
    return [part for part in (one.strip() for one in lists.split(",")) if part]


def as_answer(campaign: Campaign, executions: Executions) -> CampaignResponse:
    """What a caller sees of the campaign."""
    notification: Mapping[str, str | None] = dict.fromkeys(push.FIELDS)
    # As it is sent, with the variables of a clone put in.
    template = contents.filled(campaign.template, campaign.template_vars)
    if campaign.sending_type == "webpush":
        notification = push.unfolded(template)
        template = _text_of_push(template, notification)
    return CampaignResponse.model_validate(
        {
            "name": campaign.name,
            "status": status_of(campaign),
            "sending_type": campaign.sending_type,
            "schedule_type": campaign.schedule_type,
            "schedule_rrule": _rule(campaign),
            "template": template,
            **notification,
            "sender": campaign.sender,
            "recipient_lists": ",".join(map(str, campaign.included)),
            "query_type": campaign.query_type,
            "query": _query(campaign.query),
            "uuid": str(campaign.id),
            "created_dt": campaign.created_at,
            "updated_dt": campaign.updated_at,
            "next_dt": campaign.next_dt,
            "last_dt": executions.last.get(campaign.id),
            **_optional(campaign.id, executions),
        }
    )


def _rule(campaign: Campaign) -> str | None:
    if campaign.schedule_type == "once":
        return times.render(campaign.scheduled_send_date)
    return campaign.schedule_rrule


def _text_of_push(template: str, notification: Mapping[str, str | None]) -> str:
    """The text beside the fields of a notification: its body, or all of it where these five do not
    say all."""
    if push.entries(template).keys() - set(push.FIELDS.values()):
        return template
    return notification["webpush_body"] or notification["webpush_title"] or ""


def _query(query: object) -> str | None:
    return query if query is None or isinstance(query, str) else json.dumps(query)


def _optional(campaign_id: UUID, executions: Executions) -> dict[str, Any]:
    """What is there only if it was asked for."""
    found: dict[str, Any] = {}
    if executions.tasks is not None:
        found["tasks"] = [_task(one) for one in executions.tasks.get(campaign_id, ())]
    if executions.messages is not None:
        nothing = dict.fromkeys(models.Messages.model_fields, 0)
        found["messages"] = executions.messages.get(campaign_id, nothing)
    return found


def _task(one: Execution) -> dict[str, Any]:
    return {
        "number": one.number,
        "time": one.time,
        "status": one.status,
        "reason": one.reason,
        "total": one.counts["total"],
        "messages": one.counts,
    }
