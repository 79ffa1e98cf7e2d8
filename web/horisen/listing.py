"""The query of a list, read strictly, and the numbers and links of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from fastapi import Request

from campaigns import paging
from campaigns.campaign.listing import LARGEST_PAGE, Criteria, Order
from campaigns.channels import CHANNELS
from campaigns.errors import Invalid
from web.horisen.models import (
    CollectionMeta,
    CollectionMetaPagination,
    CollectionMetaPaginationLinks,
    Status,
)

DEFAULT_SIZE = 10

FIELDS = ("tasks", "messages")
STATUSES: tuple[str, ...] = get_args(Status)

#: What a list may be sorted by, and what the engine calls it.
SORTS = {
    "created_dt": "created_at",
    "updated_dt": "updated_at",
    "next_dt": "next_dt",
    "name": "name",
    "status": "status",
    "sending_type": "sending_type",
    "schedule_type": "schedule_type",
}

_LISTS = ("fields", "sort")
_SCALARS = ("sending_type", "status", "page_number", "page_size")
_MOST_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is asked for."""

    criteria: Criteria
    order: Sequence[Order]
    number: int
    size: int
    fields: Sequence[str]


def read(request: Request) -> Query:
    """The query of a list.

    Raises:
        Invalid: a parameter is not known, is given twice or breaks a rule.
    """
    given = _parameters(request, (*_SCALARS, *_LISTS))
    order = [_order(word) for word in given.get("sort", ())]
    return Query(
        criteria=Criteria(
            _one_of(given, "sending_type", CHANNELS), _one_of(given, "status", STATUSES)
        ),
        order=order or [Order("created_at", descending=True)],
        number=_number(given, "page_number", 1),
        size=_number(given, "page_size", DEFAULT_SIZE),
        fields=_fields(given),
    )


def read_fields(request: Request) -> Sequence[str]:
    """The optional fields that are asked for of one campaign; raises like :func:`read`."""
    return _fields(_parameters(request, ("fields",)))


def _parameters(request: Request, known: Sequence[str]) -> dict[str, list[str]]:
    """The values of each parameter. A list is written with commas, or as the same name repeatedly,
    with or without brackets."""
    found: dict[str, list[str]] = {}
    for written, value in request.query_params.multi_items():
        name = written.removesuffix("[]") if written.removesuffix("[]") in _LISTS else written
        if name not in known:
            raise Invalid(_shown(name), None, f"is not known; known are {', '.join(known)}")
        if name in _LISTS:
            words = [word.strip() for word in value.split(",") if word.strip()]
            found.setdefault(name, []).extend(words)
        elif name in found:
            raise Invalid(name, None, "must not be given twice")
        else:
            found[name] = [value]
    return found


def _shown(name: str) -> str:
    return name[:40] if name.isascii() and name.isidentifier() else "parameter"


def _one_of(given: dict[str, list[str]], name: str, words: Sequence[str]) -> str | None:
    if name not in given:
        return None
    (word,) = given[name]
    if word not in words:
        raise Invalid(name, word, f"must be one of {', '.join(words)}")
    return word


def _fields(given: dict[str, list[str]]) -> Sequence[str]:
    for word in given.get("fields", ()):
        if word not in FIELDS:
            raise Invalid("fields", word, f"must be some of {', '.join(FIELDS)}")
    return given.get("fields", [])


def _order(word: str) -> Order:
    name = word.removeprefix("-")
    if name not in SORTS:
        raise Invalid("sort", word, f"must be some of {', '.join(SORTS)}, or -{next(iter(SORTS))}")
    return Order(SORTS[name], descending=word.startswith("-"))


def _number(given: dict[str, list[str]], name: str, default: int) -> int:
    if name not in given:
        return default
    (text,) = given[name]
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise Invalid(name, text, "must be a whole number")
    return int(text)


def meta(request: Request, query: Query, total: int, count: int) -> CollectionMeta:
    """Which page this is, and where the others are."""
    last = paging.last(total, query.size)

    def link(number: int) -> str:
        return str(request.url.include_query_params(page_number=number))

    return CollectionMeta(
        pagination=CollectionMetaPagination(
            total=total,
            count=count,
            perPage=query.size,
            currentPage=query.number,
            totalPages=last,
            links=CollectionMetaPaginationLinks(
                first=link(1),
                last=link(last),
                prev=link(min(query.number - 1, last)) if query.number > 1 else None,
                next=link(query.number + 1) if query.number < last else None,
            ),
        )
    )


def parameters() -> list[dict[str, Any]]:
    """The parameters of a list, for its description."""
    return [
        _parameter("sending_type", {"type": "string", "enum": list(CHANNELS)}, "The channel."),
        _parameter("status", {"type": "string", "enum": list(STATUSES)}, "The status."),
        *field_parameters(),
        _list_parameter(
            "sort",
            [word for name in SORTS for word in (name, f"-{name}")],
            "Columns to sort by, each with a - for descending. Default: -created_dt.",
        ),
        _parameter("page_number", _whole(paging.LAST, 1), "Counted from 1."),
        _parameter("page_size", _whole(LARGEST_PAGE, DEFAULT_SIZE), "Campaigns on a page."),
    ]


def field_parameters() -> list[dict[str, Any]]:
    """The parameter ``fields``, for a description."""
    return [_list_parameter("fields", FIELDS, "Optional fields to include in the answer.")]


def _whole(largest: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": largest, "default": default}


def _list_parameter(name: str, words: Sequence[str], text: str) -> dict[str, Any]:
    schema = {"type": "array", "items": {"type": "string", "enum": list(words)}}
    return {**_parameter(name, schema, text), "style": "form", "explode": False}


def _parameter(name: str, schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": text}
