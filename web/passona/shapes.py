"""What this dialect answers, field by field, in the order of the documents."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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
