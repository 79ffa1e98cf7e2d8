"""Texts with placeholders such as ``{address}``; ``{{`` and ``}}`` stand for braces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from string import Formatter

#: The values for the placeholders. ``None``: this message has no such value.
Values = Mapping[str, str | int | None]


class TextTemplate:
    """A compiled text.

    Raises (on construction):
        ValueError: a placeholder is unknown, or braces do not match.
    """

    def __init__(self, text: str, known: frozenset[str]) -> None:
        self.names = frozenset(names_in(text, known))
        self._pieces = tuple(pieces(text))

    def render(self, values: Values, escape: Callable[[str], str] = str) -> str:
        """The text with each value in its place, as ``escape`` writes it."""
        return "".join(
            literal if name is None else literal + escape(str(values[name]))
            for literal, name in self._pieces
        )

    def lacks(self, values: Values) -> bool:
        """Whether it needs a value that there is not."""
        return any(values[name] is None for name in self.names)


def pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """Each fixed text and the placeholder that follows it, if one does."""
    for literal, name, _, _ in Formatter().parse(text):
        yield literal, name


def names_in(text: str, known: frozenset[str]) -> Iterator[str]:
    """The placeholders of ``text``.

    Raises:
        ValueError: one is not in ``known``, or braces do not match.
    """
    try:
        fields = [(name, spec, how) for _, name, spec, how in Formatter().parse(text)]
    except ValueError as error:
        raise ValueError(f"braces do not match ({error}); write {{{{ for a brace") from None
    for name, spec, how in fields:
        if name is None:
            continue
        if name not in known or spec or how:
            listed = ", ".join(f"{{{each}}}" for each in sorted(known))
            raise ValueError(f"{{{name}}} is not a placeholder; there are {listed}")
        yield name
