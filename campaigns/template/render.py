"""Templates: a text with ``@field`` from the contact and ``{name}`` from the campaign.

The rules, all of them:

- ``@first_name`` is the contact's field of that name, whatever the case it is written in. The
  sign starts a field only when an ASCII letter or underscore follows and no ASCII letter, digit,
  dot, underscore or hyphen stands before it, so the e-mail addresses in a text stay as they are.
- ``{city}`` is the variable of exactly that name in the campaign's ``template_vars``.
- ``@@`` is a literal ``@``, ``{{city}}`` a literal ``{city}``.
- Every other ``@``, ``{`` and ``}`` stands for itself, which leaves JSON templates intact.
- A field that the contact lacks is empty text; the text around it stays as it is.
- What was put in is never looked at again: a contact named ``{city}`` stays that.

Pure, and imports nothing but the standard library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

#: No values at all.
NOTHING: Mapping[str, str] = MappingProxyType({})

_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_TOKEN = re.compile(
    rf"(?P<at>@@)"
    rf"|(?<![A-Za-z0-9._-])@(?P<field>{_NAME})"
    rf"|\{{(?P<braced>\{{{_NAME}\}})\}}"
    rf"|\{{(?P<variable>{_NAME})\}}"
)


class Kind(Enum):
    """What a part of a template stands for."""

    LITERAL = "literal"
    FIELD = "field"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a template: its text, or the name of what belongs there."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text."""

    parts: tuple[Part, ...]

    @property
    def fields(self) -> frozenset[str]:
        """The contact's fields it asks for, in lower case."""
        return frozenset(part.text for part in self.parts if part.kind is Kind.FIELD)

    @property
    def variables(self) -> frozenset[str]:
        """The campaign's variables it asks for."""
        return frozenset(part.text for part in self.parts if part.kind is Kind.VARIABLE)

    def bind(self, variables: Mapping[str, str]) -> Template:
        """This template with its variables put in: what all messages of a campaign share.

        Raises:
            KeyError: a variable of the template is not among ``variables``.
        """
        return Template(
            _joined(
                Part(Kind.LITERAL, variables[part.text]) if part.kind is Kind.VARIABLE else part
                for part in self.parts
            )
        )

    def render(self, fields: Mapping[str, str], variables: Mapping[str, str] = NOTHING) -> str:
        """The text for one contact; the names in ``fields`` are in lower case.

        Raises:
            KeyError: a variable of the template is neither bound nor among ``variables``.
        """
        return "".join(
            [
                part.text if part.kind is Kind.LITERAL else _value(part, fields, variables)
                for part in self.parts
            ]
        )


def compile(text: str) -> Template:  # noqa: A001 - named after re.compile, used as render.compile
    """Take ``text`` apart. Every text is a template; none is refused."""
    parts: list[Part] = []
    end = 0
    for token in _TOKEN.finditer(text):
        parts += (Part(Kind.LITERAL, text[end : token.start()]), _part(token))
        end = token.end()
    parts.append(Part(Kind.LITERAL, text[end:]))
    return Template(_joined(parts))


def escaped(text: str) -> str:
    """The template that says ``text`` and nothing else."""
    return _TOKEN.sub(_escaped_token, text)


def filled(text: str, variables: Mapping[str, str]) -> str:
    """The template ``text`` with those of its variables put in that there are values for."""

    def put(token: re.Match[str]) -> str:
        value = variables.get(token["variable"] or "")
        return token[0] if value is None else escaped(value)

    return _TOKEN.sub(put, text)


def _escaped_token(token: re.Match[str]) -> str:
    if token["at"]:
        return "@@@@"
    return f"@{token[0]}" if token["field"] else f"{{{token[0]}}}"


def _part(token: re.Match[str]) -> Part:
    if token["field"]:
        return Part(Kind.FIELD, token["field"].lower())
    if token["variable"]:
        return Part(Kind.VARIABLE, token["variable"])
    return Part(Kind.LITERAL, "@" if token["at"] else token["braced"])


def _value(part: Part, fields: Mapping[str, str], variables: Mapping[str, str]) -> str:
    return fields.get(part.text, "") if part.kind is Kind.FIELD else variables[part.text]


def _joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """``parts`` with neighbouring literals made one, and empty ones left out."""
    result: list[Part] = []
    for part in parts:
        if part.kind is Kind.LITERAL and result and result[-1].kind is Kind.LITERAL:
            result[-1] = Part(Kind.LITERAL, result[-1].text + part.text)
        elif part.text:
            result.append(part)
    return tuple(result)
