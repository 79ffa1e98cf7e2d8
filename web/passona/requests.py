"""What the descriptions say about the bodies of requests.

They are read and checked behind the door (:mod:`campaigns.campaign.model`,
:mod:`campaigns.audience.changes`), in the same way for every door.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

_TIME = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"

Time = Annotated[str, Field(pattern=_TIME, description="`Y-m-d H:i:s` in UTC.")]
Groups = Annotated[list[UUID], Field(max_length=1000)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Pause(_Request):
    """A stretch of time in which nothing is sent."""

    start_at: Time
    end_at: Time


class CampaignRequest(BaseModel):
    """A campaign. Fields beyond these are those of docs/queue.md, such as `rate`."""

    name: str = Field(min_length=1, max_length=200)
    sender: str = Field(
        description="3 to 11 characters, or a number with + and 7 to 15 digits.",
        min_length=3,
        max_length=16,
    )
    scheduled_send_date: Time | None = None
    expiry_date: Time | None = None
    included_contact_groups: Groups = Field(min_length=1)
    excluded_contact_groups: Groups = []
    template_uuid: UUID
    throttled: bool | None = None
    scheduled_finish_date: Time | None = Field(
        default=None, description="Required where `throttled` is true."
    )
    pauses: list[Pause] = []
    manually_paused: bool | None = None


class CampaignEdit(BaseModel):
    """The fields that shall change; those that are not named keep their value."""

    name: str = Field(default="", min_length=1, max_length=200)
    sender: str = Field(default="", min_length=3, max_length=16)
    scheduled_send_date: Time = ""
    expiry_date: Time | None = None
    included_contact_groups: Groups = Field(default=[], min_length=1)
    excluded_contact_groups: Groups = []
    template_uuid: UUID | None = None
    throttled: bool = False
    scheduled_finish_date: Time | None = None
    pauses: list[Pause] = []
    manually_paused: bool | None = None


class TestRequest(_Request):
    """A message to one person."""

    uuid: UUID | None = None
    name: str = Field(min_length=1, max_length=200)
    sender: str = Field(min_length=3, max_length=16)
    scheduled_send_date: Time | None = None
    expiry_date: Time | None = None
    template_uuid: UUID
    contact_number: str = Field(min_length=1)
    custom_fields: dict[str, str] = {}


class GroupRequest(_Request):
    """A new group."""

    uuid: UUID | None = None
    name: str = Field(min_length=1, max_length=100)
    description: str | None = Field(default=None, max_length=1000)
    deletable: bool = Field(
        default=True, description="Whether the team's data retention may remove it."
    )
    kind: str = Field(default="optin", pattern="^(optin|optout)$")


class GroupEdit(_Request):
    """The fields that shall change; those that are not named keep their value."""

    name: str = Field(default="", min_length=1, max_length=100)
    description: str | None = Field(default=None, max_length=1000)
    deletable: bool = True


class Contact(_Request):
    """Somebody to add to a group, or to update in it."""

    phone_number: str = Field(min_length=1)
    custom_fields: dict[str, str] = {}


class AddContacts(_Request):
    """Contacts to add."""

    contacts: list[Contact] = Field(min_length=1, max_length=50_000)


class RemoveContacts(_Request):
    """Numbers to remove."""

    phone_numbers: list[str] = Field(min_length=1, max_length=50_000)


class BulkContacts(_Request):
    """A new group, and the numbers of its contacts."""

    uuid: UUID | None = None
    name: str = Field(min_length=1, max_length=100)
    description: str | None = Field(default=None, max_length=1000)
    contacts: list[str] = Field(min_length=1, max_length=50_000)
    deletable: bool = True
    kind: str = Field(default="optin", pattern="^(optin|optout)$")


class UniqueContacts(_Request):
    """Groups to look at."""

    included_contact_group_uuids: Groups = Field(min_length=1)
    excluded_contact_group_uuids: Groups = []


class TemplateRequest(_Request):
    """A new template."""

    uuid: UUID | None = None
    name: str = Field(min_length=1, max_length=200)
    body: str = Field(min_length=1, max_length=100_000)


class TemplateEdit(_Request):
    """The fields that shall change."""

    name: str = Field(default="", min_length=1, max_length=200)
    body: str = Field(default="", min_length=1, max_length=100_000)


class PreviewRequest(_Request):
    """Whom a text is rendered for. Fields that are not given are empty text."""

    body: str = Field(default="", min_length=1, max_length=100_000)
    sending_type: str = "sms"
    custom_fields: dict[str, str] = {}
    template_vars: dict[str, str] = {}
    transliterate: bool = False


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model in one piece, since it stands in no list of components."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolved(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                return resolved(definitions[part["$ref"].rpartition("/")[2]])
            return {key: resolved(value) for key, value in part.items()}
        return [resolved(value) for value in part] if isinstance(part, list) else part

    found: dict[str, Any] = resolved(schema)
    return found


def body(model: type[BaseModel], **examples: Any) -> dict[str, Any]:
    """For ``openapi_extra``: the JSON body that an operation takes, with examples."""
    shown = {name: {"value": value} for name, value in examples.items()}
    content = {"schema": inlined(model), **({"examples": shown} if shown else {})}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}
