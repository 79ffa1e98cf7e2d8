"""The SMSC, and a client that does not wait for seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.smpp import Fake
from tests.support.smpp_client import PAUSES
from tests.support.transports import SHORT
from worker.transport import factory, smpp, smpp_session
from worker.transport.smpp import SmppTransport


@pytest.fixture
def smsc() -> Iterator[Fake]:
    with Fake() as running:
        yield running


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    def brief(*args: Any, **more: Any) -> SmppTransport:
        return SmppTransport(*args, **{"pauses": PAUSES, **more})

    monkeypatch.setattr(factory, "SmppTransport", brief)
    monkeypatch.setattr(smpp, "PART_PAUSE", 0.01)
    monkeypatch.setattr(smpp_session, "ANSWER_SECONDS", SHORT)
