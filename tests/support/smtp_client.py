"""Handing in messages in tests of the SMTP transport."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.transports import AMPLE
from worker.adapters.smtp_exchange import SmtpReply, SmtpRequest, SmtpServer
from worker.transport.base import TransportError
from worker.transport.bounded import BoundedTransport
from worker.transport.smtp import SmtpTransport

Bounded = BoundedTransport[SmtpRequest, SmtpReply]

CONTENT = b"Subject: Hello\r\n\r\nHello\r\n"
REQUEST = SmtpRequest("news@shop.example", "mary@example.com", CONTENT)
TAKEN = SmtpReply(250, "content", "2.0.0")


@contextlib.asynccontextmanager
async def opened(port: int, connections: int = 4, **options: Any) -> AsyncIterator[Bounded]:
    keys = {"host": "127.0.0.1", "security": "none", "helo": "sluice.example.com", **options}
    transport = BoundedTransport(SmtpTransport(SmtpServer(port=port, **keys)), connections)
    try:
        yield transport
    finally:
        await transport.aclose()


async def send(transport: Bounded, request: SmtpRequest = REQUEST, **more: Any) -> SmtpReply:
    return await transport.send(request, **{"timeout": AMPLE, **more})


async def failure(
    transport: Bounded, request: SmtpRequest = REQUEST, **more: Any
) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await send(transport, request, **more)
    return caught.value


LARGE = SmtpRequest(
    "news@shop.example", "mary@example.com", b"x" * 70 + b"\r\n" + b"y" * 20_000_000
)
