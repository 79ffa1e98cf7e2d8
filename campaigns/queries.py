"""Named SQL: each ``.sql`` file beside a store holds queries under ``-- name:`` lines.

The lines between a name and its statement say what the query is for, and the planner fact that
matters. A query may contain ``{address}``, which stands for one column out of a fixed list,
``{selected}``, which stands for a further condition or for nothing, and ``{some_part}``, which
stands for the text under ``-- part: some_part``: what two queries must say alike is written once. A
line ``-- uses: other.sql`` lends a file the parts of the one beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

#: The columns of ``contacts`` that an address may stand in.
ADDRESS_COLUMNS = ("phone", "email", "telegram", "viber", "webpush")

_HEADING = re.compile(r"^-- (name|part): *(\w+) *$", re.MULTILINE)
_USES = re.compile(r"^-- uses: *(\S+) *$", re.MULTILINE)
_MARK = re.compile(r"\{(\w+)\}")


class Queries(Mapping[str, str]):
    """The named queries of one ``.sql`` file, by attribute or by key."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __getattr__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise AttributeError(name) from None

    def by_address(self, name: str, column: str, selected: str = "") -> str:
        """The query ``name`` with ``{address}`` set to ``column``, for the rows ``selected``.

        Raises:
            ValueError: ``column`` is not one of :data:`ADDRESS_COLUMNS`.
        """
        if column not in ADDRESS_COLUMNS:
            raise ValueError(f"{column!r} is not an address column")
        condition = f"\nAND ({selected})" if selected else ""
        return self._texts[name].replace("{selected}", condition).replace("{address}", column)


@cache
def load(package: str, file: str) -> Queries:
    """The queries of ``file`` in ``package``, read once per process."""
    folder = resources.files(package)
    text = folder.joinpath(file).read_text("utf-8")
    used = [folder.joinpath(name).read_text("utf-8") for name in _USES.findall(text)]
    return Queries(parse(text, *used))


def parse(text: str, *used: str) -> dict[str, str]:
    """Split a file into its named statements, without comments and indentation.

    psycopg takes a statement apart at every execution unless it is short (4096 bytes).

    ``used``: files whose parts it may name as well.
    """
    found = _split(text)
    parts = {name: part for other in (*used, text) for name, part in _split(other)["part"].items()}
    return {
        name: _MARK.sub(lambda mark: parts.get(mark[1], mark[0]), statement)
        for name, statement in found["name"].items()
    }


def _split(text: str) -> dict[str, dict[str, str]]:
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    found: dict[str, dict[str, str]] = {"name": {}, "part": {}}
    for heading, end in zip(headings, ends, strict=True):
        lines = map(str.strip, text[heading.end() : end].splitlines())
        bare = "\n".join(line for line in lines if line and not line.startswith("--"))
        found[heading[1]][heading[2]] = bare.rstrip(";")
    return found
