"""Providers that want an access token with each request (RFC 6749)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from worker.adapters.base import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and for how long it is good, in seconds."""

    value: str = field(repr=False)
    seconds: float


@runtime_checkable
class Authorizer(Protocol):
    """What an adapter also is whose provider wants an access token (RFC 6749) with each request.

    The transport asks for one beforehand and puts it in the field ``Authorization``.
    """

    def token_request(self) -> HttpRequest:
        """The request that asks for a token."""
        ...

    def decode_token(self, response: HttpResponse) -> Token:
        """The token in the answer.

        Raises:
            ValueError: the answer holds none; the message is a short code without any secret.
        """
        ...
