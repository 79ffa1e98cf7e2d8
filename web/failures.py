"""Every way in which a request can fail, and the dialects' way of saying so.

    Refused             campaigns.errors: the request cannot be done
    HttpRefused         the door itself refuses: 401, 403, 413, 415, 429, a body that is no JSON

A dialect says with a :class:`Wording` which status and body each becomes. What nobody foresaw is a
500 that says nothing but the request's id, under which the log has the rest.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout, TooManyRequests
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from campaigns.errors import (
    Conflict,
    Invalid,
    Locked,
    NotFound,
    Refused,
    Unavailable,
)
from campaigns.validation import rule
from web import requests

log = logging.getLogger(__name__)

#: When to ask again where PostgreSQL does not answer, in seconds.
RETRY_AFTER = 5


class HttpRefused(Exception):
    """The door refuses a request before any rule about its content is asked."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        field: str | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.field = field
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal on its way out: a status, a word for programs, a sentence for people."""

    status: int
    code: str
    message: str
    #: The path of the field that is wrong, as the sender wrote it.
    field: str | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Wording(Protocol):
    """How a dialect says a failure."""

    def __call__(self, failure: Failure) -> Any:
        """The JSON body."""


#: The usual statuses; a dialect may have others.
STATUSES: Mapping[type[Refused], int] = {
    Invalid: 422,
    NotFound: 404,
    Conflict: 409,
    Locked: 423,
    Refused: 422,
}

_CODES = {404: "not_found", 405: "method_not_allowed"}


def install(
    app: FastAPI, wording: Wording, statuses: Mapping[type[Refused], int] | None = None
) -> None:
    """Give ``app`` an answer for every failure, in the words of its dialect.

    What ``statuses`` say of a kind holds for all kinds below it.
    """
    own = statuses or {}

    def status_of(kind: type[Exception]) -> int:
        return next(found[one] for found in (own, STATUSES) for one in kind.__mro__ if one in found)

    def answer(failure: Failure) -> Response:
        return JSONResponse(
            wording(failure), status_code=failure.status, headers=dict(failure.headers)
        )

    def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        status, field = status_of(type(error)), getattr(error, "field", None)
        return answer(Failure(status, error.code, str(error), field=field))

    def refused_here(_: Request, error: Exception) -> Response:
        assert isinstance(error, HttpRefused)
        return answer(Failure(error.status, error.code, error.message, error.field, error.headers))

    def wrong_parameter(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        invalid = _parameter(error.errors())
        # A part of the path that is none of its kind names nothing that exists.
        if error.errors()[0]["loc"][:1] == ("path",):
            return answer(Failure(404, "not_found", "There is nothing at this address."))
        return answer(Failure(status_of(Invalid), invalid.code, str(invalid), invalid.field))

    def no_route(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _CODES.get(error.status_code, "refused")
        said = "There is nothing at this address." if error.status_code == 404 else error.detail
        return answer(Failure(error.status_code, code, said, headers=error.headers or {}))

    def unavailable(request: Request, error: Exception) -> Response:
        log.warning("request %s: %s", requests.id_of(request.scope), type(error).__name__)
        return answer(
            Failure(
                503,
                "unavailable",
                "The database cannot be reached at the moment; nothing was stored.",
                headers={"Retry-After": str(RETRY_AFTER)},
            )
        )

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(HttpRefused, refused_here)
    app.add_exception_handler(RequestValidationError, wrong_parameter)
    app.add_exception_handler(HTTPException, no_route)
    for passing in (psycopg.OperationalError, PoolTimeout, TooManyRequests, Unavailable):
        app.add_exception_handler(passing, unavailable)
    app.add_exception_handler(Exception, lambda request, error: _unforeseen(request, error, answer))


def _unforeseen(request: Request, error: Exception, answer: Any) -> Response:
    # The error's own words may quote a row, and with it an address: its kind and place have to do.
    number = requests.id_of(request.scope)
    state = getattr(error, "sqlstate", None)
    place = "".join(traceback.format_tb(error.__traceback__))
    kind = type(error).__name__ + (f" (SQLSTATE {state})" if state else "")
    log.error("request %s failed: %s\n%s", number, kind, place)
    response: Response = answer(
        Failure(500, "internal", f"Something went wrong here; the log knows it as {number}.")
    )
    return response


def _parameter(faults: Sequence[Any]) -> Invalid:
    fault = faults[0]
    name = ".".join(str(part) for part in fault["loc"][1:]) or "request"
    value = fault.get("input")
    return Invalid(name, value if isinstance(value, str | int | float) else None, rule(fault))


def too_many(seconds: float) -> HttpRefused:
    """429, with the seconds after which the next request is welcome."""
    return HttpRefused(
        429,
        "too_many_requests",
        "This token makes more requests than it may; try again later.",
        {"Retry-After": str(max(math.ceil(seconds), 1))},
    )
