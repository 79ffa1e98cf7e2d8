"""Sending over SMPP in tests."""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from campaigns.template.content import Text
from tests.fakes.smpp import PROFILE
from tests.support.transports import AMPLE
from worker.adapters.base import Message, Outcome, Report
from worker.adapters.receiving import Inbound
from worker.adapters.smpp import SmppAdapter
from worker.adapters.smpp_exchange import SmppReply, SmppRequest
from worker.transport import factory
from worker.transport.base import AnyTransport, TransportError

#: Instead of seconds.
PAUSES = (0.01, 0.02)

LONG = "a" * 400


def adapter(**options: Any) -> SmppAdapter:
    found = PROFILE.adapter(**options)
    assert isinstance(found, SmppAdapter)
    return found


def request(text: str = "Hello", to: str = "353861234567") -> SmppRequest:
    return adapter().encode([Message("17-0-aaaaaaaaaaaaa", to, "Shop", Text(text))])


class Kept:
    """Keeps reports and messages; fails as often as it is told to."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.messages: list[Inbound] = []
        self.failures = 0

    async def __call__(self, account: str, found: Sequence[Report]) -> None:
        self._check(account)
        self.reports += found

    async def obey(self, account: str, found: Sequence[Inbound]) -> None:
        self._check(account)
        self.messages += found

    def _check(self, account: str) -> None:
        assert account == "carrier"
        if self.failures:
            self.failures -= 1
            raise OSError


@contextlib.asynccontextmanager
async def opened(url: str, kept: Kept | None = None, **options: Any) -> AsyncIterator[AnyTransport]:
    config = PROFILE.config(url=url, **options)
    kept = kept or Kept()
    transport = factory.connect(config, adapter(url=url, **options), kept, kept.obey)
    try:
        yield transport
    finally:
        await transport.aclose()


async def send(
    transport: AnyTransport,
    text: str = "Hello",
    timeout: float = AMPLE,
    leave_within: float = math.inf,
    **more: Any,
) -> SmppReply:
    found: SmppReply = await transport.send(
        request(text, **more), timeout=timeout, leave_within=leave_within
    )
    return found


async def failure(transport: AnyTransport, *args: Any, **more: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await send(transport, *args, **more)
    return caught.value


def meaning(reply: SmppReply) -> Outcome:
    (found,) = adapter().decode([], reply) or [adapter()._outcome(reply)]
    return found
