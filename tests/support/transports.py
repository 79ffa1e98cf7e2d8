"""Carrying requests in tests."""

from __future__ import annotations

import asyncio
import contextlib
import math
import types
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from typing import Any, TypeVar

import pytest
import uvloop

from tests.support.fault_server import PATIENCE
from tests.support.waiting import eventually
from worker.adapters.base import HttpRequest, HttpResponse
from worker.transport.base import HttpTransport, TransportError
from worker.transport.factory import TransportName, open_transport

T = TypeVar("T")

#: Long enough for a loopback answer on a busy machine, in seconds.
AMPLE = 10.0
#: For the cases in which the whole time has to pass, in seconds.
SHORT = 0.4

OK = b"HTTP/1.1 200 OK\r\n"


def run(main: Coroutine[Any, Any, T]) -> T:
    """On uvloop, as the worker does."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


@types.coroutine
def turn() -> Generator[None, None, None]:
    """One turn of the loop."""
    yield


@contextlib.asynccontextmanager
async def opened(name: TransportName, max_connections: int = 4) -> AsyncIterator[HttpTransport]:
    transport = open_transport(name, max_connections)
    try:
        yield transport
    finally:
        await transport.aclose()


def post(url: str, body: bytes = b"{}") -> HttpRequest:
    return HttpRequest("POST", url, {"content-type": "application/json"}, body)


async def exchange(transport: HttpTransport, url: str, **more: Any) -> HttpResponse:
    timeout = more.pop("timeout", AMPLE)
    leave_within = more.pop("leave_within", math.inf)
    request = post(url, **more)
    return await transport.send(request, timeout=timeout, leave_within=leave_within)


async def failure(transport: HttpTransport, url: str, **more: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await exchange(transport, url, **more)
    return caught.value


async def until(condition: Callable[[], object]) -> None:
    await asyncio.to_thread(eventually, condition, timeout=PATIENCE)
