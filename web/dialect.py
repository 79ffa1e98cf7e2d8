"""What every dialect's application begins as."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI

from campaigns.errors import Refused
from web import failures
from web.context import Context
from web.failures import Wording


def application(
    context: Context,
    *,
    title: str,
    version: str,
    description: str,
    wording: Wording,
    statuses: Mapping[type[Refused], int] | None = None,
    docs: bool = True,
) -> FastAPI:
    """An empty application: its OpenAPI description at ``/openapi.json``, its interactive docs at
    ``/docs``, an answer for every failure."""
    app = FastAPI(
        title=title,
        version=version,
        description=description,
        openapi_url="/openapi.json" if docs else None,
        docs_url="/docs" if docs else None,
        redoc_url=None,
        # One request more, and for a POST a lost body, to say what could have been answered.
        redirect_slashes=False,
    )
    app.state.context = context
    failures.install(app, wording, statuses)
    return app


def plain(failure: failures.Failure) -> dict[str, object]:
    """The wording of whatever belongs to no dialect."""
    return {"code": failure.code, "message": failure.message, "field": failure.field}
