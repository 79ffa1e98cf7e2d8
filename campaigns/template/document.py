"""Reading a template that is JSON: what is wrong is said with its path, its type and the rule.

Pure. No error says anything of what the template holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from campaigns.errors import Invalid
from campaigns.names import may_be_address
from campaigns.template import leaf
from campaigns.template.forms import PLAIN
from campaigns.template.leaf import Form, Leaf
from campaigns.validation import storable

#: How JSON begins that is meant as such, after the mark of an editor for UTF-8 as well, which would
#: otherwise make of it a text that everybody gets. ``{city} calls`` is a text.
_BEGINS = re.compile(r'[\s\ufeff]*\{\s*"')

_LONGEST_NAME = 40


def is_json(text: str) -> bool:
    """Whether ``text`` is meant as JSON, be it well-formed or not."""
    return _BEGINS.match(text) is not None


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document and where it stands: ``template.messages[0].body``."""

    path: str
    value: Any

    def refuse(self, rule: str) -> Invalid:
        """The error that says what this should have been, and what type it is of."""
        return Invalid(self.path, None, f"is {_type(self.value)} and {rule}")

    def entries(self, known: Iterable[str], required: Iterable[str] = ()) -> dict[str, Node]:
        """The entries of an object, those that are null left out.

        Raises:
            Invalid: it is no object, lacks one of ``required``, or has one that is not ``known``.
        """
        names = tuple(known)
        found = self.anything()
        for name in found:
            if name not in names:
                raise Invalid(self.path, None, f"has {_name(name)}, must have {_either(names)}")
        for name in required:
            if name not in found:
                raise Invalid(f"{self.path}.{name}", None, "is required")
        return found

    def anything(self) -> dict[str, Node]:
        """The entries of an object, whatever they are called, those that are null left out.

        Raises:
            Invalid: it is no object.
        """
        if not isinstance(self.value, Mapping):
            raise self.refuse("must be an object")
        return {
            name: Node(f"{self.path}.{_name(name)}", value)
            for name, value in self.value.items()
            if value is not None
        }

    def items(self, most: int | None = None) -> Iterator[Node]:
        """The entries of a list.

        Raises:
            Invalid: it is no list, or has more than ``most``.
        """
        if not isinstance(self.value, list):
            raise self.refuse("must be a list")
        if most is not None and len(self.value) > most:
            raise Invalid(self.path, None, f"has {len(self.value)} entries, must have up to {most}")
        for number, value in enumerate(self.value):
            yield Node(f"{self.path}[{number}]", value)

    def text(self) -> str:
        """The text it is.

        Raises:
            Invalid: it is none, or not one that can be stored.
        """
        if not isinstance(self.value, str):
            raise self.refuse("must be a text")
        try:
            return storable(self.value)
        except ValueError as error:
            raise Invalid(self.path, None, str(error)) from None

    def leaf(
        self, form: Form = PLAIN, *, longest: int | None = None, required: bool = False
    ) -> Leaf:
        """The text it is, as a template; raises :class:`Invalid`."""
        return leaf.compile(self.path, form, self.text(), longest=longest, required=required)


def parse(text: str) -> Node:
    """The JSON document ``text``.

    Raises:
        Invalid: it is none; says where it goes wrong.
    """
    try:
        return Node("template", json.loads(text.lstrip("\ufeff"), object_pairs_hook=_object))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        fault = error.msg[:1].lower() + error.msg[1:]
        raise Invalid("template", None, f"begins like JSON and is none: {where}: {fault}") from None
    except RecursionError:
        raise Invalid("template", None, "is JSON that is nested too deeply") from None
    except ValueError:
        # A number of thousands of digits.
        raise Invalid("template", None, "is JSON with a value that cannot be read") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid("template", None, f"has {_name(twice)} twice in one object")
    return found


def _type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
    return "an object"


def _name(name: str) -> str:
    """A name that somebody wrote, in a form that can be shown."""
    if may_be_address(name):
        return "(a name)"
    shown = name if name.isidentifier() and name.isascii() else ascii(name)
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 1] + "…"


def _either(names: tuple[str, ...]) -> str:
    *head, last = names
    return f"{', '.join(head)} or {last}" if head else f"only {last}"
