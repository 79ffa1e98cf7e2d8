"""How long a template may be, and what it may consist of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from campaigns.validation import Text

#: Characters of a template of any channel.
LONGEST_TEXT = 100_000

#: Characters of one text, in UTF-16 units.
LONGEST: Mapping[str, int] = MappingProxyType(
    {
        # What Twilio takes before it answers with error 21617, and what Amazon SNS names as the
        # total size limit of one SMS in its Publish action.
        "sms": 1600,
        # https://core.telegram.org/bots/api#sendmessage
        "telegram": 4096,
        # https://developers.viber.com/docs/api/rest-bot-api/#text-message
        "viber": 7000,
        # https://developers.facebook.com/docs/whatsapp/cloud-api/messages/text-messages
        "whatsapp": 4096,
        # https://developers.google.com/business-communications/rcs-business-messaging/reference/
        # rest/v1/phones.agentMessages#AgentContentMessage
        "rbm": 3072,
    }
)


def _written(value: object) -> object:
    """An object as the text that it would be in a field of text."""
    if not isinstance(value, Mapping):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("must be a text, or an object that JSON can hold") from None


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


#: A template in a request: a text, or the object that it would be the JSON of. A channel's own form
#: and limit are checked when a campaign is saved.
TemplateText = Annotated[
    Text,
    BeforeValidator(_written),
    Field(max_length=LONGEST_TEXT),
    AfterValidator(_not_blank),
]
