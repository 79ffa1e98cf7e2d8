"""An e-mail and its people, as all vendors of e-mail are asked to send it."""

from __future__ import annotations

from dataclasses import replace

from campaigns.template.content import Mail
from tests.fakes.base import Profile
from worker.adapters.base import Message

SENDER = "Shop <news@shop.example>"
ADDRESSES = tuple(f"mary{n}@example.com" for n in range(1000))
MAIL = Mail(
    "Your order, Mary",
    "Dear Mary, your order has left.",
    "<p>Dear <b>Mary</b>, your order has left.</p>",
    reply_to="help@shop.example",
    unsubscribe_url="https://sluice.example.com/u/17",
)


def saying(profile: Profile, *mails: Mail) -> list[Message]:
    """Messages with these contents."""
    return [
        replace(message, content=mail)
        for message, mail in zip(profile.messages(len(mails)), mails, strict=True)
    ]


def naming(*names: str) -> list[Mail]:
    """An e-mail for each name, with that name in all of its texts."""
    return [
        replace(
            MAIL,
            subject=MAIL.subject.replace("Mary", name),
            text=MAIL.text.replace("Mary", name),
            html=(MAIL.html or "").replace("Mary", name),
            unsubscribe_url=f"https://sluice.example.com/u/{len(name)}",
        )
        for name in names
    ]
