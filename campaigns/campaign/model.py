"""The requests about campaigns, field by field, with the seeds' names.

What one field may look like stands here. What fields demand of each other, and of the present
moment, stands in :mod:`campaigns.campaign.rules`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    field_validator,
    model_validator,
)

from campaigns import mailboxes
from campaigns.campaign import times
from campaigns.campaign.field_types import (
    MOST_PAUSES,
    Holidays,
    HoursJson,
    Ids,
    LocalTimes,
    Name,
    Named,
    PauseSpec,
    PushText,
    Rate,
    Segments,
    SentQuery,
    Target,
    Texts,
    Time,
    Url,
    Variables,
    WarmUp,
    Zone,
    none_given,
)
from campaigns.channels import SendingType
from campaigns.schedule.occurrences import CatchUp, Overlap
from campaigns.schedule.windows import Leftover
from campaigns.template.text import TemplateText
from campaigns.validation import REQUEST, Id, Line, Text

_PHONE_SENDER = re.compile(r"\+[0-9]{7,15}")

Pacing = Literal["evenly", "asap"]
Priority = Literal["urgent", "normal", "bulk"]
#: HORISEN: everybody in the groups, or those whom the query selects.
QueryType = Literal["all", "segmentation"]

_DAY = 86_400

#: What one text message may be split into, as it may be limited.
MOST_PARTS = 20


#: https://developers.viber.com/docs/api/rest-bot-api/#general-send-message-parameters
_LONGEST_ON_VIBER = 28


class MessageSpec(BaseModel):
    """What a campaign and a test send have in common: the message and the way it takes."""

    model_config = REQUEST

    uuid: Id | None = None
    name: Name
    sending_type: SendingType = "sms"
    sender: Annotated[Line, Field(max_length=200)]
    scheduled_send_date: Time | None = None
    expiry_date: Time | None = None
    template: TemplateText | None = Field(default=None, repr=False)
    template_uuid: Id | None = None
    template_vars: Variables = Field(default={}, repr=False)
    #: A notification of a browser by HORISEN's names; templates are put into it.
    webpush_title: PushText | None = Field(default=None, repr=False)
    webpush_body: PushText | None = Field(default=None, repr=False)
    webpush_target_url: PushText | None = Field(default=None, repr=False)
    webpush_icon: PushText | None = Field(default=None, repr=False)
    webpush_image: PushText | None = Field(default=None, repr=False)
    #: A text message is written in the GSM alphabet where that makes it shorter.
    transliterate: StrictBool = False
    #: A text message that has more parts is not sent.
    max_parts: Annotated[StrictInt, Field(ge=1, le=MOST_PARTS)] | None = None
    #: Where its links are made and its bounces come back to: a name, a uuid or a number.
    domain: Named | None = None
    #: Stands for ``{opt_out_link}``, or behind the text: a uuid, a number or a URL.
    opt_out_link: Named | None = None
    #: What ``{track_link}`` leads to, or a link behind the text.
    track_link_url: Target | None = Field(default=None, repr=False)
    #: Of an e-mail: every link of its HTML is counted, and so is its opening.
    track_links: StrictBool = False
    track_opens: StrictBool = False
    provider: Line | None = None

    @field_validator("transliterate", "track_links", "track_opens", mode="before")
    @classmethod
    def _no_wish(cls, value: object) -> object:
        return False if value is None else value

    @field_validator("sender")
    @classmethod
    def _sender_fits(cls, sender: str, info: Any) -> str:
        # Passona: "Senders must be between 3-11 characters in length". A number in international
        # form may be longer: E.164 has up to 15 digits, and HORISEN's example has 11.
        channel = info.data.get("sending_type")
        if channel == "sms" and not (_PHONE_SENDER.fullmatch(sender) or 3 <= len(sender) <= 11):
            raise ValueError("must have 3 to 11 characters, or be + and 7 to 15 digits")
        if channel == "email" and not mailboxes.is_mailbox(sender):
            raise ValueError(mailboxes.RULE)
        if channel == "viber" and len(sender) > _LONGEST_ON_VIBER:
            raise ValueError(f"must have at most {_LONGEST_ON_VIBER} characters")
        return sender


class CampaignSpec(MessageSpec):
    """A campaign as somebody submits it. Durations are in seconds."""

    #: ``draft`` keeps it from being scheduled until it is edited to ``active`` (HORISEN).
    status: Literal["active", "draft"] = "active"
    #: Read before the local times below.
    timezone: Zone = "UTC"
    schedule_type: Literal["now", "once", "scheduled"] | None = None
    #: A recurrence rule (RFC 5545); its occurrences begin with the send date.
    schedule_rrule: Text | None = None
    schedule_exdates: LocalTimes = ()
    schedule_rdates: LocalTimes = ()
    #: What happens to an occurrence while an earlier one is still sending.
    overlap: Overlap = "skip"
    #: How late an occurrence may still start; ``None``: at any time.
    start_deadline: Annotated[StrictInt, Field(ge=1, le=31 * _DAY)] | None = None
    #: Which of the occurrences that nobody was there to start are made up for.
    catch_up: CatchUp = "one"
    catch_up_cap: Annotated[StrictInt, Field(ge=1, le=100)] = 10
    #: Each occurrence starts later by a random time up to this.
    jitter: Annotated[StrictInt, Field(ge=0, le=_DAY)] = 0
    scheduled_finish_date: Time | None = None
    throttled: StrictBool = False
    pauses: Annotated[
        tuple[PauseSpec, ...], Field(max_length=MOST_PAUSES), BeforeValidator(none_given)
    ] = ()
    #: What happens to recipients who are left when the window closes.
    leftover: Leftover = "continue"
    #: The campaign's own ceiling, beside those of account, sender and team.
    rate: Rate | None = None
    #: Over the window, or as fast as is allowed. ``None``: whichever fits ``throttled``.
    pacing: Pacing | None = None
    warm_up: WarmUp | None = None
    sending_hours: HoursJson = None
    quiet_hours: HoursJson = None
    holidays: Holidays = ()
    #: Hours and holidays are read in each recipient's own time zone.
    recipient_local: StrictBool = False
    priority: Priority = "normal"
    #: The share among campaigns of the same priority that want the same account.
    weight: Annotated[StrictInt, Field(ge=1, le=1000)] = 1
    manually_paused: StrictBool = False
    included_contact_groups: Ids
    excluded_contact_groups: Ids = ()
    #: Of the included groups, by uuid or number; the campaign is for their contacts only.
    contact_segments: Segments = ()
    query_type: QueryType | None = None
    #: As it was sent: an object, or that object as a text (:mod:`campaigns.segmentation.parsing`).
    query: SentQuery = Field(default=None, repr=False)
    event_callback: Url | None = None

    @field_validator("manually_paused", "throttled", "recipient_local", mode="before")
    @classmethod
    def _no_answer(cls, value: object) -> object:
        # Passona's own responses say null for "not paused".
        return False if value is None else value

    @model_validator(mode="before")
    @classmethod
    def _single_time(cls, body: Mapping[str, Any]) -> Mapping[str, Any]:
        # HORISEN: "In the case of schedule_type once, this is time in the format Y-m-d H:i:s".
        rule = body.get("schedule_rrule")
        if body.get("schedule_type") != "once" or body.get("scheduled_send_date") or rule is None:
            return body
        try:
            return {**body, "scheduled_send_date": times.parse(rule), "schedule_rrule": None}
        except ValueError:
            return body


class SampleSpec(MessageSpec):
    """A message to one person, to see how it looks (Passona: send-test)."""

    #: Passona's name for the address of a text message.
    contact_number: Text | None = Field(default=None, repr=False)
    address: Text | None = Field(default=None, repr=False)
    custom_fields: Texts = Field(default={}, repr=False)


class CampaignSampleSpec(BaseModel):
    """The message of a stored campaign to one person."""

    model_config = REQUEST

    uuid: Id | None = None
    campaign: Id
    contact_number: Text | None = Field(default=None, repr=False)
    address: Text | None = Field(default=None, repr=False)
    custom_fields: Texts = Field(default={}, repr=False)
