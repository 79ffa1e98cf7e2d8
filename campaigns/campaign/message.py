"""From a request to the message that will be sent: its text, checked, and its provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from campaigns.campaign import rules
from campaigns.campaign.model import MessageSpec
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.providers import Providers
from campaigns.template import contents, push, templates
from campaigns.template.content import Content
from campaigns.template.contents import Contents
from campaigns.template.segments import segments
from campaigns.template.transliteration import transliterated


@dataclass(frozen=True, slots=True)
class Message:
    """The text as it stands now, and the name of the provider that will carry it."""

    #: What is stored and taken apart again by whoever sends it.
    text: str = field(repr=False)
    #: With the variables put in.
    compiled: Contents = field(repr=False)
    provider: str
    #: SMS segments of the text with its variables put in and without any field of a contact: no
    #: message has fewer. 1 on all other channels.
    segments: int


def compose(
    conn: Connection,
    team_id: UUID,
    spec: MessageSpec,
    providers: Providers,
    *,
    kept_text: str | None = None,
) -> Message:
    """The message of ``spec``, whose shape was checked.

    ``kept_text`` is the copy of the stored template that the campaign has already.

    Raises:
        NotFound: the template is not in this team.
        Invalid: the text is none of its channel's forms, is too long for it or asks for an unknown
            variable, or no provider fits.
    """
    provider = providers.select(spec.provider, spec.sending_type)
    text = spec.template or kept_text
    if text is None and spec.template_uuid is not None:
        text = templates.get(conn, team_id, spec.template_uuid).body
    return composed(spec, text, provider.name)


def composed(spec: MessageSpec, text: str | None, provider: str) -> Message:
    """The message of ``spec`` with this text, checked. Pure; raises :class:`Invalid`."""
    given = {name: getattr(spec, name) for name in push.FIELDS}
    if spec.sending_type == "webpush":
        text = push.folded(text, given)
    assert text is not None  # rules.check_message
    try:
        compiled = contents.compile(spec.sending_type, text)
        bound = rules.bound(compiled, spec.template_vars)
    except Invalid as error:
        raise Invalid(_as_given(error.field, given), None, error.rule) from None
    return Message(text, bound, provider, _segments(spec, bound))


def sms_text(content: Content, *, transliterate: bool) -> str:
    """The text of an SMS as it leaves."""
    return transliterated(content.text) if transliterate else content.text


def _segments(spec: MessageSpec, bound: Contents) -> int:
    if spec.sending_type != "sms":
        return 1
    fewest = segments(sms_text(bound.render({}), transliterate=spec.transliterate))
    if spec.max_parts is not None and fewest > spec.max_parts:
        rule = f"has {fewest} parts at least, and max_parts allows {spec.max_parts}"
        raise Invalid("template", None, rule)
    return fewest


def _as_given(path: str, given: Mapping[str, str | None]) -> str:
    """The field of the request that became the entry ``path`` of a notification."""
    for name, entry in push.FIELDS.items():
        if path == f"template.{entry}" and given[name] is not None:
            return name
    return path
