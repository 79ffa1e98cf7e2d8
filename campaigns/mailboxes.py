"""Whom an e-mail is from, and where answers go: one address, with or without a name.

What is taken here when a campaign is saved is what every adapter can put in a header field when it
is sent. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: Says what is wrong to whoever wrote it; completes "sender: ".
RULE = "must be one e-mail address such as news@example.com, or Shop <news@example.com>"

# RFC 5321, section 4.1.2, without quoted local parts. They may go beyond ASCII (RFC 6531); a domain
# has an ASCII form (RFC 5890), which all servers know.
_ADDRESS = re.compile(
    r"[^\s\x00-\x20\x7f-\x9f<>\"(),:;@\[\\\]]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})"
)

#: More than any has; the patterns below take the square of the time for blanks without end.
_LONGEST = 600

#: A name, quoted or not, and the address behind it.
_NAMED = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|([^"<>]*?)) *<([^<>]*)>')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name that is shown for it."""

    address: str = field(repr=False)
    name: str = field(default="", repr=False)

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]


def address(text: str) -> str:
    """``text``, if it is an address and nothing else.

    Raises:
        ValueError: it is not one.
    """
    if not _ADDRESS.fullmatch(text):
        raise ValueError("is not an e-mail address")
    return text


def mailbox(text: str) -> Mailbox:
    """``news@example.com`` or ``Shop <news@example.com>`` (RFC 5322, section 3.4), on one line.

    Raises:
        ValueError: it is neither, or is more than one.
    """
    match = _NAMED.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return Mailbox(address(text))
    quoted, plain, found = match.groups()
    name = plain if quoted is None else _ESCAPED.sub(r"\1", quoted)
    return Mailbox(address(found), name.strip())


def is_mailbox(text: str) -> bool:
    """Whether ``text`` is what :func:`mailbox` takes."""
    try:
        mailbox(text)
    except ValueError:
        return False
    return True
