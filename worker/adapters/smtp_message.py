"""One e-mail as it is handed in: header fields and parts (RFC 5322, RFC 2045 to 2047, RFC 6532)."""

from __future__ import annotations

from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime

from campaigns.mailboxes import Mailbox
from campaigns.template.content import Mail
from worker.adapters.base import Message
from worker.adapters.header_text import mailbox_field, unstructured
from worker.adapters.mail_fields import mailbox, one_line, unsubscribing

#: Nothing but ASCII between DATA and the dot: no server has to convert it, which would break its
#: signature (RFC 6376, section 5.3).
_ASCII = policy.SMTP.clone(cte_type="7bit")


def message_id(message: Message, sender: Mailbox) -> str:
    """The same at every attempt, so that who gets a message twice can tell."""
    return f"{message.reference}@{sender.domain}"


def needs_utf8(message: Message, mail: Mail, sender: Mailbox) -> bool:
    """Whether there is an address that only RFC 6532 can write."""
    answers = "" if mail.reply_to is None else mailbox(mail.reply_to).address
    return not f"{message.address}{answers}{sender.address}".isascii()


def compose(message: Message, mail: Mail, sender: Mailbox, now: datetime) -> bytes:
    """The whole message, with CRLF at the end of each line.

    Raises:
        ValueError: an address or the URL for unsubscribing is none, or it says nothing.
    """
    fields = [
        mailbox_field("From", sender),
        mailbox_field("To", Mailbox(message.address)),
        unstructured("Subject", one_line(mail.subject)),
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{message_id(message, sender)}>",
        *(f"{name}: {value}" for name, value in unsubscribing(mail).items()),
    ]
    if mail.reply_to is not None:
        fields.append(mailbox_field("Reply-To", mailbox(mail.reply_to)))
    parts = EmailMessage(_ASCII)
    _fill(parts, mail, message.reference)
    return "".join(f"{field}\r\n" for field in fields).encode() + parts.as_bytes()


def _fill(found: EmailMessage, mail: Mail, reference: str) -> None:
    """Plain text before HTML, since of two alternatives the last is the best (RFC 2046, 5.1.4)."""
    if mail.html is None:
        if not mail.text:
            raise ValueError("an e-mail needs a text or HTML")
        found.set_content(mail.text)
    elif not mail.text:
        found.set_content(mail.html, subtype="html")
    else:
        found.set_content(mail.text)
        # Signed by us, so nobody can write a line that ends a part before its time.
        found.make_alternative(boundary=f"=_{reference}")
        found.add_alternative(mail.html, subtype="html")
