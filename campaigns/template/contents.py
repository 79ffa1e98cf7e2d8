"""What a campaign says, for its channel: a template compiled into one content per contact.

    compiled = contents.compile("email", text)   # refuses what is no template of the channel
    bound = compiled.bind(variables)             # once per run; refuses what became of it
    bound.render(contact_fields)                 # a Text, Card, Mail, Push or NamedTemplate

========================  ==========================================================================
sms                       a text
telegram, viber, rbm      a text, or HORISEN's standardized message (:mod:`.standard`)
whatsapp                  these, or ``{"template": ..}`` (:mod:`.named`)
email                     ``{"subject", "text", "html", ..}`` (:mod:`.mail`)
webpush                   ``{"title", "body", "url", ..}`` (:mod:`.push`)
========================  ==========================================================================

An object is taken apart before anything is put into it, and what is put in is never looked at
again: whatever a contact's field holds, it stays a part of the one text that asked for it.

Pure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from campaigns.errors import Invalid
from campaigns.template import document, mail, named, push, render, standard
from campaigns.template.content import Content, Text
from campaigns.template.leaf import Leaf, check_length
from campaigns.template.render import NOTHING, Template
from campaigns.template.text import LONGEST


class Contents(Protocol):
    """A compiled template of a channel."""

    @property
    def fields(self) -> frozenset[str]:
        """The contact's fields it asks for, in lower case."""
        ...

    @property
    def variables(self) -> frozenset[str]:
        """The campaign's variables it asks for."""
        ...

    def bind(self, variables: Mapping[str, str]) -> Contents:
        """This template with its variables put in: what all messages of a campaign share.

        Raises:
            KeyError: a variable of the template is not among ``variables``.
            Invalid: with them put in, one of its texts is not what it has to be, or is too long
                for the channel already.
        """
        ...

    def render(self, fields: Mapping[str, str], variables: Mapping[str, str] = NOTHING) -> Content:
        """The content for one contact; the names in ``fields`` are in lower case.

        Raises:
            KeyError: a variable of the template is neither bound nor among ``variables``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """A text and nothing else."""

    channel: str
    template: Template = field(repr=False)

    @property
    def fields(self) -> frozenset[str]:
        """See :class:`Contents`."""
        return self.template.fields

    @property
    def variables(self) -> frozenset[str]:
        """See :class:`Contents`."""
        return self.template.variables

    def bind(self, variables: Mapping[str, str]) -> Plain:
        """See :class:`Contents`."""
        bound = self.template.bind(variables)
        check_length("template", bound.render({}), LONGEST[self.channel], self.channel)
        return Plain(self.channel, bound)

    def render(self, fields: Mapping[str, str], variables: Mapping[str, str] = NOTHING) -> Text:
        """See :class:`Contents`."""
        return Text(self.template.render(fields, variables))


@dataclass(frozen=True, slots=True)
class Composed:
    """Several texts, and what they are put together to."""

    leaves: tuple[Leaf, ...]
    #: Makes a content of the rendered ``leaves``, in their order.
    build: Callable[[Sequence[str]], Content]
    #: Refuses what the channel has no form for, of the content without any field of a contact.
    check: Callable[[Content], None] | None = None

    @property
    def fields(self) -> frozenset[str]:
        """See :class:`Contents`."""
        return frozenset().union(*(leaf.fields for leaf in self.leaves))

    @property
    def variables(self) -> frozenset[str]:
        """See :class:`Contents`."""
        return frozenset().union(*(leaf.variables for leaf in self.leaves))

    def bind(self, variables: Mapping[str, str]) -> Composed:
        """See :class:`Contents`."""
        bound = Composed(tuple(leaf.bind(variables) for leaf in self.leaves), self.build)
        if self.check is not None:
            self.check(bound.render({}))
        return bound

    def render(self, fields: Mapping[str, str], variables: Mapping[str, str] = NOTHING) -> Content:
        """See :class:`Contents`."""
        return self.build([leaf.render(fields, variables) for leaf in self.leaves])


def compile(channel: str, text: str) -> Contents:  # noqa: A001 - named after re.compile
    """Take a template of ``channel`` apart.

    Raises:
        Invalid: it is none of the channel's forms; says where it stands in it, and what is wrong.
    """
    is_json = document.is_json(text)
    if channel == "sms" and is_json:
        _check_is_no_document(text)
    if channel == "sms" or (channel in standard.CHANNELS and not is_json):
        return Plain(channel, render.compile(text))
    if not is_json:
        forms = {"email": mail.FORM, "webpush": push.FORM}
        lacking = {"email": "subject", "webpush": "title"}[channel]
        raise Invalid("template", None, f"is a text without a {lacking}; {forms[channel]}")
    found = document.parse(text)
    match channel:
        case "email":
            return Composed(*mail.read(found))
        case "webpush":
            return Composed(*push.read(found))
        case "whatsapp" if named.is_one(found):
            return Composed(*named.read(found))
    return Composed(*standard.read(found, channel))


def filled(text: str, variables: Mapping[str, str]) -> str:
    """A stored template with those of its variables put in that there are values for."""
    if not variables:
        return text
    try:
        found = json.loads(text) if document.is_json(text) else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return render.filled(text, variables)
    return json.dumps(_filled_in(found, variables), ensure_ascii=False)


def _filled_in(value: object, variables: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return render.filled(value, variables)
    if isinstance(value, list):
        return [_filled_in(one, variables) for one in value]
    if isinstance(value, dict):
        return {name: _filled_in(one, variables) for name, one in value.items()}
    return value


#: What the documents of the other channels have.
_MARKS = frozenset({"messages", "subject", "template", "title"})


def _check_is_no_document(text: str) -> None:
    """That nobody gets the template of another channel as a text message."""
    try:
        found = document.parse(text).anything()
    except Invalid:
        return
    if not _MARKS.isdisjoint(found):
        raise Invalid("template", None, "is JSON for another channel; an SMS is a text")
