"""The Inline-contacts API, mounted at ``/api``: campaigns that bring their contacts with them."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from campaigns.errors import InvalidEntries
from web import dialect
from web.context import Context
from web.inline import endpoints
from web.inline.paths import AnyCase

WORDS = {"campaigns": "Campaigns", "contacts": "Contacts"}


def create(context: Context) -> FastAPI:
    """The dialect's application."""
    app = dialect.application(
        context,
        title="Inline-contacts API",
        version="1",
        description="SMS campaigns that bring their contacts with them, each number once.",
        wording=dialect.plain,
    )
    app.add_middleware(AnyCase, words=WORDS)
    app.add_exception_handler(InvalidEntries, _entries)
    app.include_router(endpoints.router)
    return app


def _entries(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, InvalidEntries)
    errors = [{"field": fault.field, "message": str(fault)} for fault in error.faults]
    said = {"code": error.code, "message": str(error), "field": error.field, "errors": errors}
    return JSONResponse(said, status_code=422)
