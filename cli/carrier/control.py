"""What tests and the demo ask the carrier, and how they change it while it runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from campaigns.errors import Invalid
from cli.carrier.asgi import Receive, Scope, Send, answer, read_body, stream
from cli.carrier.core import LARGEST_BODY, Carrier, Reply, json_reply
from cli.carrier.journal import Journal
from cli.carrier.reports import Reporter


class Control:
    """``/health``, ``/stats``, ``/log``, ``/reset`` and ``/settings``."""

    def __init__(self, carrier: Carrier, journal: Journal, reporter: Reporter | None) -> None:
        self._carrier = carrier
        self._journal = journal
        self._reporter = reporter
        self._routes: dict[tuple[str, str], Callable[[bytes], Reply]] = {
            ("GET", "/health"): self._health,
            ("GET", "/stats"): self._stats,
            ("POST", "/reset"): self._reset,
            ("GET", "/settings"): self._settings,
            ("PUT", "/settings"): self._change,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        key = (scope["method"], scope["path"])
        if key == ("GET", "/log"):
            await stream(send, b"application/x-ndjson", self._journal.chunks())
            return
        handle = self._routes.get(key)
        if handle is None:
            await answer(send, json_reply(404, {"error": "not_found"}))
        else:
            await answer(send, handle(await read_body(receive, LARGEST_BODY)))

    def _health(self, _body: bytes) -> Reply:
        return json_reply(200, {"status": "ok"})

    def _stats(self, _body: bytes) -> Reply:
        self._journal.flush()
        statistics = self._carrier.tally.statistics(time.time_ns() // 1000)
        if self._reporter is not None:
            statistics["reports"] = self._reporter.statistics()
        return json_reply(200, statistics)

    def _reset(self, _body: bytes) -> Reply:
        self._carrier.reset()
        self._journal.clear()
        if self._reporter is not None:
            self._reporter.clear()
        return json_reply(200, {"status": "ok"})

    def _settings(self, _body: bytes) -> Reply:
        return json_reply(200, self._carrier.behaviour.as_json())

    def _change(self, body: bytes) -> Reply:
        try:
            self._carrier.change(self._carrier.behaviour.changed(_json_object(body)))
        except Invalid as error:
            return json_reply(400, {"error": error.code, "message": str(error)})
        return self._settings(body)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Invalid("settings", None, "must be a JSON object")
    return content
