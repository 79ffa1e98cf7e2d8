"""The carrier as an ASGI application: messages here, everything else in :mod:`control`."""

from __future__ import annotations

import asyncio
import time
from random import Random

from cli.carrier.asgi import (
    Disconnected,
    Receive,
    Scope,
    Send,
    answer,
    hang_up,
    read_body,
)
from cli.carrier.control import Control
from cli.carrier.core import LARGEST_BODY, Carrier, json_reply
from cli.carrier.journal import Journal
from cli.carrier.reports import Reporter

_NOT_FOUND = json_reply(404, {"error": "not_found"})
_NOT_ALLOWED = json_reply(405, {"error": "method_not_allowed"})


class Application:
    """Takes messages. ``control`` is ``None`` where strangers could reach it."""

    def __init__(
        self,
        carrier: Carrier,
        journal: Journal,
        reporter: Reporter | None,
        control: Control | None,
        jitter: Random,
    ) -> None:
        self._carrier = carrier
        self._journal = journal
        self._reporter = reporter
        self._control = control
        self._jitter = jitter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        try:
            if scope["path"] != "/messages":
                if self._control is None:
                    await answer(send, _NOT_FOUND)
                else:
                    await self._control(scope, receive, send)
            elif self._carrier.behaviour.down:
                await hang_up(scope, receive)
            elif scope["method"] != "POST":
                await answer(send, _NOT_ALLOWED)
            else:
                await self._message(scope, receive, send)
        except Disconnected:
            return
        except asyncio.CancelledError:
            # Out of time at the end of the process. The server would now send a 500, which is
            # wrong for a message that was accepted.
            await hang_up(scope, receive)

    async def _message(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, LARGEST_BODY)
        decision = self._carrier.decide(body, time.time_ns() // 1000)
        self._journal.add(decision.line)
        if decision.report is not None and self._reporter is not None:
            self._reporter.add(decision.report)
        await self._delay()
        if decision.reply is None:
            await hang_up(scope, receive)
        else:
            await answer(send, decision.reply)

    async def _delay(self) -> None:
        behaviour = self._carrier.behaviour
        if behaviour.latency_ms or behaviour.jitter_ms:
            wait = behaviour.latency_ms + self._jitter.uniform(0, behaviour.jitter_ms)
            await asyncio.sleep(wait / 1000)
