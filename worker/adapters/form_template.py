"""Forms (``application/x-www-form-urlencoded``) out of a template that is compiled once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from worker.adapters.placeholders import TextTemplate, Values


class FormTemplate:
    """A compiled template: a field for each key, or one for each item of a list.

    A field that needs a value which a message does not have is left out.

    Raises (on construction):
        ValueError: a placeholder is unknown, braces do not match, or a value is no field.
    """

    def __init__(self, template: Mapping[str, Any], *, known: frozenset[str]) -> None:
        self._fields = tuple(
            (key, TextTemplate(text, known))
            for key, value in template.items()
            for text in _texts(key, value)
        )
        self.names = frozenset(name for _, text in self._fields for name in text.names)

    def render(self, values: Values) -> bytes:
        """The form, in ASCII.

        Raises:
            ValueError: a value is no Unicode text.
        """
        fields = [
            (key, text.render(values)) for key, text in self._fields if not text.lacks(values)
        ]
        return urlencode(fields).encode("ascii")


def _texts(key: str, value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        match item:
            case str():
                yield item
            case bool():
                yield "true" if item else "false"
            case int() | float():
                yield str(item)
            case _:
                raise ValueError(
                    f"{key!r} must be a text, a number, true, false, or a list of them, "
                    "since a form has no others"
                )
