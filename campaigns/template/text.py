"""How long a template may be, and what it may consist of."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from campaigns.validation import Text

#: Characters of a text message: what Twilio takes before it answers with error 21617, and what
#: Amazon SNS names as the total size limit of one SMS in its Publish action.
LONGEST_SMS = 1600
#: Characters of the texts of all other channels.
LONGEST_TEXT = 100_000


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


#: A template in a request. A channel's own limit is checked when a campaign is saved.
TemplateText = Annotated[Text, Field(max_length=LONGEST_TEXT), AfterValidator(_not_blank)]
