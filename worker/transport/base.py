"""The transport contract: carry one request, and say for certain whether it left."""

from __future__ import annotations

from typing import Protocol

from worker.adapters.base import HttpRequest, HttpResponse


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

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Carry ``request`` and read the whole response, within ``timeout`` seconds.

        Raises:
            NotSent: certainly not sent.
            Uncertain: it may have arrived.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...
