"""What every dialect's application begins as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel

from campaigns.errors import Refused
from web import failures
from web.context import Context
from web.failures import Wording

#: What any operation may answer beside what is its own.
COMMON_FAILURES: Mapping[int, str] = {
    400: "The body is no JSON object, or no valid form.",
    401: "No token, or none that is valid.",
    403: "The token lacks a scope.",
    413: "The body is too large.",
    429: "The token makes too many requests.",
    500: "Something went wrong here; the message names the request's id.",
    503: "The database cannot be reached at the moment; nothing was stored.",
}


def application(
    context: Context,
    *,
    title: str,
    version: str,
    description: str,
    wording: Wording,
    statuses: Mapping[type[Refused], int] | None = None,
    error: type[BaseModel] | None = None,
    docs: bool = True,
) -> FastAPI:
    """An empty application: its OpenAPI description at ``/openapi.json``, its interactive docs at
    ``/docs``, an answer for every failure.

    ``error`` is the model of what ``wording`` makes: with it every operation's description has the
    :data:`COMMON_FAILURES`. What only some operations answer (404, 409, 422, 423) they say
    themselves, with :func:`described`.
    """
    settings: dict[str, Any] = {
        "title": title,
        "version": version,
        "description": description,
        # One request more, and for a POST a lost body, to say what could have been answered.
        "redirect_slashes": False,
        "responses": None if error is None else described(error, COMMON_FAILURES),
        # Clients that are generated name their functions after these.
        "generate_unique_id_function": _function_name,
    }
    if docs:
        # Whoever reads the docs tells nobody else about it, and needs no way out.
        app = FastAPIOffline(redoc_url=None, static_url="/docs-files", **settings)
    else:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, **settings)
    app.state.context = context
    failures.install(app, wording, statuses)
    return app


def plain(failure: failures.Failure) -> dict[str, object]:
    """The wording of whatever belongs to no dialect."""
    return {"code": failure.code, "message": failure.message, "field": failure.field}


def _function_name(route: APIRoute) -> str:
    return route.name


def described(error: type[BaseModel], failures: Mapping[int, str]) -> dict[int | str, Any]:
    """For ``responses`` of an operation: statuses with the body that ``error`` describes."""
    return {status: {"model": error, "description": text} for status, text in failures.items()}
