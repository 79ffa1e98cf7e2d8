"""One text of a content, such as a title or a URL, and how values are put into it.

Every text of a content is a template of :mod:`campaigns.template.render`. What a contact's field
holds was written by anybody, so each kind of text (:class:`Form`) has its own way to put a value in
that leaves the text what it is: one line stays one line, a URL leads to the same host, HTML keeps
its elements.

Pure. No error says anything of a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from campaigns.errors import Invalid
from campaigns.template import render
from campaigns.template.render import Kind, Part

#: How one value is written at one place.
Put = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a value."""

    kind: Kind
    name: str
    put: Put = field(compare=False)

    def __str__(self) -> str:
        """As it is written in a template."""
        return f"@{self.name}" if self.kind is Kind.FIELD else f"{{{self.name}}}"


#: Fixed texts and places for values, in their order.
Pieces = tuple[str | Slot, ...]


class Form(Protocol):
    """What a text is for, which decides how values are put into it."""

    def puts(self, path: str, parts: Sequence[Part]) -> Sequence[Put]:
        """How to write each part; what is said of fixed texts is not looked at.

        Raises:
            Invalid: there is a value where none can be put.
        """
        ...

    def check(self, path: str, pieces: Pieces) -> None:
        """That a text whose variables are put in is in order, whatever its fields will be.

        Raises:
            Invalid: it is not.
        """
        ...


@dataclass(frozen=True, slots=True)
class Leaf:
    """A compiled text of a content."""

    #: Where it stands: ``template.subject``.
    path: str
    form: Form
    pieces: Pieces = field(repr=False)
    #: How many characters it may have, as UTF-16 counts them; ``None``: any number.
    longest: int | None = None
    #: Whether it may be empty before the fields of a contact are put in.
    required: bool = False

    @property
    def fields(self) -> frozenset[str]:
        """The contact's fields it asks for, in lower case."""
        return frozenset(slot.name for slot in self._slots if slot.kind is Kind.FIELD)

    @property
    def variables(self) -> frozenset[str]:
        """The campaign's variables it asks for."""
        return frozenset(slot.name for slot in self._slots if slot.kind is Kind.VARIABLE)

    @property
    def _slots(self) -> Iterable[Slot]:
        return (piece for piece in self.pieces if isinstance(piece, Slot))

    def bind(self, variables: Mapping[str, str]) -> Leaf:
        """This text with its variables put in, checked.

        Raises:
            KeyError: a variable is not among ``variables``.
            Invalid: with them put in, the text is not what it should be.
        """
        pieces = _joined(
            piece.put(variables[piece.name])
            if isinstance(piece, Slot) and piece.kind is Kind.VARIABLE
            else piece
            for piece in self.pieces
        )
        self.form.check(self.path, pieces)
        if self.required and not any(isinstance(one, Slot) or one.strip() for one in pieces):
            raise Invalid(self.path, None, "must not be blank")
        if self.longest is not None:
            check_length(self.path, "".join(fixed(pieces)), self.longest)
        return Leaf(self.path, self.form, pieces, self.longest, self.required)

    def render(
        self, fields: Mapping[str, str], variables: Mapping[str, str] = render.NOTHING
    ) -> str:
        """The text for one contact; the names in ``fields`` are in lower case.

        Raises:
            KeyError: a variable is neither bound nor among ``variables``.
        """
        return "".join(
            [
                piece if isinstance(piece, str) else piece.put(_value(piece, fields, variables))
                for piece in self.pieces
            ]
        )


def compile(  # noqa: A001 - named after re.compile, used as leaf.compile
    path: str, form: Form, text: str, *, longest: int | None = None, required: bool = False
) -> Leaf:
    """Take ``text`` apart.

    Raises:
        Invalid: it asks for a value where none can be put.
    """
    parts = render.compile(text).parts
    puts = form.puts(path, parts)
    pieces = tuple(
        part.text if part.kind is Kind.LITERAL else Slot(part.kind, part.text, put)
        for part, put in zip(parts, puts, strict=True)
    )
    return Leaf(path, form, pieces, longest, required)


def fixed(pieces: Pieces) -> list[str]:
    """The texts among ``pieces``."""
    return [piece for piece in pieces if isinstance(piece, str)]


def check_length(path: str, text: str, longest: int, channel: str | None = None) -> None:
    """That ``text`` has at most ``longest`` UTF-16 units, which is how messengers count.

    Raises:
        Invalid: it has more.
    """
    if len(text) * 2 > longest and len(text.encode("utf-16-le", "surrogatepass")) > 2 * longest:
        of = f" for {channel}" if channel else ""
        raise Invalid(path, None, f"must have at most {longest} characters{of}")


def _value(slot: Slot, fields: Mapping[str, str], variables: Mapping[str, str]) -> str:
    return fields.get(slot.name, "") if slot.kind is Kind.FIELD else variables[slot.name]


def _joined(pieces: Iterable[str | Slot]) -> Pieces:
    """``pieces`` with neighbouring texts made one, and empty ones left out."""
    result: list[str | Slot] = []
    for piece in pieces:
        if isinstance(piece, str) and result and isinstance(last := result[-1], str):
            result[-1] = last + piece
        elif piece:
            result.append(piece)
    return tuple(result)
