"""Where the links of a campaign stand in its texts, and each recipient's own in their place.

    compiled = linking.completed(contents.compile(channel, text), placeholders, channel)
    bound = compiled.bind({**variables, **linking.variables(placeholders)})
    linked = linking.linked(bound, placed)
    linked.render({**fields, **linked.urls(run_id, seq, sealer)})

What is counted is a URL on one of the team's domains, the placeholders ``{track_link}`` and
``{opt_out_link}``, and of an e-mail, where the campaign asks for it, every ``href`` of its HTML.
Each becomes ``https://DOMAIN/CODE``, which is as long for everybody, so that segments can be
counted before anybody is known.

A link becomes a field of the contact that no contact can have, so that rendering knows nothing of
links, and a campaign without any is rendered as if there were none.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from campaigns.errors import Invalid
from campaigns.links import codes, urls
from campaigns.links.codes import Sealer
from campaigns.links.pieces import VALUE, Span, anchors, joined, replaced, with_pixel
from campaigns.template import contents
from campaigns.template.content import Content, Mail
from campaigns.template.contents import Composed, Contents, Plain
from campaigns.template.forms import as_it_is
from campaigns.template.leaf import Leaf, Pieces, Slot, check_length
from campaigns.template.markup import Html
from campaigns.template.render import NOTHING, Kind, Part, Template
from campaigns.template.text import LONGEST

#: What a link of a campaign stands for, beside URLs.
TRACK, OPT_OUT, OPEN = "{track_link}", "{opt_out_link}", "{open}"

#: Stands in a URL for what is not a code yet. Not a character (Unicode, section 23.7).
_PLACE = "\ufdd1"
_LEFT = (_PLACE, "%EF%B7%91")

_CODE = "0" * codes.LENGTH


class Placed(NamedTuple):
    """A link as the messages of a campaign have it."""

    number: int
    #: :data:`TRACK`, :data:`OPT_OUT`, :data:`OPEN`, or a URL (:func:`campaigns.links.urls.key`).
    source: str
    host: str


class Wanted(NamedTuple):
    """A URL in a text that may be counted."""

    url: str
    #: In HTML, where people follow it; otherwise in a text.
    is_anchor: bool
    #: A field of the contact stands in it, so that it leads elsewhere for everybody.
    is_personal: bool


@dataclass(frozen=True, slots=True)
class Linked:
    """Contents with links in them. It is bound already."""

    contents: Contents
    links: tuple[Placed, ...]
    #: What each link looks like, whoever it is of.
    samples: Mapping[str, str] = field(repr=False)

    @property
    def fields(self) -> frozenset[str]:
        """See :class:`campaigns.template.contents.Contents`; links are no fields."""
        return self.contents.fields - self.samples.keys()

    @property
    def variables(self) -> frozenset[str]:
        """See :class:`campaigns.template.contents.Contents`."""
        return self.contents.variables

    def bind(self, variables: Mapping[str, str]) -> Linked:
        """See :class:`campaigns.template.contents.Contents`."""
        return replace(self, contents=self.contents.bind(variables))

    def render(self, fields: Mapping[str, str], variables: Mapping[str, str] = NOTHING) -> Content:
        """The content for one contact; where ``fields`` has no :meth:`urls`, as long as with them.

        Raises:
            KeyError: a variable of the template is neither bound nor among ``variables``.
        """
        return self.contents.render({**self.samples, **fields}, variables)

    def urls(self, run_id: int, seq: int, sealer: Sealer) -> dict[str, str]:
        """One recipient's links, as fields of a contact.

        Raises:
            ValueError: the run has more recipients than codes have room for.
        """
        return {
            _name(link): f"https://{link.host}/{sealer.seal(run_id, seq, link.number)}"
            for link in self.links
        }


def completed(compiled: Contents, placeholders: Iterable[str], channel: str) -> Contents:
    """``compiled`` with each of the placeholders somewhere: at its end, after a blank, if nowhere.

    The opt-out link of an e-mail is in its header fields anyway.

    Raises:
        Invalid: it is no plain text and lacks one.
    """
    for source in placeholders:
        name = source.strip("{}")
        if source == OPEN or name in compiled.variables:
            continue
        if isinstance(compiled, Plain):
            parts = (*compiled.template.parts, Part(Kind.LITERAL, " "), Part(Kind.VARIABLE, name))
            compiled = Plain(compiled.channel, Template(parts))
        elif not (channel == "email" and source == OPT_OUT):
            raise Invalid("template", None, f"must say with {source} where that link stands")
    return compiled


def variables(placeholders: Mapping[str, str]) -> dict[str, str]:
    """What placeholders are bound to: their hosts make URLs of the length that links have."""
    return {
        source.strip("{}"): _place(source, host)
        for source, host in placeholders.items()
        if source != OPEN
    }


def wanted(bound: Contents) -> list[Wanted]:
    """The URLs that stand in ``bound``, each once, in their order."""
    found: dict[Wanted, None] = {}
    for path, is_html, pieces in _texts(bound):
        text, _ = joined(pieces)
        for span in anchors(text) if is_html else urls.in_text(text, VALUE):
            if _PLACE not in span.url and path != "template.subject":
                found[Wanted(span.url, is_html, span.goes_on)] = None
    return list(found)


def linked(bound: Contents, links: Sequence[Placed]) -> Contents:
    """``bound`` with ``links`` in the places where they belong; without any, itself.

    Raises:
        Invalid: a placeholder stands where no link can, or with its links the text is too long.
    """
    if not links:
        return bound
    slots = {link.source: Slot(Kind.FIELD, _name(link), as_it_is) for link in links}
    places = {
        _place(link.source, link.host): slots[link.source] for link in links if _is_named(link)
    }

    def put(path: str, is_html: bool, pieces: Pieces) -> Pieces:
        found = replaced(pieces, lambda text: _spans(text, is_html, slots, places))
        for piece in found:
            if isinstance(piece, str) and any(left in piece for left in _LEFT):
                raise Invalid(path, None, "has a link within another URL, or in its subject")
        return with_pixel(found, slots[OPEN]) if is_html and OPEN in slots else found

    samples = {_name(link): f"https://{link.host}/{_CODE}" for link in links}
    made = Linked(_rebuilt(bound, put, slots.get(OPT_OUT)), tuple(links), samples)
    _check_lengths(made)
    return made


def prepared(
    channel: str, text: str, values: Mapping[str, str], links: Sequence[Placed]
) -> Contents:
    """A stored text with its variables and its links put in.

    Raises:
        KeyError, Invalid: the text could not be saved like that, and was by an earlier version.
    """
    compiled = contents.compile(channel, text)
    if not links:
        return compiled.bind(values)
    hosts = {link.source: link.host for link in links if _is_named(link)}
    whole = completed(compiled, hosts, channel)
    return linked(whole.bind({**values, **variables(hosts)}), links)


def _rebuilt(
    bound: Contents, put: Callable[[str, bool, Pieces], Pieces], opt_out: Slot | None
) -> Contents:
    if isinstance(bound, Plain):
        pieces = put("template", False, _pieces(bound.template))
        return Plain(bound.channel, Template(tuple(map(_part, pieces))))
    assert isinstance(bound, Composed)
    leaves = tuple(
        replace(leaf, pieces=put(leaf.path, isinstance(leaf.form, Html), leaf.pieces))
        for leaf in bound.leaves
    )
    if opt_out is None or not any(leaf.path == "template.subject" for leaf in leaves):
        return Composed(leaves, bound.build)
    build = bound.build

    def with_header(texts: Sequence[str]) -> Content:
        mail = build(texts[:-1])
        assert isinstance(mail, Mail)
        return mail if mail.unsubscribe_url else replace(mail, unsubscribe_url=texts[-1])

    header = Leaf("template.unsubscribe_url", leaves[0].form, (opt_out,))
    return Composed((*leaves, header), with_header)


def _spans(
    text: str, is_html: bool, slots: Mapping[str, Slot], places: Mapping[str, Slot]
) -> Iterator[Span]:
    """What is replaced in ``text``, in order: from where, up to where, and by what."""
    found = [(match.start(), match.end(), slot) for place, slot in places.items()
             for match in re.finditer(re.escape(place), text)]  # fmt: skip
    found += [
        (span.start, span.end, slots[span.url])
        for span in (anchors(text) if is_html else urls.in_text(text, VALUE))
        if not span.goes_on and span.url in slots
    ]
    return iter(sorted(found, key=lambda each: each[0]))


def _texts(bound: Contents) -> Iterator[tuple[str, bool, Pieces]]:
    """Each text of ``bound``: where it stands, whether it is HTML, and its pieces."""
    if isinstance(bound, Plain):
        yield "template", False, _pieces(bound.template)
    elif isinstance(bound, Composed):
        for leaf in bound.leaves:
            yield leaf.path, isinstance(leaf.form, Html), leaf.pieces


def _pieces(template: Template) -> Pieces:
    return tuple(
        part.text if part.kind is Kind.LITERAL else Slot(part.kind, part.text, as_it_is)
        for part in template.parts
    )


def _part(piece: str | Slot) -> Part:
    if isinstance(piece, str):
        return Part(Kind.LITERAL, piece)
    return Part(piece.kind, piece.name)


def _check_lengths(made: Linked) -> None:
    """That what is bound is not too long for its channel with its links."""
    if isinstance(made.contents, Plain):
        channel = made.contents.channel
        check_length(
            "template", made.contents.template.render(made.samples), LONGEST[channel], channel
        )
    elif isinstance(made.contents, Composed):
        for leaf in made.contents.leaves:
            if leaf.longest is not None:
                check_length(leaf.path, leaf.render(made.samples), leaf.longest)


def _is_named(link: Placed) -> bool:
    return link.source in (TRACK, OPT_OUT)


def _place(source: str, host: str) -> str:
    """A URL as long as the link that will stand there."""
    return f"https://{host}/" + source.strip("{}").rjust(codes.LENGTH, _PLACE)


def _name(link: Placed) -> str:
    """The field that a link is; with a blank, so that no template can ask for it."""
    return f"link {link.number}"
