"""The template of a browser's notification.

    {"title": "Sale", "body": "Today only, @first_name", "url": "https://example.com/sale",
     "icon": "https://example.com/icon.png", "image": "https://example.com/boat.jpg",
     "urgency": "high", "topic": "sale"}

A request may give it as this, or as HORISEN's fields ``webpush_title`` and so on beside a text,
which :func:`folded` makes one of. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from campaigns.errors import Invalid
from campaigns.template.content import Push
from campaigns.template.document import Node, is_json, parse
from campaigns.template.forms import PLAIN, WEB, Fixed
from campaigns.template.leaf import Form
from campaigns.template.standard import Composition

FORM = 'write {"title": "..", "body": ".."}, or give webpush_title beside it'

#: HORISEN's fields of a request, and what they are called in a template.
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "webpush_title": "title",
        "webpush_body": "body",
        "webpush_target_url": "url",
        "webpush_icon": "icon",
        "webpush_image": "image",
    }
)

_FORMS: Mapping[str, tuple[str, Form]] = MappingProxyType(
    {
        "title": ("title", PLAIN),
        "body": ("text", PLAIN),
        "url": ("url", WEB),
        "icon": ("icon_url", WEB),
        "image": ("image_url", WEB),
        "urgency": (
            "urgency",
            Fixed(
                re.compile("very-low|low|normal|high").fullmatch,
                "must be very-low, low, normal or high",
            ),
        ),
        # RFC 8030, section 5.4.
        "topic": (
            "topic",
            Fixed(
                re.compile("[A-Za-z0-9_-]{1,32}").fullmatch,
                "must have up to 32 letters, digits, hyphens and underscores",
            ),
        ),
    }
)

#: Bytes that fit into one message (RFC 8291, section 4: records of 4096).
_LARGEST = 3993


def read(found: Node) -> Composition:
    """The texts of the notification, and what they are put together to.

    Raises:
        Invalid: it is no such document.
    """
    entries = found.entries(_FORMS, ("title",))
    leaves = tuple(
        node.leaf(_FORMS[name][1], longest=_LARGEST, required=name == "title")
        for name, node in entries.items()
    )
    names = tuple(_FORMS[name][0] for name in entries)

    def build(texts: Sequence[str]) -> Push:
        content: dict[str, Any] = dict(zip(names, texts, strict=True))
        return Push(**content)

    return leaves, build


def folded(text: str | None, given: Mapping[str, str | None]) -> str:
    """The template that ``text`` and the fields of a request make together, as JSON.

    What is ``given`` takes the place of what a ``text`` that is JSON says; any other text is the
    body where none is given.

    Raises:
        Invalid: there is no title, or ``text`` is JSON that cannot be read.
    """
    found: dict[str, Any] = {}
    if text is not None and is_json(text):
        found = {name: node.value for name, node in parse(text).anything().items()}
    elif text is not None:
        found["body"] = text
    for field, name in FIELDS.items():
        if given.get(field) is not None:
            found[name] = given[field]
    if not found.get("title"):
        raise Invalid("webpush_title", None, "is required for webpush")
    order = {name: place for place, name in enumerate(_FORMS)}
    ordered = sorted(found.items(), key=lambda entry: order.get(entry[0], len(order)))
    return json.dumps(dict(ordered), ensure_ascii=False)


def entries(template: str) -> dict[str, str]:
    """What a stored template says, by name; nothing where an earlier version stored a text."""
    try:
        found = json.loads(template)
    except ValueError:
        found = {}
    return {name: value for name, value in found.items() if value is not None}


def unfolded(template: str) -> dict[str, str | None]:
    """HORISEN's fields of a stored template."""
    found = entries(template)
    return {field: found.get(name) for field, name in FIELDS.items()}
