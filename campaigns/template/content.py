"""What a message says, once it is rendered for one recipient: one form for each kind of message.

Adapters translate these into their vendors' words. All of them are immutable, hold no template
any more, and keep their texts out of their ``repr``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class Text:
    """A plain text: all that an SMS can be."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A button below a card: opens ``url``, or is a reply where there is none."""

    text: str = field(repr=False)
    url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Card:
    """A description with a picture above it and buttons below it."""

    text: str = field(repr=False)
    media_url: str | None = field(default=None, repr=False)
    suggestions: tuple[Suggestion, ...] = ()
    title: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail: a subject, and the same content as plain text, as HTML, or as both."""

    subject: str = field(repr=False)
    text: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    reply_to: str | None = field(default=None, repr=False)
    #: Where one click ends the subscription (RFC 8058), an https URL.
    unsubscribe_url: str | None = field(default=None, repr=False)


Urgency = Literal["very-low", "low", "normal", "high"]


@dataclass(frozen=True, slots=True)
class Push:
    """A notification of a browser (Notifications API, sections 2.1 and 2.5)."""

    title: str = field(repr=False)
    text: str = field(default="", repr=False)
    icon_url: str | None = field(default=None, repr=False)
    image_url: str | None = field(default=None, repr=False)
    #: What a click opens.
    url: str | None = field(default=None, repr=False)
    #: RFC 8030, section 5.3.
    urgency: Urgency = "normal"
    #: A newer message of the same topic replaces one that waits (RFC 8030, section 5.4).
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class NamedTemplate:
    """A template that is stored, and was approved, at the provider (WhatsApp)."""

    name: str
    language: str
    #: What is put into its body, in the order of its placeholders.
    parameters: tuple[str, ...] = field(default=(), repr=False)
    #: What is put into its header and its buttons, by their names.
    others: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    @property
    def text(self) -> str:
        """The parameters; what else it says is known to the provider alone."""
        return " ".join(self.parameters)


Content = Text | Card | Mail | Push | NamedTemplate
