"""What all e-mail adapters need of a message: texts of one line, mailboxes, how to unsubscribe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from campaigns.template.content import Mail
from worker.adapters.base import Message

#: What may end a line or be taken for its end, and all else that controls: C0, DEL, C1, and the
#: separators of Unicode.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_ADDRESS = re.compile(
    r"[^\s\x00-\x20\x7f<>\"(),:;@\[\\\]]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})"
)
_URL = re.compile(r"https?://[!-;=?-~]+")

#: A name, quoted or not, and the address behind it.
_NAMED = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|([^"<>]*?)) *<([^<>]*)>')
_ESCAPED = re.compile(r"\\(.)")

#: One-click: RFC 8058, section 3.1.
ONE_CLICK = "List-Unsubscribe=One-Click"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name that is shown for it."""

    address: str = field(repr=False)
    name: str = field(default="", repr=False)

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]


def one_line(text: str) -> str:
    """``text`` without anything that could end a header field, and without lone surrogates."""
    return _CONTROLS.sub(" ", text.encode("utf-8", "replace").decode()).strip()


def address(text: str) -> str:
    """``text``, if it is an address and nothing else (RFC 5321, section 4.1.2, unquoted).

    Raises:
        ValueError: it is not one.
    """
    if not _ADDRESS.fullmatch(text):
        raise ValueError("is not an e-mail address")
    return text


def mailbox(text: str) -> Mailbox:
    """``news@example.com`` or ``Shop <news@example.com>`` (RFC 5322, section 3.4).

    Raises:
        ValueError: it is neither, or is more than one.
    """
    match = _NAMED.fullmatch(one_line(text))
    if match is None:
        return Mailbox(address(one_line(text)))
    quoted, plain, found = match.groups()
    name = plain if quoted is None else _ESCAPED.sub(r"\1", quoted)
    return Mailbox(address(found), name.strip())


def only_mail(messages: Sequence[Message], most: int) -> list[tuple[Message, Mail]]:
    """The messages with their contents.

    Raises:
        ValueError: there are none or more than ``most``, one is not an e-mail, or its address none.
    """
    if not 0 < len(messages) <= most:
        raise ValueError(f"a request holds 1 to {most} messages")
    found: list[tuple[Message, Mail]] = []
    for message in messages:
        if not isinstance(message.content, Mail):
            raise ValueError("only an e-mail can be sent through this adapter")  # noqa: TRY004
        address(message.address)
        found.append((message, message.content))
    return found


def unsubscribing(mail: Mail) -> dict[str, str]:
    """The fields by which a reader unsubscribes; by one click, where the URL is https (RFC 8058).

    Raises:
        ValueError: the URL is none.
    """
    url = mail.unsubscribe_url
    if url is None:
        return {}
    if not _URL.fullmatch(url):
        raise ValueError("unsubscribe_url must be an absolute URL of visible ASCII characters")
    fields = {"List-Unsubscribe": f"<{url}>"}
    if url.startswith("https:"):
        fields["List-Unsubscribe-Post"] = ONE_CLICK
    return fields
