"""The little of ASGI that the carrier speaks (asgi.readthedocs.io, HTTP connection scope)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from cli.carrier.core import Reply

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

#: The scope's entry for a function that closes the connection; see ``server.Protocol``.
HANG_UP = "carrier.hang_up"


class Disconnected(Exception):
    """The client left before its request was complete."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The request's body, cut off after about ``limit`` bytes.

    Raises:
        Disconnected: it did not arrive as a whole.
    """
    event = await receive()
    body: bytes = event.get("body", b"")
    while event.get("more_body", False):
        event = await receive()
        if len(body) <= limit:
            body += event.get("body", b"")
    if event["type"] == "http.disconnect":
        raise Disconnected
    return body


async def answer(send: Send, reply: Reply) -> None:
    """Send a complete response."""
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})


async def stream(send: Send, content_type: bytes, chunks: Iterable[bytes]) -> None:
    """Send a response piece by piece."""
    headers = [(b"content-type", content_type)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection without a reply, and wait until it is closed."""
    scope[HANG_UP]()
    while (await receive())["type"] != "http.disconnect":
        pass
