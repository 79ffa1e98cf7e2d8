"""What the Callback API takes and answers, field by field, with its document's names."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from campaigns.campaign.field_types import Time
from campaigns.staged.reading import Staged
from campaigns.validation import REQUEST, Id, Text

#: More than a request can mean.
MOST_SEGMENTS = 100
_LARGEST = 2**63 - 1

#: The engine's names for what this dialect calls otherwise.
NAMES = {
    "scheduled_send_date": "when",
    "included_contact_groups": "list",
    "contact_segments": "segments",
}
#: What refers to things, by their kinds.
KINDS = {"template": "template_uuid", "domain": "domain"}


def _number(value: object) -> object:
    """A number, as JSON writes it or as a form does."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LARGEST:
        raise ValueError("must be a whole number from 1 on")
    return value


Number = Annotated[int, BeforeValidator(_number)]
When = Annotated[Time, WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})]


class _Fields(BaseModel):
    """What can be said of a campaign."""

    model_config = REQUEST

    domain: Number | None = None
    segments: Annotated[tuple[Number, ...], Field(max_length=MOST_SEGMENTS)] | None = Field(
        default=None, description="in a form `segments[]` or `segments`, once for each segment"
    )
    state: Text | None = Field(default=None, description="DRAFT, SCHEDULED or READY")
    when: When | None = Field(default=None, description="Unix time in seconds, or ISO 8601")
    event_callback: Text | None = None
    #: Additions to the document, which does not say where the message comes from.
    sending_type: Text | None = Field(default=None, description="addition; sms by default")
    sender: Text | None = Field(default=None, description="addition")
    template: Any = Field(default=None, repr=False, description="addition; the message")
    template_uuid: Id | None = Field(default=None, description="addition; or a stored template")

    def given(self) -> dict[str, Any]:
        """What was said, under the engine's names."""
        found = self.model_dump(exclude_unset=True, exclude={"state", "group", "id"})
        named = {_ENGINE.get(name, name): value for name, value in found.items()}
        if "contact_segments" in named:
            named["contact_segments"] = named["contact_segments"] or ()
        if named.get("sending_type", "") is None:
            del named["sending_type"]
        return named


class NewCampaign(_Fields):
    """A new campaign."""

    name: Text
    group: Number = Field(alias="list")


class ChangedCampaign(_Fields):
    """What may change of a campaign. What is left out stays.

    What an answer has may come back: ``id`` and ``list`` are taken if they are as they were.
    """

    name: Text | None = None
    id: Number | None = None
    group: Number | None = Field(default=None, alias="list")


_ENGINE = {"when": "scheduled_send_date", "segments": "contact_segments"}


class CampaignAnswer(BaseModel):
    """A campaign."""

    model_config = ConfigDict(populate_by_name=True)

    id: int
    name: str
    domain: int | None
    group: int | None = Field(alias="list", description="null: the list was deleted since")
    segments: list[int]
    state: str
    when: int | None = Field(description="Unix time in seconds; null: a draft without a time")
    event_callback: str | None
    sending_type: str
    sender: str | None
    template: str | None = Field(description="null: it has none yet, or a stored one")
    template_uuid: UUID | None


class Refusal(BaseModel):
    """Why a request was refused; nothing of it was stored."""

    code: str
    message: str
    field: str | None


def answer(staged: Staged) -> CampaignAnswer:
    """``staged`` as an answer."""
    fields = dict(staged.fields)
    when: datetime | None = fields.pop("scheduled_send_date")
    return CampaignAnswer(
        id=staged.number,
        group=staged.group_number,
        segments=list(fields.pop("contact_segments")),
        state=staged.state,
        when=None if when is None else int(when.timestamp()),
        **fields,
    )
