"""What several vendors' messages ask of a content: that it is not too long, a title in its text."""

from __future__ import annotations

from campaigns.template.content import Card


def utf16_length(text: str) -> int:
    """UTF-16 code units, which is how messengers count: an emoji is two of them or more."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def at_most(limit: int, text: str, what: str) -> str:
    """``text``, unless it is longer than the vendor takes.

    Raises:
        ValueError: it is; the message names ``what`` and the limit, and nothing of the text.
    """
    if utf16_length(text) > limit:
        raise ValueError(f"{what} is longer than {limit} characters")
    return text


def titled(card: Card) -> str:
    """The text of a card, below its title if it has one."""
    return f"{card.title}\n{card.text}" if card.title else card.text
