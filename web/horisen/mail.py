"""E-mails by HORISEN's standardized message, which has no subject: the campaign's name is it.

A text message is the e-mail's text. Of a card the title, where it has one, is the subject; its
description is the text, and below it stand the addresses of its picture and of what its suggestions
open. Pure.
"""

from __future__ import annotations

import json
from typing import Any

from campaigns.template import document, render
from campaigns.template.document import Node


def from_standardized(template: str, name: str) -> str:
    """The template of an e-mail, of what somebody sent as one.

    Raises:
        Invalid: it is a standardized message, and none of the kinds that are documented.
    """
    if not document.is_json(template):
        return _mail(name, template)
    found = document.parse(template)
    if not isinstance(found.value, dict) or "messages" not in found.value:
        return template
    for message in found.entries(("messages",))["messages"].items():
        parts = message.entries(("allowedChannels", "body"), ("body",))
        allowed = parts.get("allowedChannels")
        if allowed is None or "email" in [channel.text() for channel in allowed.items()]:
            return _of_body(parts["body"], name)
    raise Node("template.messages", found.value["messages"]).refuse(
        "must have a message that allows email"
    )


def _of_body(body: Node, name: str) -> str:
    kinds = body.entries(("textMessage", "cardMessage"))
    if len(kinds) != 1:
        raise body.refuse("must have either textMessage or cardMessage")
    (kind, message), *_ = kinds.items()
    content = message.entries(("content",), ("content",))["content"]
    if kind == "textMessage":
        return _mail(name, content.text())
    card = content.entries(("title", "description", "media", "suggestions"), ("description",))
    lines = [card["description"].text()]
    if "media" in card:
        lines.append(_url(card["media"]))
    for suggestion in card["suggestions"].items() if "suggestions" in card else ():
        entries = suggestion.entries(("text", "openUrl"), ("text",))
        opens = f": {_url(entries['openUrl'])}" if "openUrl" in entries else ""
        lines.append(entries["text"].text() + opens)
    if "title" in card:
        return _document(card["title"].text(), "\n\n".join(lines))
    return _mail(name, "\n\n".join(lines))


def _url(node: Node) -> str:
    return node.entries(("url",), ("url",))["url"].text()


def _mail(name: str, text: str) -> str:
    # A name is no template: what it says of fields and variables stands for itself.
    return _document(render.escaped(name), text)


def _document(subject: str, text: str) -> str:
    content: dict[str, Any] = {"subject": subject, "text": text}
    return json.dumps(content, ensure_ascii=False)
