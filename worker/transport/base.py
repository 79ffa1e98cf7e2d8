"""The transport contract: carry one request, and say for certain whether it left."""

from __future__ import annotations

from typing import Protocol

from worker.adapters.base import HttpRequest, HttpResponse

#: Longest connect phase in seconds, name resolution and TLS included.
CONNECT_TIMEOUT = 5.0

#: How long an unused connection is kept, in seconds. Apache, Node and uvicorn drop one after 5 s by
#: default: a request that leaves just then is lost, and nobody can say how much of it was read.
IDLE_TIMEOUT = 4.0

#: Longest body that is read, in bytes; answers to a message are a few hundred.
MAX_BODY = 1024 * 1024


class TransportError(Exception):
    """No usable response. ``code`` is a short word for the ledger, without any address."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class NotSent(TransportError):
    """It is certain that the provider did not get the request."""


class Uncertain(TransportError):
    """The provider may have got the request."""


class Transport(Protocol):
    """Carries requests; opened inside the event loop that uses it."""

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:  # noqa: ASYNC109
        """Carry ``request`` and read the whole response, within ``timeout`` seconds.

        Raises:
            NotSent: certainly not sent.
            Uncertain: it may have arrived.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections, once the requests under way are done; nothing is sent after."""
        ...
