"""The fast transport: pyreqwest, which is Rust's reqwest and hyper."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, DecodeError, PoolTimeoutError
from pyreqwest.http import HeaderMap
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

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
from worker.transport.trust import bundled_authorities

# Limits of the connect phase that are in use, in seconds. reqwest takes that limit per client,
# not per request, so there is one client for each that is needed.
_CONNECT_LIMITS = (CONNECT_TIMEOUT, 2.0, 1.0, 0.5, 0.2, 0.1, SHORTEST_CONNECT)

# hyper-util names the phase in which a request failed. Its phase "Connect" ends before the
# request is handed to a connection; every other phase is past that
# (hyper-util, client/legacy/client.rs, ErrorKind).
_CONNECT_PHASE = "client error (Connect)"

# A cancelled request goes on in pyreqwest's own thread until its own timeout, which therefore
# always is set, and is left to come first: it closes the connection. asyncio's timeout, so many
# seconds later, only guards against that thread hanging.
_GRACE = 1.0

_CLOSED = (
    "connection closed",
    "Connection reset",
    "Broken pipe",
    "end of file",
    "unexpected EOF",
)

# What rustls says when a handshake fails (rustls, src/error.rs).
_TLS = ("tls", "certificate", "corrupt message", "fatal alert")


class PyreqwestTransport:
    """Carries requests with one pyreqwest client per connect limit.

    With a ``pin`` it connects to the host of the pin at its address, and nowhere else if that host
    is all that it is asked for.
    """

    def __init__(self, max_connections: int, pin: Pin | None = None) -> None:
        self._max_connections = max_connections
        self._pin = pin
        # The usual client at once, so that what stands in its way shows when the worker starts.
        self._clients = {CONNECT_TIMEOUT: self._build(CONNECT_TIMEOUT)}

    async def send(
        self,
        request: HttpRequest,
        *,
        timeout: float,  # noqa: ASYNC109
        leave_within: float = math.inf,
    ) -> HttpResponse:
        """Carry ``request``; see :class:`worker.transport.base.Transport`.

        What has to leave soon goes through a client of its own, and may find no open connection
        there.
        """
        usual = connect_limit(timeout)
        limit = usual if leave_within >= usual else connect_limit(min(timeout, leave_within))
        try:
            outgoing = self._outgoing(request, timeout, limit)
        except ValueError:
            raise NotSent("bad_request") from None
        try:
            async with asyncio.timeout(timeout + _GRACE), outgoing as response:
                body = await _bounded_body(response)
                return HttpResponse(response.status, _Headers(response.headers), body)
        except TransportError:
            raise
        # Whatever the library raises, the fate of the message has to be told. The cause is cut
        # off because its text holds the URL.
        except Exception as error:
            raise _classified(error, hurried=limit < usual) from None

    def _outgoing(self, request: HttpRequest, timeout: float, limit: float) -> StreamRequest:
        return (
            self._client(limit)
            .request(request.method, request.url)
            .headers(dict(request.headers))
            .body_bytes(request.body)
            .timeout(timedelta(seconds=timeout))
            .build_streamed()
        )

    def _client(self, limit: float) -> Client:
        client = self._clients.get(limit)
        if client is None:
            client = self._clients[limit] = self._build(limit)
        return client

    def _build(self, connect_limit: float) -> Client:
        try:
            return self._builder(connect_limit).build()
        except BuilderError:
            # The system has no certificate authorities.
            builder = self._builder(connect_limit)
            for authority in bundled_authorities():
                builder = builder.add_root_certificate_pem(authority)
            return builder.build()

    def _builder(self, connect_limit: float) -> ClientBuilder:
        builder = ClientBuilder()
        if self._pin is not None:
            # The port is that of the URL, whatever is given here (reqwest, ClientBuilder::resolve).
            builder = builder.resolve(self._pin.host, str(self._pin.address), 0)
        return (
            builder.http1_only()
            .no_proxy()
            .follow_redirects(False)
            .referer(False)
            .default_cookie_store(False)
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .connect_timeout(timedelta(seconds=connect_limit))
            .max_connections(self._max_connections)
            .pool_max_idle_per_host(self._max_connections)
            .pool_idle_timeout(timedelta(seconds=IDLE_TIMEOUT))
        )

    async def aclose(self) -> None:
        """Close all connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.close()


def connect_limit(timeout: float) -> float:
    """How long connecting may take out of ``timeout`` seconds.

    Shorter than the whole, because only a timeout of the connect phase proves that the request
    was not sent; when the whole time is up, reqwest does not tell how far it came.
    """
    return next((limit for limit in _CONNECT_LIMITS if limit < timeout), _CONNECT_LIMITS[-1])


async def _bounded_body(response: Response) -> bytes:
    reader = response.body_reader
    body = bytearray()
    while (piece := await reader.read_chunk()) is not None:
        body += memoryview(piece)
        if len(body) > MAX_BODY:
            raise Uncertain("too_large")
    return bytes(body)


class _Headers(Mapping[str, str]):
    """Names in lower case, repeated fields joined by commas (RFC 9110, section 5.3).

    They are taken out of ``found`` when somebody asks for one, which is for hardly any answer. A
    field with bytes outside of ASCII cannot be read through pyreqwest and is left out.
    """

    __slots__ = ("_found", "_read")

    def __init__(self, found: HeaderMap) -> None:
        self._found = found
        self._read: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, str]:
        if self._read is None:
            self._read = {}
            for name in dict.fromkeys(self._found):
                with contextlib.suppress(ValueError):
                    self._read[name] = ", ".join(self._found.getall(name))
        return self._read


def _classified(error: Exception, *, hurried: bool) -> TransportError:
    """The phase decides, not the class: a reset after sending is a ``ConnectError`` as well."""
    messages = _messages(error)
    text = " ".join(messages)
    if isinstance(error, BuilderError):
        return NotSent("bad_request")
    # Raised by pyreqwest's own limit on requests under way, which counts cancelled ones too.
    if isinstance(error, PoolTimeoutError):
        return NotSent("pool")
    if _CONNECT_PHASE in messages:
        if not isinstance(error, TimeoutError):
            return NotSent(_connect_code(text))
        return TooLate() if hurried else NotSent("connect_timeout")
    if isinstance(error, TimeoutError):
        return Uncertain("read_timeout")
    if any(sign in text for sign in _CLOSED):
        return Uncertain("closed")
    return Uncertain("bad_reply" if isinstance(error, DecodeError) else "transport_error")


def _connect_code(text: str) -> str:
    if "Connection refused" in text:
        return "connection_refused"
    if "dns error" in text:
        return "dns"
    return "tls" if any(sign in text for sign in _TLS) else "connect_failed"


def _messages(error: Exception) -> list[str]:
    details: Any = getattr(error, "details", None) or {}
    return [cause["message"] for cause in details.get("causes") or []]
