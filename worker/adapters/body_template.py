"""JSON bodies out of a template that is compiled once.

A template is what a TOML table can hold; its texts may hold placeholders such as ``{address}``,
``{{`` and ``}}`` stand for braces.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple

from worker.adapters.placeholders import Values, names_in, pieces


class _Inside(NamedTuple):
    """A placeholder within a JSON text."""

    name: str


class _Whole(NamedTuple):
    """A placeholder that is a whole JSON value; numbers stay numbers."""

    name: str


_Part = str | _Inside | _Whole


class BodyTemplate:
    """A compiled template.

    A key whose text needs a value in ``optional`` has two forms: where a message lacks the value,
    the key is left out, instead of sending an empty text that a provider would have to interpret;
    so is a table or a list that holds nothing else.

    Raises (on construction):
        ValueError: a placeholder is unknown, braces do not match, or a value is not JSON.
    """

    def __init__(
        self, template: Mapping[str, Any], *, known: frozenset[str], optional: frozenset[str]
    ) -> None:
        self.names = frozenset(_names(template, known))
        self._optional = optional & self.names
        self._full = _joined(_parts(template))
        self._short = _joined(_parts(_without(template, optional)))

    def render(self, values: Values) -> bytes:
        """The body as ASCII bytes, which are valid in every encoding that JSON may have."""
        lacking = any(values[name] is None for name in self._optional)
        parts = self._short if lacking else self._full
        return "".join([_text(part, values) for part in parts]).encode("ascii")


def _text(part: _Part, values: Values) -> str:
    if isinstance(part, str):
        return part
    value = values[part.name]
    if isinstance(part, _Whole) and isinstance(value, int):
        return str(value)
    text = quoted(str(value))
    return text if isinstance(part, _Whole) else text[1:-1]


def _parts(value: Any) -> Iterator[_Part]:
    match value:
        case str():
            yield from _text_parts(value)
        case Mapping():
            yield from _enclosed("{", value.items(), _item_parts, "}")
        case list():
            yield from _enclosed("[", value, _parts, "]")
        case _:
            yield _constant(value)


def _enclosed(
    start: str, items: Any, parts_of: Callable[[Any], Iterator[_Part]], end: str
) -> Iterator[_Part]:
    yield start
    for index, item in enumerate(items):
        if index:
            yield ","
        yield from parts_of(item)
    yield end


def _item_parts(item: tuple[str, Any]) -> Iterator[_Part]:
    key, value = item
    yield quoted(key) + ":"
    yield from _parts(value)


def _text_parts(text: str) -> Iterator[_Part]:
    found = list(pieces(text))
    if len(found) == 1 and found[0][0] == "" and found[0][1] is not None:
        yield _Whole(found[0][1])
        return
    yield '"'
    for literal, name in found:
        yield quoted(literal)[1:-1]
        if name is not None:
            yield _Inside(name)
    yield '"'


def _constant(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError(f"cannot hold a {type(value).__name__}, JSON has no such value") from None


def _joined(parts: Iterator[_Part]) -> tuple[_Part, ...]:
    """Neighbouring fixed texts made one, so that rendering has few parts to walk through."""
    joined: list[_Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, str) and isinstance(last, str):
            joined[-1] = last + part
        else:
            joined.append(part)
    return tuple(joined)


def _names(value: Any, known: frozenset[str]) -> Iterator[str]:
    match value:
        case str():
            yield from names_in(value, known)
        case Mapping():
            for item in value.values():
                yield from _names(item, known)
        case list():
            for item in value:
                yield from _names(item, known)


def _without(value: Any, optional: frozenset[str]) -> Any:
    """``value`` without what needs one of ``optional``, and without what only held such."""
    match value:
        case Mapping():
            kept = ((key, item) for key, item in value.items() if not _needs(item, optional))
            return {key: _without(item, optional) for key, item in kept}
        case list():
            return [_without(item, optional) for item in value if not _needs(item, optional)]
    return value


def _needs(value: Any, optional: frozenset[str]) -> bool:
    """Whether a text needs one of ``optional``, or a table or list holds nothing but such."""
    match value:
        case str():
            return any(name in optional for _, name in pieces(value))
        case Mapping():
            return bool(value) and all(_needs(item, optional) for item in value.values())
        case list():
            return bool(value) and all(_needs(item, optional) for item in value)
    return False
