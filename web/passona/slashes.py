"""Addresses with and without a slash at their end are the same: Passona's examples have both."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class WithoutTrailingSlash:
    """Takes the slash away before a route is looked for; a redirect would be one request more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.endswith("/") and path[:-1] != scope.get("root_path"):
            scope = {**scope, "path": path[:-1]}
        await self._app(scope, receive, send)
