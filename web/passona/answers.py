"""What this dialect answers, field by field, in the order of the documents."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from campaigns.audience.groups import GroupSummary
from campaigns.campaign import show, times
from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.store import Campaign
from campaigns.states import PASSONA_STATUS
from campaigns.template.templates import StoredTemplate
from web.passona.pages import Links, Meta

_MOMENT = r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}"

Uuid = Annotated[str, Field(examples=["dc8a7564-fb1e-11e9-abb5-0242ac120008"])]
Moment = Annotated[str, Field(pattern=f"^{_MOMENT}$", examples=["2026-11-25 15:25:00"])]
#: Empty as long as it has not come.
MomentOrNot = Annotated[str, Field(pattern=f"^({_MOMENT})?$", examples=["2026-11-25 15:25:00", ""])]


class PauseAnswer(BaseModel):
    """A planned pause of a throttled campaign."""

    uuid: Uuid
    campaign_uuid: Uuid
    start_at: Moment
    end_at: Moment
    created_at: Moment
    updated_at: Moment


class CampaignAnswer(BaseModel):
    """A campaign. Further fields are those that were set when it was created or edited."""

    model_config = ConfigDict(extra="allow")

    uuid: Uuid
    team_uuid: Uuid
    name: str
    sender: str
    scheduled_send_date: Moment
    expiry_date: MomentOrNot
    status: Literal[0, 1, 2] = Field(description="0: pending, 1: sending, 2: sent.")
    throttled: bool | None = None
    included_contact_groups: list[Uuid]
    excluded_contact_groups: list[Uuid]
    started_sending_at: MomentOrNot
    template_uuid: Uuid | None
    finished_sending_at: MomentOrNot
    created_at: Moment
    updated_at: MomentOrNot
    scheduled_finish_date: Moment | None = None
    manually_paused: bool | None = None
    pauses: list[PauseAnswer] | None = None


class CampaignBody(BaseModel):
    """One campaign."""

    data: CampaignAnswer


class CampaignPage(BaseModel):
    """A page of campaigns, newest first."""

    data: list[CampaignAnswer]
    links: Links
    meta: Meta


class GroupLink(BaseModel):
    """Where a group is."""

    rel: Literal["self"]
    uri: str


class GroupAnswer(BaseModel):
    """A contact group."""

    uuid: Uuid
    name: str
    description: str
    created_at: Moment
    updated_at: Moment
    deletable: bool
    centralised: bool | None = Field(
        default=None, description="Whether it is the team's default_optouts."
    )
    number_of_contacts: int
    scheduled_jobs_number: int = Field(description="Changes that are still to be made.")
    status: Literal["Empty", "Ready", "Modifying"]
    headers: list[str] = Field(description="Names of the custom fields of its contacts.")
    links: list[GroupLink]


class GroupBody(BaseModel):
    """One group."""

    data: GroupAnswer


class GroupPage(BaseModel):
    """A page of groups, newest first."""

    data: list[GroupAnswer]
    links: Links
    meta: Meta


class ContactAnswer(BaseModel):
    """A contact; one without a phone number has an empty one."""

    phone_number: str
    created_at: Moment


class ContactPage(BaseModel):
    """A page of contacts."""

    data: list[ContactAnswer]
    links: Links
    meta: Meta


class FaultAnswer(BaseModel):
    """An entry of a request that was left out: which one, counted from 0, and why."""

    entry: int
    field: str
    rule: str


class JobAnswer(BaseModel):
    """A change of a group, and what became of it so far."""

    id: int
    kind: Literal["add", "remove", "flush", "retire"]
    entries: int
    done: int
    added: int
    updated: int
    unchanged: int
    removed: int
    invalid: int
    faults: list[FaultAnswer]
    error: str | None
    created_at: Moment
    finished_at: MomentOrNot


class JobList(BaseModel):
    """The latest changes of a group, the last one first."""

    data: list[JobAnswer]


class TemplateAnswer(BaseModel):
    """A template."""

    uuid: Uuid
    team_uuid: Uuid
    name: str
    body: str
    created_at: Moment
    updated_at: Moment


class TemplateBody(BaseModel):
    """One template."""

    data: TemplateAnswer


class TemplatePage(BaseModel):
    """A page of templates, newest first."""

    data: list[TemplateAnswer]
    links: Links
    meta: Meta


class PreviewAnswer(BaseModel):
    """How a text looks for one contact; the counts are of text messages."""

    sending_type: str
    content: dict[str, Any]
    fields: list[str]
    variables: list[str]
    encoding: str | None
    units: int | None
    segments: int | None


class PreviewBody(BaseModel):
    """One preview."""

    data: PreviewAnswer


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
