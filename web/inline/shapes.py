"""What the Inline-contacts API takes and answers, field by field, with its document's names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr
from pydantic.alias_generators import to_camel

from campaigns.audience.given import FIELDS, Given, GivenContact
from campaigns.campaign import times
from campaigns.campaign.field_types import Time
from campaigns.campaign.store import Campaign
from campaigns.validation import REQUEST, Id, LongList, Text

#: The document shows numbers and says nothing about them. 0, 1 and 2 are Passona's.
STATUS = {
    "draft": 0,
    "scheduled": 0,
    "sending": 1,
    "finished": 2,
    "stopped": 3,
    "failed": 4,
}

#: The engine's names for what this dialect calls otherwise.
NAMES = {
    "scheduled_send_date": "startDateTime",
    "template": "message",
    "opt_out_link": "optOutLinkId",
    "track_link_url": "trackLinkUrl",
    "phone_number": "phoneNumber",
    "contact_group_id": "contactGroupId",
    "page": "pageIndex",
    "per_page": "pageSize",
}
#: What refers to things, by their kinds.
KINDS = {"opt-out link": "optOutLinkId", "domain": "trackLinkUrl"}

_ANSWER = ConfigDict(alias_generator=to_camel, populate_by_name=True)
_BODY = ConfigDict(**REQUEST, alias_generator=to_camel)

ItemT = TypeVar("ItemT")


class ContactBody(BaseModel):
    """Somebody whom a campaign is for."""

    model_config = _BODY

    phone_number: StrictStr | None = Field(default=None, repr=False)
    #: In the message: @name, @custom1, @custom2.
    name: StrictStr | None = Field(default=None, repr=False)
    custom1: StrictStr | None = Field(default=None, repr=False)
    custom2: StrictStr | None = Field(default=None, repr=False)
    #: A contact group of the team to file the contact in as well.
    contact_group_id: Id | None = None

    def given(self) -> Given:
        """What the engine is given of it."""
        values = {name: getattr(self, name) for name in FIELDS}
        fields = {name: value for name, value in values.items() if value}
        return Given(self.phone_number, fields, self.contact_group_id)


class EditBody(BaseModel):
    """What may change of a campaign. What is left out, or null, stays."""

    model_config = _BODY

    #: ISO 8601; without an offset it is UTC.
    start_date_time: Time | None = None
    sender: Text | None = None
    #: A template: ``@name`` stands for the contact's name, ``@@`` for @ itself.
    message: Text | None = Field(default=None, repr=False)
    #: 0: none.
    opt_out_link_id: Annotated[StrictInt, Field(ge=0, lt=2**63)] | None = None
    #: Empty: none.
    track_link_url: Text | None = Field(default=None, repr=False)

    def changes(self) -> dict[str, Any]:
        """The request for the engine, of what was given."""
        given: dict[str, Any] = {
            "scheduled_send_date": self.start_date_time,
            "sender": self.sender,
            "template": self.message,
        }
        found = {name: value for name, value in given.items() if value is not None}
        if self.opt_out_link_id is not None:
            found["opt_out_link"] = self.opt_out_link_id or None
        if self.track_link_url is not None:
            found["track_link_url"] = self.track_link_url or None
        return found


class CampaignBody(EditBody):
    """A campaign with its contacts. Without a start, or with null, it starts at once."""

    sender: Text
    message: Text = Field(repr=False)
    contacts: LongList[ContactBody] = Field(repr=False)

    def request(self, now: datetime) -> dict[str, Any]:
        """The request for the engine, but for the audience."""
        start = times.render(self.start_date_time or now)
        # What is asked not to be there is left out, as in a request that never named it.
        asked = {name: value for name, value in self.changes().items() if value is not None}
        return {"name": f"SMS of {start}", "sending_type": "sms", **asked}


class CampaignItem(BaseModel):
    """A campaign."""

    model_config = _ANSWER

    id: str
    start_date_time: str = Field(json_schema_extra={"format": "date-time"})
    sender: str
    #: Those of the latest run; before it, the contacts that came with the campaign.
    recipient_count: int
    message: str
    status: int = Field(description="0 waiting, 1 sending, 2 sent, 3 stopped, 4 failed")
    opt_out_link_id: int = Field(description="0: none")
    track_link_url: str = Field(description="empty: none")


class ContactItem(BaseModel):
    """A contact of a campaign. The number is in E.164 digits; what is not known is empty."""

    model_config = _ANSWER

    phone_number: str
    name: str
    custom1: str
    custom2: str
    id: str


class Page(BaseModel, Generic[ItemT]):
    """Some of a list."""

    model_config = _ANSWER

    page_index: int
    total_pages: int
    total_records: int
    items: list[ItemT]


class Fault(BaseModel):
    """What is wrong with one contact."""

    field: str
    message: str


class Refusal(BaseModel):
    """Why a request was refused; nothing of it was stored."""

    code: str
    message: str
    field: str | None
    errors: list[Fault] | None = Field(
        default=None, description="for contacts that are not valid, at most 1000 of them"
    )


def campaign_item(
    campaign: Campaign, recipients: Mapping[Any, int], links: Mapping[Any, int]
) -> CampaignItem:
    """``campaign`` as an answer; ``links`` are the numbers of opt-out links by their uuids."""
    return CampaignItem(
        id=str(campaign.id),
        start_date_time=rendered(campaign.scheduled_send_date),
        sender=campaign.sender,
        recipient_count=recipients.get(campaign.id, 0),
        message=campaign.template,
        status=STATUS[campaign.status],
        opt_out_link_id=links.get(campaign.opt_out_link_id, 0),
        track_link_url=campaign.track_link_url or "",
    )


def contact_item(contact: GivenContact) -> ContactItem:
    """``contact`` as an answer."""
    values = {name: contact.fields.get(name, "") for name in FIELDS}
    return ContactItem(id=str(contact.id), phone_number=contact.phone, **values)


def rendered(moment: datetime) -> str:
    """``moment`` in the document's form: 2023-06-27T03:04:01.374Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
