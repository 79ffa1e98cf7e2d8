"""Paths whose words may be written in upper or lower case, as the document itself does."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class AnyCase:
    """Writes the known words in the path of a request as the routes have them."""

    def __init__(self, app: ASGIApp, words: Mapping[str, str]) -> None:
        """``words``: how each is written, by its lower case."""
        self._app = app
        self._words = words

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            root = scope.get("root_path", "")
            parts = scope["path"].removeprefix(root).split("/")
            known = [self._words.get(part.lower(), part) for part in parts]
            scope = {**scope, "path": root + "/".join(known)}
        await self._app(scope, receive, send)
