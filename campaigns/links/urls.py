"""Host names, targets, and the URLs in a text.

Pure.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

LONGEST_TARGET = 2000

#: RFC 1035, section 2.3.4, and RFC 1123, section 2.1.
_LONGEST_HOST = 253
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

#: One step or several of plain characters: what is typed by hand and survives every program.
_PATH = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")
LONGEST_PATH = 100

#: Where the HTTP door has something else.
_TAKEN = frozenset(
    {"api", "campaign", "console", "docs", "docs-files", "healthz", "inbound", "news", "oauth2",
     "reports", "webhooks"}
)  # fmt: skip

#: As long as a code, and so perhaps one: such a path would hide who followed it.
_LIKE_A_CODE = re.compile(r"[A-Za-z0-9_-]{20}")

_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f\\<>\"\u2028\u2029]")

#: As far as those who make links of texts read; what ends a sentence is not a part of it.
_URL = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_ENDS = ".,;:!?)]}*"


class Found(NamedTuple):
    """A URL in a text, and where it stands."""

    start: int
    end: int
    url: str
    #: Whether the text goes on where it ends: what stands there decides where it leads.
    goes_on: bool


def host_name(text: str) -> str:
    """A host name as it is compared: in lower case, without a dot at its end.

    Raises:
        ValueError: it is none that a link can be made on; the message is the rule.
    """
    name = text.strip().lower().removesuffix(".")
    labels = name.split(".")
    if not name.isascii():
        raise ValueError("must be in ASCII; write the form that begins with xn-- (RFC 5890)")
    if len(name) > _LONGEST_HOST or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("must be a host name such as 'go.example.com'")
    if labels[-1].isdigit() or _is_address(name):
        raise ValueError("must be a name, not an address")
    return name


def link_path(text: str) -> str:
    """The path of a link, without the slash before it.

    Raises:
        ValueError: it is none; the message is the rule.
    """
    path = text.strip().removeprefix("/")
    if len(path) > LONGEST_PATH or not _PATH.fullmatch(path):
        raise ValueError(
            f"must have up to {LONGEST_PATH} ASCII letters, digits, hyphens and underscores, "
            "in steps that are parted by /"
        )
    if path.partition("/")[0].lower() in _TAKEN:
        raise ValueError("must not begin with a step that the HTTP door uses itself")
    if _LIKE_A_CODE.fullmatch(path):
        raise ValueError("must not have exactly 20 characters, as the codes in messages have")
    return path


def target(text: str) -> str:
    """Where a link may lead: an http or https URL without credentials.

    Raises:
        ValueError: it is none; the message is the rule, and does not repeat the URL.
    """
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        named = parts.username is not None or parts.password is not None
    except ValueError:
        valid = named = False
    if not valid or len(text) > LONGEST_TARGET or _CONTROLS.search(text) or not text.isascii():
        raise ValueError(
            f"must be an http or https URL of up to {LONGEST_TARGET} visible ASCII characters"
        )
    if named:
        raise ValueError("must not hold a user name or a password")
    return text


def in_text(text: str, mark: str) -> Iterator[Found]:
    """The URLs in ``text``; ``mark`` stands in it for what is not known yet."""
    for match in _URL.finditer(text):
        known, _, rest = match[0].partition(mark)
        url = known if rest or known != match[0] else known.rstrip(_ENDS)
        yield Found(match.start(), match.start() + len(url), key(url), known != match[0])


def key(url: str) -> str:
    """The URL with scheme and host in lower case, which are the same in any (RFC 3986, 6.2.2.1)."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash}{path}"


def host_of(url: str) -> str:
    """The host of a :func:`key`, without a port; empty where there is none."""
    return re.split(r"[/?#:]", url.partition("://")[2], maxsplit=1)[0]


def path_of(url: str) -> str:
    """What follows the slash behind the host of a :func:`key`."""
    return url.partition("://")[2].partition("/")[2]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
