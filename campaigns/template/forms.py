"""The kinds of texts that a content consists of, apart from HTML: see :mod:`..leaf`.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from campaigns.errors import Invalid
from campaigns.template.leaf import Pieces, Put, Slot, fixed
from campaigns.template.render import Kind, Part

#: Whatever a mail program or a vendor may take for the end of a line, and other control characters.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BLANKS = re.compile(r"\s{2,}")

#: A URL as far as it says where it leads: scheme and host, and the end of the host.
_SITE = re.compile(r"https?://[^/?#\\\s]+[/?#]", re.IGNORECASE)
_NEVER_IN_URLS = re.compile(r"[\x00-\x20\x7f-\x9f\\<>\"\u2028\u2029]")


def as_it_is(value: str) -> str:
    """``value``."""
    return value


def one_line(value: str) -> str:
    """``value`` with a space for each run of line breaks and control characters.

    A header that held one would go on with a header of somebody else's (RFC 5322, section 2.2).
    """
    return _CONTROLS.sub(" ", value)


def spaced(value: str) -> str:
    """``value`` on one line, with a single space wherever there are several."""
    return _BLANKS.sub(" ", one_line(value)).strip()


def percent_encoded(value: str) -> str:
    """``value`` as it may stand anywhere in a URL behind its host (RFC 3986, section 2.1).

    A value that is nothing but ``.`` or ``..`` is left out: it would be a step in the path, even
    encoded (section 6.2.2.3).
    """
    return "" if value in (".", "..") else quote(value, safe="", errors="replace")


@dataclass(frozen=True, slots=True)
class Plain:
    """A text that is shown as it is: values are put in as they are."""

    def puts(self, path: str, parts: Sequence[Part]) -> Sequence[Put]:
        """See :class:`Form`."""
        return [as_it_is] * len(parts)

    def check(self, path: str, pieces: Pieces) -> None:
        """Whatever it is, it is in order."""


@dataclass(frozen=True, slots=True)
class Line:
    """A text of one line: a fixed line break is refused, one in a value becomes a space."""

    put: Put = one_line
    never: re.Pattern[str] = _CONTROLS
    rule: str = "must be one line without control characters"

    def puts(self, path: str, parts: Sequence[Part]) -> Sequence[Put]:
        """See :class:`Form`."""
        return [self.put if part.kind is Kind.FIELD else as_it_is for part in parts]

    def check(self, path: str, pieces: Pieces) -> None:
        """That it is one line."""
        if any(map(self.never.search, fixed(pieces))):
            raise Invalid(path, None, self.rule)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A text that is the same for all recipients and has a form of its own."""

    #: Says whether a text has it.
    has_form: Callable[[str], object]
    rule: str

    def puts(self, path: str, parts: Sequence[Part]) -> Sequence[Put]:
        """See :class:`Form`."""
        return [as_it_is] * len(parts)

    def check(self, path: str, pieces: Pieces) -> None:
        """That there is no field in it, and that it has its form."""
        for piece in pieces:
            if isinstance(piece, Slot):
                raise Invalid(path, None, f"must be the same for all, so not with {piece}")
        if not self.has_form("".join(map(str, pieces))):
            raise Invalid(path, None, self.rule)


@dataclass(frozen=True, slots=True)
class Url:
    """A URL: its scheme and its host are fixed, and values are percent-encoded.

    A variable at its beginning is put in as it is, and has to name scheme and host itself.
    """

    schemes: tuple[str, ...] = ("http", "https")
    #: It becomes a header field, which holds nothing else.
    only_ascii: bool = False

    def puts(self, path: str, parts: Sequence[Part]) -> Sequence[Put]:
        """See :class:`Form`."""
        return [as_it_is if number == 0 else percent_encoded for number in range(len(parts))]

    def check(self, path: str, pieces: Pieces) -> None:
        """That it begins with a scheme and a host, which no field is a part of."""
        rule = f"must begin with {' or '.join(f'{scheme}://' for scheme in self.schemes)}"
        start = pieces[0] if pieces and isinstance(pieces[0], str) else ""
        if not start.lower().startswith(tuple(f"{scheme}://" for scheme in self.schemes)):
            raise Invalid(path, None, rule)
        if any(map(_NEVER_IN_URLS.search, fixed(pieces))):
            raise Invalid(path, None, "must not hold blanks, quotes, backslashes, < or >")
        if self.only_ascii and not all(map(str.isascii, fixed(pieces))):
            raise Invalid(path, None, "must have ASCII characters only; write others as %C3%A4")
        if not has_host(start):
            raise Invalid(path, None, f"{rule} and a host")
        if len(pieces) > 1 and not names_site(start):
            raise Invalid(path, None, f"must not have {pieces[1]} in its host; write a / before it")


@dataclass(frozen=True, slots=True)
class UrlEnd:
    """The end of a URL whose beginning stands elsewhere: values are percent-encoded."""

    def puts(self, path: str, parts: Sequence[Part]) -> Sequence[Put]:
        """See :class:`Form`."""
        return [percent_encoded] * len(parts)

    def check(self, path: str, pieces: Pieces) -> None:
        """That it can be a part of a URL."""
        if any(map(_NEVER_IN_URLS.search, fixed(pieces))):
            raise Invalid(path, None, "must not hold blanks, quotes, backslashes, < or >")


def names_site(start: str) -> bool:
    """Whether a URL that begins with ``start`` leads to one host, whatever follows."""
    return _SITE.match(start) is not None


def has_host(url: str) -> bool:
    """Whether ``url``, or what it begins with, has a host that can be read."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


PLAIN = Plain()
LINE = Line()
WEB = Url()
