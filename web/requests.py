"""What happens to every request, whichever dialect it is for: an id, a bound, a line in the log.

Plain ASGI, so that streams stay streams.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import MutableMapping
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("web.access")

HEADER = "x-request-id"

#: An id that a caller brings is taken over, if it cannot disturb a log.
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}


def id_of(scope: MutableMapping[str, Any]) -> str:
    """The id of a request, under which the log knows it."""
    return str(scope.get("state", {}).get("request_id", "-"))


class Requests:
    """Gives each request its id and a line in the log, and each answer its common headers.

    The line has the route's pattern, never the path or the query: these may hold an address, or a
    code that opts somebody out.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        brought = Headers(scope=scope).get(HEADER, "")
        number = brought if _ID.fullmatch(brought) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = number
        begin = time.perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[HEADER] = number
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            # It was answered and told to the log (web.failures), without what it may quote; the
            # server would print all of it.
            if status != 500:
                log.error("request %s broke off in the middle of its answer", number)
        finally:
            log.info(
                "%s %s %d %.1f ms %s",
                scope["method"],
                _pattern(scope),
                status,
                (time.perf_counter() - begin) * 1000,
                number,
            )


def _pattern(scope: Scope) -> str:
    route = scope.get("route")
    root = scope.get("root_path", "")
    return str(root) + str(getattr(route, "path", " (no route)"))
