"""The requests about campaigns, field by field, with the seeds' names.

What one field may look like stands here. What fields demand of each other, and of the present
moment, stands in :mod:`campaigns.campaign.rules`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StrictBool, field_validator

from campaigns.campaign import times
from campaigns.channels import SendingType
from campaigns.template.text import TemplateText
from campaigns.validation import REQUEST, Id, Line, Text

MOST_PAUSES = 1000
MOST_GROUPS = 1000
MOST_VARIABLES = 200

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PHONE_SENDER = re.compile(r"\+[0-9]{7,15}")


def _ids(value: object) -> object:
    """A list of ids as JSON writes it, or as one comma separated text (Passona's field table)."""
    if value is None:
        return ()
    if isinstance(value, str):
        return [part for part in (p.strip() for p in value.split(",")) if part]
    return value


def _texts(value: object) -> object:
    """A map with its numbers written as text, as JSON clients send them."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        return value
    return {key: _as_text(entry) for key, entry in value.items()}


def _as_text(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if not math.isfinite(value):
        raise ValueError("must hold texts and finite numbers only")
    return str(value)


def _variables(value: dict[str, str]) -> dict[str, str]:
    if not all(_VARIABLE.fullmatch(name) for name in value):
        raise ValueError(
            "must have names of letters, digits and underscores that do not begin with a digit"
        )
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or " " in value:
        raise ValueError("must be an http or https URL")
    return value


Time = Annotated[datetime, BeforeValidator(times.parse)]
Ids = Annotated[tuple[Id, ...], BeforeValidator(_ids), Field(max_length=MOST_GROUPS)]
Name = Annotated[Line, Field(max_length=200)]
Texts = Annotated[dict[Text, Text], BeforeValidator(_texts)]
Variables = Annotated[Texts, AfterValidator(_variables), Field(max_length=MOST_VARIABLES)]
Url = Annotated[Line, Field(max_length=2000), AfterValidator(_url)]


class PauseSpec(BaseModel):
    """A stretch of time in which nothing is sent, ``start_at <= t < end_at``."""

    model_config = REQUEST

    start_at: Time
    end_at: Time


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
    provider: Line | None = None

    @field_validator("sender")
    @classmethod
    def _sender_fits(cls, sender: str, info: Any) -> str:
        # Passona: "Senders must be between 3-11 characters in length". A number in international
        # form may be longer: E.164 has up to 15 digits, and HORISEN's example has 11.
        if info.data.get("sending_type") != "sms" or _PHONE_SENDER.fullmatch(sender):
            return sender
        if not 3 <= len(sender) <= 11:
            raise ValueError("must have 3 to 11 characters, or be + and 7 to 15 digits")
        return sender


class CampaignSpec(MessageSpec):
    """A campaign as somebody submits it."""

    #: ``draft`` keeps it from being scheduled until it is edited to ``active`` (HORISEN).
    status: Literal["active", "draft"] = "active"
    schedule_type: Literal["now", "once", "scheduled"] | None = None
    schedule_rrule: Any = None
    scheduled_finish_date: Time | None = None
    throttled: StrictBool = False
    pauses: Annotated[tuple[PauseSpec, ...], Field(max_length=MOST_PAUSES)] = ()
    #: What happens to recipients who are left when the window closes.
    leftover: Literal["continue", "expire"] = "continue"
    manually_paused: StrictBool = False
    included_contact_groups: Ids
    excluded_contact_groups: Ids = ()
    event_callback: Url | None = None

    @field_validator("pauses", mode="before")
    @classmethod
    def _no_pauses(cls, value: object) -> object:
        return () if value is None else value

    @field_validator("manually_paused", "throttled", mode="before")
    @classmethod
    def _no_answer(cls, value: object) -> object:
        # Passona's own responses say null for "not paused".
        return False if value is None else value

    @field_validator("schedule_rrule")
    @classmethod
    def _no_recurrence(cls, value: object) -> None:
        if value is not None:
            raise ValueError(
                "is not offered by this version; give the time of a single send in "
                "scheduled_send_date"
            )


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
