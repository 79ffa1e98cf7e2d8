"""HTML whose values cannot become markup.

What ``html.escape`` makes of a value is safe between tags and inside of a quoted attribute, and
nowhere else. So it is read where each value stands (in the terms of the HTML standard, section
13.2.5, Tokenization, for what a careful author writes):

=============================================  =====================================================
between tags, in a comment                     escaped
in a quoted attribute                          escaped
in one that holds a URL (``href``, ``src``..)  percent-encoded; scheme and host have to be fixed, or
                                               come from a variable at the beginning
in ``style`` and in event attributes           a variable: escaped; a field: refused
without quotes, in a name, in a tag            refused
in ``<style>``, ``<script>`` and the like      refused
=============================================  =====================================================

What Outlook alone reads (``<!--[if mso]>``) counts as markup.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape, unescape

from campaigns.errors import Invalid
from campaigns.template.forms import names_site, percent_encoded
from campaigns.template.leaf import Pieces, Put, Slot
from campaigns.template.render import Kind, Part

#: Stands for a value while the markup is read. Not a character (Unicode, section 23.7).
_MARK = "\ufdd0"

_TAG = re.compile(
    r"<!--(?!\[if)(?:-?>|.*?(?:--!?>|\Z))"  # A comment, unless it is a conditional one.
    r"|<[!?][^>]*(?:>|\Z)"
    r"|</?(?P<name>[A-Za-z][^\s/>]*)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"""[\s/]*(?P<name>[^\s/>][^\s/>=]*)(?:\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s>"'][^\s>]*))?"""
)
_TAG_END = re.compile(r"[\s/]*>")

#: Elements whose content is not markup.
_RAW = frozenset({"script", "style", "xmp", "iframe", "noembed", "noframes", "plaintext"})
#: Attributes that hold a URL (HTML standard, section "Attributes").
_URLS = frozenset(
    {"href", "src", "action", "formaction", "background", "poster", "cite", "data", "longdesc",
     "srcset", "xlink:href"}
)  # fmt: skip

#: Where a link of an e-mail may lead.
_SCHEMES = re.compile(r"https?://|mailto:|tel:|sms:", re.IGNORECASE)
_NO_SITE = re.compile(r"(?:mailto|tel|sms):", re.IGNORECASE)

_HTML = partial(escape, quote=True)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one value stands: in the attribute that is called so, or between tags."""

    attribute: str | None = None
    #: The attribute up to its first value, and a mark for that one where this is a later one.
    before: str = ""

    @property
    def holds_url(self) -> bool:
        return self.attribute in _URLS

    @property
    def is_code(self) -> bool:
        name = self.attribute or ""
        return name == "style" or name.startswith("on")


@dataclass(frozen=True, slots=True)
class Html:
    """A document or a part of one: see the module."""

    def puts(self, path: str, parts: Sequence[Part]) -> Sequence[Put]:
        """See :class:`campaigns.template.leaf.Form`."""
        values = [part for part in parts if part.kind is not Kind.LITERAL]
        text = "".join(part.text if part.kind is Kind.LITERAL else _MARK for part in parts)
        names = [str(Slot(part.kind, part.text, _HTML)) for part in values]
        places = iter(_places(path, text, names))
        return [
            _HTML if part.kind is Kind.LITERAL else _put(path, part, next(places)) for part in parts
        ]

    def check(self, path: str, pieces: Pieces) -> None:
        """That no field decides where a link leads."""
        slots = [piece for piece in pieces if isinstance(piece, Slot)]
        if not slots:
            return
        text = "".join(piece if isinstance(piece, str) else _MARK for piece in pieces)
        for slot, place in zip(slots, _places(path, text, list(map(str, slots))), strict=True):
            start = unescape(place.before)
            if place.holds_url and not (names_site(start) or _NO_SITE.match(start)):
                raise Invalid(
                    path, None, f"must name scheme and host before {slot} in {place.attribute}"
                )


HTML = Html()


def _put(path: str, part: Part, place: _Place) -> Put:
    if place.is_code and part.kind is Kind.FIELD:
        raise Invalid(path, None, f"must not have @{part.text} in {place.attribute}")
    if not place.holds_url:
        return _HTML
    if part.kind is Kind.VARIABLE and not place.before.strip():
        return partial(_link, path, part.text)
    return percent_encoded


def _link(path: str, name: str, value: str) -> str:
    """A variable that a link begins with."""
    if not _SCHEMES.match(value):
        rule = f"needs {{{name}}} to begin with http://, https://, mailto:, tel: or sms:"
        raise Invalid(path, None, rule)
    return escape(value, quote=True)


def _places(path: str, text: str, names: Sequence[str]) -> list[_Place]:
    """Where each mark in ``text`` stands; they are called ``names`` in a refusal."""
    places: list[_Place] = []
    for place in _marks(text):
        if isinstance(place, str):
            raise Invalid(path, None, _refusal(names[len(places)], place))
        places.append(place)
    return places


def _refusal(name: str, where: str) -> str:
    literal = f"@{name}" if name.startswith("@") else f"{{{name}}}"
    return f"must not have {name} {where} (write {literal} for the text itself)"


def _marks(text: str) -> Iterator[_Place | str]:
    """The marks of ``text`` in their order: a place, or in words where none can be."""
    position = 0
    while tag := _TAG.search(text, position):
        yield from _marked(text[position : tag.start()], _Place())
        position = tag.end()
        if tag["name"] is None:
            # A value without < and > ends no comment and no declaration.
            yield from _marked(tag[0], _Place())
            continue
        yield from _marked(tag["name"], "in the name of a tag")
        position = yield from _attributes(text, position)
        name = tag["name"].lower()
        if name in _RAW and not tag[0].startswith("</"):
            end = re.compile(rf"</{name}[\s/>]", re.IGNORECASE).search(text, position)
            stop = end.start() if end else len(text)
            yield from _marked(text[position:stop], f"in <{name}>")
            position = stop
    yield from _marked(text[position:], _Place())


def _attributes(text: str, position: int) -> Generator[_Place | str, None, int]:
    """The marks in a tag from ``position``; returns where the tag ends."""
    while not (end := _TAG_END.match(text, position)):
        found = _ATTRIBUTE.match(text, position)
        if found is None:
            # The tag never ends, or has a quote that never does.
            yield from _marked(text[position:], "in a tag that does not end")
            return len(text)
        position = found.end()
        yield from _marked(found["name"], "in a tag outside of quotes")
        value = found["value"] or ""
        if value[:1] not in ('"', "'"):
            yield from _marked(value, "in an attribute without quotes")
            continue
        inner = value[1:-1]
        first = inner.find(_MARK)
        for number in range(inner.count(_MARK)):
            yield _Place(found["name"].lower(), inner[: first + (number > 0)])
    return end.end()


def _marked(text: str, place: _Place | str) -> Iterator[_Place | str]:
    for _ in range(text.count(_MARK)):
        yield place
