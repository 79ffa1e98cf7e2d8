"""Pages of a list, with the links and numbers that Laravel puts beside them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request
from pydantic import BaseModel, Field

from campaigns import paging

_PATH = "https://sluice.example/api/2.0/campaigns"

#: Numbers of pages; whether there is such a page is decided behind the door.
PageNumber = Annotated[int, Query(ge=1, le=2**31 - 1, description="Which page, counted from 1.")]


def per_page(default: int, largest: int = paging.LARGEST) -> Any:
    """The parameter that says how many entries a page has."""
    return Query(default, ge=1, le=largest, description="How many entries a page has.")


class Links(BaseModel):
    """Where the other pages are."""

    first: str = Field(examples=[f"{_PATH}?page=1"])
    last: str = Field(examples=[f"{_PATH}?page=4"])
    prev: str | None = Field(examples=[None])
    next: str | None = Field(examples=[f"{_PATH}?page=2"])


class Meta(BaseModel):
    """Which entries these are, and how many there are."""

    current_page: int = Field(examples=[1])
    from_: int | None = Field(validation_alias="from", serialization_alias="from", examples=[1])
    last_page: int = Field(examples=[4])
    path: str = Field(examples=[_PATH])
    per_page: int = Field(examples=[15])
    to: int | None = Field(examples=[15])
    total: int = Field(examples=[53])


def base_of(request: Request) -> str:
    """The address of the dialect, with a slash at its end."""
    return str(request.url.replace(path=f"{request.scope['root_path']}/", query="", fragment=""))


def path_of(request: Request) -> str:
    """The address of a list, without its query."""
    return str(request.url.replace(query="", fragment="")).rstrip("/")


def paged(
    request: Request,
    *,
    page: int,
    per_page: int,
    usual: int,
    shown: int,
    total: int,
    after: int | None = None,
    before: int | None = None,
) -> dict[str, Links | Meta]:
    """``links`` and ``meta`` of a page that shows ``shown`` of ``total`` entries.

    Links name ``per_page`` where it is not the usual one. ``after`` and ``before`` are the
    positions of the last and the first entry: links to the pages beside this one then name them, so
    that every page of a long list costs the same.
    """
    path = path_of(request)
    last = paging.last(total, per_page)

    def link(number: int, **position: int) -> str:
        size = {} if per_page == usual else {"per_page": per_page}
        return f"{path}?{urlencode({**size, 'page': number, **position})}"

    begin = (page - 1) * per_page
    back: dict[str, int] = {} if before is None else {"before": before}
    ahead: dict[str, int] = {} if after is None else {"after": after}
    return {
        "links": Links(
            first=link(1),
            last=link(last),
            prev=link(page - 1, **(back if page > 2 else {})) if page > 1 else None,
            next=link(page + 1, **ahead) if page < last else None,
        ),
        "meta": Meta.model_validate(
            {
                "current_page": page,
                "from": begin + 1 if shown else None,
                "last_page": last,
                "path": path,
                "per_page": per_page,
                "to": begin + shown if shown else None,
                "total": total,
            }
        ),
    }
