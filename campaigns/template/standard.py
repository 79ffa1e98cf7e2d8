"""HORISEN's standardized message format: one message for several channels, as a text or as a card.

    {"messages": [
        {"allowedChannels": ["telegram"],
         "body": {"textMessage": {"content": "Hello @first_name"}}},
        {"body": {"cardMessage": {"content": {
            "title": "..",
            "description": "Card message text",
            "media": {"url": "https://example.com/boat.jpg"},
            "suggestions": [{"text": "Visit Us", "openUrl": {"url": "https://example.com"}}]}}}}]}

The first message that allows the channel is meant; one without ``allowedChannels`` allows all.
Other kinds of bodies are not documented and are refused (HORISEN Campaign API, "JSON Examples of
Message Template Field").

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from campaigns.errors import Invalid
from campaigns.template import cards
from campaigns.template.content import Card, Content, Suggestion, Text
from campaigns.template.document import Node
from campaigns.template.forms import WEB
from campaigns.template.leaf import Leaf
from campaigns.template.text import LONGEST

#: The channels that have messages of this form.
CHANNELS = ("telegram", "viber", "whatsapp", "rbm")

#: Of RBM, the strictest of the four: https://developers.google.com/business-communications/
#: rcs-business-messaging/guides/build/messages/suggestions
MOST_SUGGESTIONS = 11
LONGEST_SUGGESTION = 25

Composition = tuple[tuple[Leaf, ...], Callable[[Sequence[str]], Content]]
#: The same, and what refuses a content that the channel has no form for.
Checked = tuple[tuple[Leaf, ...], Callable[[Sequence[str]], Content], Callable[[Any], None] | None]


def read(found: Node, channel: str) -> Checked:
    """The texts of the message for ``channel``, what they are put together to, and its check.

    Raises:
        Invalid: it is not such a document, or has no message for the channel.
    """
    entries = found.entries(("messages",), ("messages",))
    for message in entries["messages"].items():
        parts = message.entries(("allowedChannels", "body"), ("body",))
        allowed = parts.get("allowedChannels")
        if allowed is None or channel in [name.text() for name in allowed.items()]:
            return _body(parts["body"], channel)
    raise Invalid("template.messages", None, f"has no message that allows {channel}")


def _body(body: Node, channel: str) -> Checked:
    kinds = body.entries(("textMessage", "cardMessage"))
    if len(kinds) != 1:
        raise Invalid(body.path, None, "must have either textMessage or cardMessage")
    (kind, message), *_ = kinds.items()
    content = message.entries(("content",), ("content",))["content"]
    if kind == "textMessage":
        leaf = content.leaf(longest=LONGEST[channel], required=True)
        return (leaf,), lambda texts: Text(texts[0]), None
    return *_card(content, channel), partial(cards.check, channel=channel, path=content.path)


def _card(content: Node, channel: str) -> Composition:
    found = content.entries(("description", "title", "media", "suggestions"), ("description",))
    leaves = [found["description"].leaf(longest=LONGEST[channel], required=True)]
    where: dict[str, int] = {}
    if "title" in found:
        where["title"] = len(leaves)
        leaves.append(found["title"].leaf(required=True))
    if "media" in found:
        where["media"] = len(leaves)
        leaves.append(_url(found["media"]))
    buttons: list[tuple[int, int | None]] = []
    for text, url in _suggestions(found.get("suggestions")):
        leaves.append(text)
        if url is not None:
            leaves.append(url)
        buttons.append((len(leaves) - (2 if url else 1), len(leaves) - 1 if url else None))

    def build(texts: Sequence[str]) -> Card:
        def one(place: int | None) -> str | None:
            return None if place is None else texts[place]

        return Card(
            text=texts[0],
            media_url=one(where.get("media")),
            suggestions=tuple(Suggestion(texts[label], one(url)) for label, url in buttons),
            title=one(where.get("title")),
        )

    return tuple(leaves), build


def _suggestions(found: Node | None) -> Iterator[tuple[Leaf, Leaf | None]]:
    """A label each, and what it opens; without that it is a reply."""
    for node in found.items(MOST_SUGGESTIONS) if found else ():
        parts: dict[str, Any] = node.entries(("text", "openUrl"), ("text",))
        label = parts["text"].leaf(longest=LONGEST_SUGGESTION, required=True)
        yield label, _url(parts["openUrl"]) if "openUrl" in parts else None


def _url(node: Node) -> Leaf:
    return node.entries(("url",), ("url",))["url"].leaf(WEB)
