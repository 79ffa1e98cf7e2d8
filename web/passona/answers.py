"""From what is stored to what this dialect answers (:mod:`web.passona.shapes`)."""

from __future__ import annotations

from typing import Any

from campaigns.audience.groups import GroupSummary
from campaigns.campaign import show, times
from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.store import Campaign
from campaigns.states import PASSONA_STATUS
from campaigns.template.templates import StoredTemplate
from web.passona.shapes import CampaignAnswer, GroupAnswer, TemplateAnswer

#: Fields of a campaign that are told in another way, or only where they are needed.
_OWN_WAY = frozenset(
    {
        "pacing",
        "provider",
        "schedule_type",
        "template",
        "webpush_body",
        "webpush_icon",
        "webpush_image",
        "webpush_target_url",
        "webpush_title",
    }
)

#: What a campaign may have that Passona's lacks, by the value that it has unless it was set.
_BEYOND: dict[str, Any] = {
    **{
        name: field.get_default(call_default_factory=True)
        for name, field in CampaignSpec.model_fields.items()
        if name not in CampaignAnswer.model_fields and name not in _OWN_WAY
    },
    "query_type": "all",
}


def campaign(found: Campaign, *, with_throttled: bool = False) -> CampaignAnswer:
    """A campaign as it is answered.

    ``with_throttled``: one that is not throttled says so, as where a single one is asked for.
    """
    told = show.as_answer(found)
    fields: dict[str, Any] = {
        name: told[name] for name in CampaignAnswer.model_fields if name in told
    }
    fields |= {
        "status": _status(found),
        "expiry_date": told["expiry_date"] or "",
        "started_sending_at": told["started_sending_at"] or "",
        "finished_sending_at": told["finished_sending_at"] or "",
        "manually_paused": True if found.manually_paused else None,
        "pauses": [
            {**pause, "updated_at": pause["created_at"]} for pause in told["pauses"]
        ],
    }  # fmt: skip
    if not found.throttled:
        del fields["scheduled_finish_date"], fields["pauses"]
        if not with_throttled:
            del fields["throttled"]
        if not found.manually_paused:
            del fields["manually_paused"]
        if found.updated_at == found.created_at:
            fields["updated_at"] = ""
    return CampaignAnswer.model_validate({**fields, **_beyond(found, told)})


def _status(found: Campaign) -> int:
    # A test send has its run from the start, and may begin later.
    waits = found.status == "sending" and found.started_sending_at is None
    return 0 if waits else PASSONA_STATUS[found.status]


def _beyond(found: Campaign, told: dict[str, Any]) -> dict[str, Any]:
    """What was set of the fields that the documents do not know."""
    if found.is_test:
        return {}
    beyond = {
        name: told[name]
        for name, usual in _BEYOND.items()
        if name in told and told[name] != (list(usual) if isinstance(usual, tuple) else usual)
    }
    if found.pacing != ("evenly" if found.throttled else "asap"):
        beyond["pacing"] = found.pacing
    if found.template_uuid is None:
        beyond["template"] = found.template
    if found.error is not None:
        beyond["error"] = found.error
    return beyond


def group(found: GroupSummary, base: str, *, with_centralised: bool = False) -> GroupAnswer:
    """A group as it is answered; ``base`` is the dialect's own address, with a slash at its end."""
    one = found.group
    fields: dict[str, Any] = {
        "uuid": str(one.id),
        "name": one.name,
        "description": one.description,
        "created_at": times.render(one.created_at),
        "updated_at": times.render(one.updated_at),
        "deletable": one.deletable,
        "number_of_contacts": found.number_of_contacts,
        "scheduled_jobs_number": found.scheduled_jobs_number,
        "status": found.status,
        "headers": found.headers,
        "links": [{"rel": "self", "uri": f"{base}contact-groups/{one.id}"}],
    }
    if with_centralised:
        fields["centralised"] = one.is_default_optouts
    return GroupAnswer.model_validate(fields)


def template(found: StoredTemplate) -> TemplateAnswer:
    """A template as it is answered."""
    return TemplateAnswer(
        uuid=str(found.id),
        team_uuid=str(found.team_id),
        name=found.name,
        body=found.body,
        created_at=times.render(found.created_at),
        updated_at=times.render(found.updated_at),
    )
