"""Which page of a list, in which order, and which entries: ``pageIndex``, ``sorts``, ``filters``.

The document refers to a page about these that is not to be had. Names and operators are those of
Sieve, which APIs of this kind use: ``filters=status==1,sender@=Acme``, ``sorts=-startDateTime``.
Fields and operators come from fixed lists, values are bound as parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from campaigns.errors import Invalid

#: As in the document's example: 4274 records are 428 pages.
DEFAULT_SIZE = 10
LARGEST_SIZE = 1000
LAST_INDEX = 1_000_000_000
MOST_TERMS = 20
LONGEST = 2000

_TERM = re.compile(r"\s*([A-Za-z0-9]+)\s*(==|!=|>=|<=|>|<|@=|_=)(.*)", re.DOTALL)
#: A comma between two terms; one with a backslash before it belongs to a value.
_COMMA = re.compile(r"((?:\\.|[^\\,])*)(,|$)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition of a filter."""

    field: str
    operator: str
    value: str

    def refused(self, rule: str) -> Invalid:
        """What to raise when its value breaks ``rule``."""
        return Invalid("filters", None, f"has {self.field}{self.operator} with a value that {rule}")

    def pattern(self) -> str:
        """The pattern of LIKE for what the value shall be, contain or begin."""
        literal = re.sub(r"([\\%_])", r"\\\1", self.value)
        before = "%" if self.operator == "@=" else ""
        behind = "%" if self.operator in ("@=", "_=") else ""
        return f"{before}{literal}{behind}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks of a list."""

    index: int
    size: int
    sorts: str | None
    filters: str | None

    def pages(self, total: int) -> int:
        """How many pages there are."""
        return -(-total // self.size)

    def order(self, known: Mapping[str, Any], default: str) -> Any:
        """What ``known`` has for the order that was asked for.

        Raises:
            Invalid: it is none of them.
        """
        wanted = default if self.sorts is None else self.sorts.strip()
        if wanted not in known:
            raise Invalid("sorts", None, f"must be one of {', '.join(known)}")
        return known[wanted]

    def terms(self, known: Mapping[str, Sequence[str]]) -> list[Term]:
        """The terms of the filter, whose fields and operators are in ``known``.

        Raises:
            Invalid: one is no term, or has another field or operator.
        """
        if not self.filters:
            return []
        if len(self.filters) > LONGEST:
            raise Invalid("filters", None, f"must have at most {LONGEST} characters")
        found = [_term(part, known) for part in _parts(self.filters)]
        if len(found) > MOST_TERMS:
            raise Invalid("filters", None, f"must have at most {MOST_TERMS} terms")
        return found


def _parts(text: str) -> Iterator[str]:
    for match in _COMMA.finditer(text):
        yield match[1]
        if not match[2]:
            return
    raise Invalid("filters", None, "must not end with a backslash")


def _term(part: str, known: Mapping[str, Sequence[str]]) -> Term:
    match = _TERM.fullmatch(part)
    if match is None:
        raise Invalid("filters", None, "must be terms such as status==1 with commas between them")
    field, operator = match[1], match[2]
    if field not in known:
        raise Invalid("filters", None, f"must be about {', '.join(known)}")
    if operator not in known[field]:
        raise Invalid("filters", None, f"must compare {field} by {', '.join(known[field])}")
    value = _ESCAPED.sub(r"\1", match[3].strip())
    if "\x00" in value:
        raise Invalid("filters", None, "must not contain NUL characters")
    return Term(field, operator, value)


_KNOWN = ("pageIndex", "pageSize", "sorts", "filters")


def asked(
    request: Request,
    index: Annotated[int, Query(alias="pageIndex", ge=1, le=LAST_INDEX)] = 1,
    size: Annotated[int, Query(alias="pageSize", ge=1, le=LARGEST_SIZE)] = DEFAULT_SIZE,
    sorts: Annotated[str | None, Query()] = None,
    filters: Annotated[str | None, Query()] = None,
) -> Asked:
    """A dependency: what the query of a request asks of a list."""
    for name in request.query_params:
        if name not in _KNOWN:
            raise Invalid("query", None, f"must have no parameters but {', '.join(_KNOWN)}")
    return Asked(index, size, sorts, filters)


#: For an endpoint's parameter.
AskedFor = Annotated[Asked, Depends(asked)]
