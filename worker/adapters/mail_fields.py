"""What all e-mail adapters need of a message: texts of one line, mailboxes, how to unsubscribe."""

from __future__ import annotations

import re
from collections.abc import Sequence

from campaigns import mailboxes
from campaigns.mailboxes import Mailbox, address
from campaigns.template.content import Mail
from worker.adapters.base import Message

#: What may end a line or be taken for its end, and all else that controls: C0, DEL, C1, and the
#: separators of Unicode.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_URL = re.compile(r"https?://[!-;=?-~]+")

#: So that its field is not longer than a line may be (RFC 5322, section 2.1.1), as it cannot be
#: folded.
_LONGEST_URL = 998 - len("List-Unsubscribe: <>")

#: One-click: RFC 8058, section 3.1.
ONE_CLICK = "List-Unsubscribe=One-Click"


def one_line(text: str) -> str:
    """``text`` without anything that could end a header field, and without lone surrogates."""
    return _CONTROLS.sub(" ", text.encode("utf-8", "replace").decode()).strip()


def mailbox(text: str) -> Mailbox:
    """See :func:`campaigns.mailboxes.mailbox`; whatever could end a line is a space.

    Raises:
        ValueError: it is none, or is more than one.
    """
    return mailboxes.mailbox(one_line(text))


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
    if len(url) > _LONGEST_URL:
        raise ValueError(f"unsubscribe_url must have at most {_LONGEST_URL} characters")
    fields = {"List-Unsubscribe": f"<{url}>"}
    if url.startswith("https:"):
        fields["List-Unsubscribe-Post"] = ONE_CLICK
    return fields
