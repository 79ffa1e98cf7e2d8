"""The transport contract: carry one request, and say for certain whether it left."""

from __future__ import annotations

import math
from typing import Any, Protocol, TypeVar

from worker.adapters.base import HttpRequest, HttpResponse

#: Longest connect phase in seconds, name resolution and TLS included.
CONNECT_TIMEOUT = 5.0

#: The shortest time in which connecting can be asked to succeed, in seconds.
SHORTEST_CONNECT = 0.05

#: How long an unused connection is kept, in seconds. Apache, Node and uvicorn drop one after 5 s by
#: default: a request that leaves just then is lost, and nobody can say how much of it was read.
IDLE_TIMEOUT = 4.0

#: Longest body that is read, in bytes; answers to a message are a few hundred.
MAX_BODY = 1024 * 1024


#: What is carried, and what comes back: of most adapters an HTTP request and its response.
RequestT = TypeVar("RequestT", contravariant=True)
ResponseT = TypeVar("ResponseT", covariant=True)


class TransportError(Exception):
    """No usable response. ``code`` is a short word for the ledger, without any address."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class NotSent(TransportError):
    """It is certain that the provider did not get the request."""


class TooLate(NotSent):
    """No connection within the time that the caller had left for it. Says nothing about the
    provider: it might have been there a moment later."""

    def __init__(self) -> None:
        super().__init__("too_late")


class Refused(NotSent):
    """Not sent, because the provider refused the account before the request could leave."""


class NotSentElsewhere(NotSent):
    """Not sent, because the recipient's own server is not to be had. Says nothing about the
    account."""


class Uncertain(TransportError):
    """The provider may have got the request."""


class UncertainElsewhere(Uncertain):
    """The recipient's own server may have got the request. Says nothing about the account."""


class BrokenOff(Uncertain):
    """We ourselves stopped waiting for the answer, before its time was up."""

    def __init__(self) -> None:
        super().__init__("shutdown")


class Sender(Protocol[RequestT, ResponseT]):
    """Carries requests; opened inside the event loop that uses it."""

    async def send(
        self,
        request: RequestT,
        *,
        timeout: float,  # noqa: ASYNC109
        leave_within: float = math.inf,
    ) -> ResponseT:
        """Carry ``request`` and read the whole response, within ``timeout`` seconds.

        It does not begin to leave more than ``leave_within`` seconds from now, however long
        connecting takes; values below :data:`SHORTEST_CONNECT` count as that.

        Raises:
            TooLate: it would have left too late.
            NotSent: certainly not sent.
            Uncertain: it may have arrived.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections, once the requests under way are done; nothing is sent after."""
        ...


class Transport(Sender[RequestT, ResponseT], Protocol[RequestT, ResponseT]):
    """A sender whose requests can be given up."""

    def break_off(self) -> None:
        """Stop waiting for the answers to what is under way: it is ``BrokenOff``. What is not
        under way yet is ``TooLate`` from here on."""
        ...


HttpSender = Sender[HttpRequest, HttpResponse]
HttpTransport = Transport[HttpRequest, HttpResponse]

#: A transport of whatever protocol, as the engine holds it.
AnyTransport = Transport[Any, Any]
