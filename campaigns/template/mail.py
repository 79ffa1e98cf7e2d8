"""The template of an e-mail.

    {"subject": "Your order @order",
     "text": "Hello @first_name, ..",
     "html": "<p>Hello @first_name, ..</p>",
     "reply_to": "Acme Shop <service@example.com>",
     "unsubscribe_url": "https://example.com/out?c=@code"}

``subject`` is required, and ``text`` or ``html`` or both. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from campaigns import mailboxes
from campaigns.errors import Invalid
from campaigns.mailboxes import is_mailbox
from campaigns.template.content import Mail
from campaigns.template.document import Node
from campaigns.template.forms import LINE, PLAIN, Fixed, Url
from campaigns.template.leaf import Form
from campaigns.template.markup import HTML
from campaigns.template.standard import Composition

FORM = 'write {"subject": "..", "text": "..", "html": ".."}'

_FORMS: dict[str, Form] = {
    "subject": LINE,
    "text": PLAIN,
    "html": HTML,
    "reply_to": Fixed(is_mailbox, mailboxes.RULE),
    # RFC 8058, section 3.1.
    "unsubscribe_url": Url(("https",), only_ascii=True),
}


def read(found: Node) -> Composition:
    """The texts of the e-mail, and what they are put together to.

    Raises:
        Invalid: it is no such document.
    """
    if isinstance(found.value, dict) and "messages" in found.value:
        raise Invalid("template", None, f"is a standardized message without a subject; {FORM}")
    entries = found.entries(_FORMS, ("subject",))
    if not entries.keys() & {"text", "html"}:
        raise Invalid("template", None, "has no text and no html; an e-mail needs one of them")
    names = tuple(entries)
    needed = ("subject", "html" if "html" in entries else "text")
    leaves = tuple(
        node.leaf(_FORMS[name], required=name in needed) for name, node in entries.items()
    )

    def build(texts: Sequence[str]) -> Mail:
        return Mail(**dict(zip(names, texts, strict=True)))

    return leaves, build
