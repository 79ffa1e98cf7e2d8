"""The portable transport: httpx."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import httpx

from worker.adapters.base import HttpRequest, HttpResponse
from worker.transport.base import (
    CONNECT_TIMEOUT,
    IDLE_TIMEOUT,
    MAX_BODY,
    SHORTEST_CONNECT,
    NotSent,
    TooLate,
    TransportError,
    Uncertain,
)
from worker.transport.pin import Pin
from worker.transport.reasons import connect_code
from worker.transport.trust import tls_context

# httpcore's extension `trace` names each step as it begins. Nothing of a request is written to
# the connection before this one (https://www.encode.io/httpcore/extensions/#trace).
_WRITING = "http11.send_request_headers.started"


class _Progress:
    """Follows one request, to know whether any of it may have left."""

    def __init__(self, *, hurried: bool) -> None:
        self.writing = False
        #: Connecting had less time than is usual.
        self._hurried = hurried

    async def observe(self, step: str, _: dict[str, Any]) -> None:
        if step == _WRITING:
            self.writing = True

    def error(self, code: str) -> TransportError:
        return Uncertain(code) if self.writing else NotSent(code)

    def timeout(self) -> TransportError:
        if self.writing:
            return Uncertain("read_timeout")
        return TooLate() if self._hurried else NotSent("connect_timeout")


class HttpxTransport:
    """Carries requests with ``httpx.AsyncHTTPTransport``, one per connection.

    The layer below ``httpx.AsyncClient`` is used on purpose: it has no redirects, cookies,
    default headers or proxies from the environment that would have to be switched off. Its pool
    of many connections is not used: a cancelled request can leave a place in it taken for ever
    (https://github.com/encode/httpcore/issues/1093), and each request walks through all of it.
    Here a connection on which anything went wrong is thrown away.

    Known weakness: an answer that nobody asked for, sent behind a proper one, is taken for the
    answer to the next request on that connection.
    """

    def __init__(self, pin: Pin | None = None) -> None:
        self._pin = pin
        self._tls = tls_context()
        self._idle: list[httpx.AsyncHTTPTransport] = []

    async def send(
        self,
        request: HttpRequest,
        *,
        timeout: float,  # noqa: ASYNC109
        leave_within: float = math.inf,
    ) -> HttpResponse:
        """Carry ``request``; see :class:`worker.transport.base.Transport`."""
        usual = min(CONNECT_TIMEOUT, timeout)
        connect = min(usual, max(leave_within, SHORTEST_CONNECT))
        progress = _Progress(hurried=connect < usual)
        try:
            async with asyncio.timeout(timeout):
                return await self._exchange(self._outgoing(request, progress, connect))
        except TransportError:
            raise
        except (TimeoutError, httpx.TimeoutException):
            raise progress.timeout() from None
        # Whatever the libraries below raise, the fate of the message has to be told. The cause is
        # cut off because its text may hold the URL.
        except Exception as error:
            raise progress.error(_code(error)) from None

    async def _exchange(self, request: httpx.Request) -> HttpResponse:
        connection = self._idle.pop() if self._idle else self._connection()
        try:
            answer = await _answer(connection, request)
        except BaseException:
            await connection.aclose()
            raise
        self._idle.append(connection)
        return answer

    def _outgoing(self, request: HttpRequest, progress: _Progress, connect: float) -> httpx.Request:
        outgoing = httpx.Request(
            request.method,
            request.url,
            headers=dict(request.headers),
            content=request.body,
            extensions={"trace": progress.observe, "timeout": {"connect": connect}},
        )
        if self._pin is not None:
            # Certificates are verified for this name, and the field Host is written already
            # (https://www.encode.io/httpcore/extensions/#sni_hostname).
            outgoing.extensions["sni_hostname"] = self._pin.host
            outgoing.url = outgoing.url.copy_with(host=str(self._pin.address))
        return outgoing

    def _connection(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=self._tls,
            trust_env=False,
            retries=0,
            limits=httpx.Limits(
                max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_TIMEOUT
            ),
        )

    async def aclose(self) -> None:
        """Close all connections."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.aclose()


async def _answer(connection: httpx.AsyncHTTPTransport, request: httpx.Request) -> HttpResponse:
    response = await connection.handle_async_request(request)
    try:
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > MAX_BODY:
                raise Uncertain("too_large")
        return HttpResponse(response.status_code, dict(response.headers), bytes(body))
    finally:
        await response.aclose()


def _code(error: Exception) -> str:
    match error:
        case httpx.ConnectError():
            return connect_code(error)
        case httpx.RemoteProtocolError():
            # httpcore and h11 say "Server disconnected" or "peer closed connection" for an early
            # end, and name the broken rule otherwise.
            text = str(error)
            return "closed" if "disconnected" in text or "closed" in text else "bad_reply"
        case httpx.NetworkError():
            return "closed"
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return "bad_request"
        case _:
            return "transport_error"
