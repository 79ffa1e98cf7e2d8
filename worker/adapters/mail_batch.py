"""E-mails that leave in one request: what they must have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from campaigns.mailboxes import Mailbox
from campaigns.template.content import Mail
from worker.adapters.base import Message
from worker.adapters.mail_fields import mailbox, only_mail


@dataclass(frozen=True, slots=True)
class Batch:
    """E-mails of one sender and of one form, each to another address."""

    sender: Mailbox
    #: Where answers go, unless it is to the sender.
    reply_to: Mailbox | None
    mails: Sequence[tuple[Message, Mail]]

    @property
    def first(self) -> Mail:
        """Any of them, for what they have in common."""
        return self.mails[0][1]


def batch(messages: Sequence[Message], most: int) -> Batch:
    """The messages as one batch.

    Raises:
        ValueError: they are none, too many, no e-mails, or do not fit together; those go alone.
    """
    mails = only_mail(messages, most)
    forms = {
        (message.sender, mail.reply_to, bool(mail.text), mail.html is not None)
        for message, mail in mails
    }
    if len(forms) > 1:
        raise ValueError("e-mails of one request have the same sender and the same parts")
    if len({message.address for message, _ in mails}) < len(mails):
        raise ValueError("a request goes to each address once")
    ((sender, reply_to, has_text, has_html),) = forms
    if not has_text and not has_html:
        raise ValueError("an e-mail needs a text or HTML")
    return Batch(mailbox(sender), None if reply_to is None else mailbox(reply_to), mails)
