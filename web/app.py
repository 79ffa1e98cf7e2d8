"""The whole door: every dialect at its place, behind what all requests go through."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.responses import JSONResponse
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Scope

from web import callback, dialect, inline, links, passona
from web.context import Context
from web.horisen import campaigns, granting
from web.reports import inbound, reports
from web.requests import Requests


class Place(Mount):
    """Where a dialect is found: below its prefix, and at the prefix itself, which is its root."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As in Starlette, which knows no prefix without a slash behind it."""
        if scope["path"] == scope.get("root_path", "") + self.path:
            scope["path"] += "/"
        return super().matches(scope)


Dialects = Mapping[str, Callable[[Context], ASGIApp]]

#: Where each dialect is found. The first prefix that fits is taken, so longer ones stand first.
DIALECTS: Dialects = {
    "/api/2.0": passona.create,
    "/news/v1": campaigns.create,
    "/oauth2": granting.create,
    "/campaign": callback.create,
    "/api": inline.create,
    "/reports": reports.create,
    "/inbound": inbound.create,
    # Links in messages, on whatever host: what nobody above has.
    "": links.create,
}


def create_app(context: Context, dialects: Dialects = DIALECTS) -> ASGIApp:
    """The application for :mod:`web.server`."""
    app = dialect.application(
        context,
        title="Sluice",
        version="1",
        description="Campaigns that are sent at a steady pace.",
        wording=dialect.plain,
        docs=False,
    )

    @app.get("/healthz")
    def healthy() -> JSONResponse:
        with context.connection() as conn:
            conn.execute("SELECT 1")
        return JSONResponse({"status": "ok"})

    for prefix, create in dialects.items():
        app.router.routes.append(Place(prefix, create(context)))
    return Requests(app)
