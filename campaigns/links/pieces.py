"""Texts that consist of fixed parts and values, with some stretches of them replaced.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape

from campaigns.errors import Invalid
from campaigns.links import urls
from campaigns.template.leaf import Pieces, Slot

#: Stands for a value in a joined text. Not a character (Unicode, section 23.7).
VALUE = "\ufdd0"

#: What somebody who reads HTML may follow, with the quoted value of its ``href``. A ``<`` outside
#: of quotes ends the look at it, or tags that never end would be read over and over.
_ANCHOR = re.compile(r"<a(?:rea)?(?=[\s/])(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.IGNORECASE)
_HREF = re.compile(r"\shref\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)

_IMAGE = '<img src="', '.gif" width="1" height="1" alt="">'

#: From where, up to where, and by what.
Span = tuple[int, int, Slot]


def joined(pieces: Pieces) -> tuple[str, list[Slot]]:
    """The text with :data:`VALUE` for each value, and the values; raises ``Invalid``."""
    values = [piece for piece in pieces if isinstance(piece, Slot)]
    fixed = [piece for piece in pieces if isinstance(piece, str)]
    if any(VALUE in piece for piece in fixed):
        raise Invalid("template", None, "has U+FDD0 in it, which is no character")
    return "".join(piece if isinstance(piece, str) else VALUE for piece in pieces), values


def replaced(pieces: Pieces, spans: Callable[[str], Iterator[Span]]) -> Pieces:
    """``pieces`` with those stretches of the joined text replaced that ``spans`` gives."""
    text, values = joined(pieces)
    result: list[str | Slot] = []
    rest, at = iter(values), 0

    def fixed(until: int) -> None:
        first, *others = text[at:until].split(VALUE)
        result.append(first)
        for other in others:
            result.extend((next(rest), other))

    for start, end, slot in spans(text):
        fixed(start)
        result.append(slot)
        at = end
    fixed(len(text))
    return tuple(piece for piece in result if piece)


def with_pixel(pieces: Pieces, slot: Slot) -> Pieces:
    """``pieces`` of a document with an image of one pixel at the end of what is shown."""
    begin, end = _IMAGE
    for place in reversed(range(len(pieces))):
        text = pieces[place]
        closing = list(_BODY_END.finditer(text)) if isinstance(text, str) else []
        if isinstance(text, str) and closing:
            at = closing[-1].start()
            around = (text[:at] + begin, slot, end + text[at:])
            return (*pieces[:place], *around, *pieces[place + 1 :])
    return (*pieces, begin, slot, end)


def anchors(text: str) -> Iterator[urls.Found]:
    """The web addresses in the ``href`` of anchors, written without the escapes of HTML."""
    for tag in _ANCHOR.finditer(text):
        href = _HREF.search(tag[0])
        if href is None:
            continue
        group = 1 if href[1] is not None else 2
        url = unescape(href[group]).strip()
        if url.lower().startswith(("http://", "https://")):
            start = tag.start()
            yield urls.Found(
                start + href.start(group), start + href.end(group), urls.key(url), VALUE in url
            )
