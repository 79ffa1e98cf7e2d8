"""From a request to the message that will be sent: its text, checked, and its provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from campaigns.campaign import rules
from campaigns.campaign.model import MessageSpec
from campaigns.database import Connection
from campaigns.providers import Providers
from campaigns.template import render, templates
from campaigns.template.render import Template
from campaigns.template.segments import segments


@dataclass(frozen=True, slots=True)
class Message:
    """The text as it stands now, and the name of the provider that will carry it."""

    text: str = field(repr=False)
    compiled: Template = field(repr=False)
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
        Invalid: the text is too long for its channel or asks for an unknown variable, or no
            provider fits.
    """
    provider = providers.select(spec.provider, spec.sending_type)
    text = spec.template or kept_text or _stored_text(conn, team_id, spec.template_uuid)
    compiled = render.compile(text)
    rules.check_text(compiled, spec.sending_type, spec.template_vars)
    return Message(
        text,
        compiled,
        provider.name,
        segments(compiled.render({}, spec.template_vars)) if spec.sending_type == "sms" else 1,
    )


def _stored_text(conn: Connection, team_id: UUID, template_id: UUID | None) -> str:
    assert template_id is not None  # rules.check_message
    return templates.get(conn, team_id, template_id).body
