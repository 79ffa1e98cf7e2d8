"""From a request to the message that will be sent: its text, checked, and its provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from campaigns.campaign import rules
from campaigns.campaign.model import MessageSpec
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.links import linking, placing
from campaigns.links.placing import NO_WISHES, CampaignLink, Wishes
from campaigns.providers import Providers
from campaigns.template import contents, push, templates
from campaigns.template.content import Content
from campaigns.template.contents import Contents
from campaigns.template.render import NOTHING
from campaigns.template.segments import segments
from campaigns.template.transliteration import transliterated


@dataclass(frozen=True, slots=True)
class Message:
    """The text as it stands now, and the name of the provider that will carry it."""

    #: What is stored and taken apart again by whoever sends it.
    text: str = field(repr=False)
    #: With the variables put in, if it has values for all of them.
    compiled: Contents = field(repr=False)
    provider: str
    #: SMS segments of the text with its variables put in and without any field of a contact: no
    #: message has fewer. 1 on all other channels.
    segments: int
    #: Those in its texts, counted for each recipient.
    links: tuple[CampaignLink, ...] = ()
    wishes: Wishes = NO_WISHES

    @property
    def link_columns(self) -> dict[str, Any]:
        """What a campaign keeps of what was asked for, under the names of its columns."""
        wished = self.wishes
        return {
            "domain_id": None if wished.domain is None else wished.domain.id,
            "opt_out_link_id": None if wished.opt_out is None else wished.opt_out.id,
            "track_link_url": wished.track_url,
            "track_links": wished.everything,
            "track_opens": wished.opens,
        }


#: Which links a text has, with its variables put in.
Place = Callable[[Contents], tuple[CampaignLink, ...]]


def compose(
    conn: Connection,
    team_id: UUID,
    spec: MessageSpec,
    providers: Providers,
    *,
    kept_text: str | None = None,
    is_draft: bool = False,
) -> Message:
    """The message of ``spec``, whose shape was checked.

    ``kept_text`` is the copy of the stored template that the campaign has already. A draft may ask
    for variables that it has no values for: it gets them before it goes, or its clones do.

    Raises:
        NotFound: the template, the domain or the opt-out link is not in this team.
        Invalid: the text is none of its channel's forms, is too long for it or asks for an unknown
            variable, it has a link that cannot be, or no provider fits.
    """
    provider = providers.select(spec.provider, spec.sending_type)
    wished = placing.wishes(conn, team_id, spec)
    text = spec.template or kept_text
    if text is None and spec.template_uuid is not None:
        text = templates.get(conn, team_id, spec.template_uuid).body
    return composed(
        spec,
        text,
        provider.name,
        wished,
        partial(placing.placed, conn, team_id, wished),
        is_draft=is_draft,
    )


def composed(
    spec: MessageSpec,
    text: str | None,
    provider: str,
    wished: Wishes = NO_WISHES,
    place: Place = lambda _: (),
    *,
    is_draft: bool = False,
) -> Message:
    """The message of ``spec`` with this text, checked; raises :class:`Invalid`.

    Pure as long as ``place`` is.
    """
    given = {name: getattr(spec, name) for name in push.FIELDS}
    if spec.sending_type == "webpush":
        text = push.folded(text, given)
    assert text is not None  # rules.check_message
    try:
        compiled = linking.completed(
            contents.compile(spec.sending_type, text), wished.placeholders, spec.sending_type
        )
        known = {**spec.template_vars, **linking.variables(wished.placeholders)}
        if is_draft and (lacking := compiled.variables - known.keys()):
            # Its links are looked for when it has values for all of them.
            known.update({name: f"{{{name}}}" for name in lacking})
            return Message(text, compiled, provider, _segments(spec, compiled, known), (), wished)
        bound = rules.bound(compiled, known)
        links = place(bound)
        bound = linking.linked(bound, placing.provisional(links))
    except Invalid as error:
        raise Invalid(_as_given(error.field, given), None, error.rule) from None
    return Message(text, bound, provider, _segments(spec, bound), links, wished)


def sms_text(content: Content, *, transliterate: bool) -> str:
    """The text of an SMS as it leaves."""
    return transliterated(content.text) if transliterate else content.text


def _segments(spec: MessageSpec, compiled: Contents, variables: Mapping[str, str] = NOTHING) -> int:
    if spec.sending_type != "sms":
        return 1
    content = compiled.render({}, variables)
    fewest = segments(sms_text(content, transliterate=spec.transliterate))
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
