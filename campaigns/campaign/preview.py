"""How a text will look for one contact, and what it comes to, without sending anything."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import BaseModel, Field, StrictBool

from campaigns.audience.fields import checked_fields
from campaigns.campaign import rules
from campaigns.campaign.field_types import Texts, Variables
from campaigns.campaign.message import sms_text
from campaigns.channels import SendingType
from campaigns.errors import Invalid
from campaigns.template import contents
from campaigns.template.segments import parts
from campaigns.template.text import TemplateText
from campaigns.validation import REQUEST, parse


class PreviewRequest(BaseModel):
    """Whom the text is rendered for, and as what. Fields that are not given are empty text."""

    model_config = REQUEST

    body: TemplateText | None = Field(default=None, repr=False)
    sending_type: SendingType = "sms"
    custom_fields: Texts = Field(default={}, repr=False)
    template_vars: Variables = Field(default={}, repr=False)
    transliterate: StrictBool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """A rendered text; the counts are of a text message and ``None`` on other channels."""

    sending_type: str
    #: All of it; of a text message ``{"text": ..}``.
    content: dict[str, Any] = field(repr=False)
    #: The names that the template asks for.
    fields: list[str]
    variables: list[str]
    encoding: str | None = None
    #: Septets in GSM-7, UTF-16 code units in UCS-2.
    units: int | None = None
    segments: int | None = None


def preview(body: object, stored: str | None = None) -> Preview:
    """Render what ``body``, a :class:`PreviewRequest`, asks for; ``stored`` is the template's text.

    Raises:
        Invalid: a field breaks a rule, the text is none of its channel, or it asks for a variable
            that is not given.
    """
    asked = parse(PreviewRequest, body)
    text = stored if asked.body is None else asked.body
    if text is None:
        raise Invalid("body", None, "is required")
    compiled = contents.compile(asked.sending_type, text)
    bound = rules.bound(compiled, asked.template_vars)
    content = bound.render(checked_fields(asked.custom_fields))
    names = (sorted(compiled.fields), sorted(compiled.variables))
    if asked.sending_type != "sms":
        return Preview(asked.sending_type, asdict(content), *names)
    found = sms_text(content, transliterate=asked.transliterate)
    told = parts(found)
    return Preview("sms", {"text": found}, *names, told.encoding.label, told.units, told.segments)
