"""Every transport, and the server that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.fault_server import FaultServer
from worker.transport.factory import TRANSPORTS, TransportName


@pytest.fixture(params=TRANSPORTS)
def transport_name(request: pytest.FixtureRequest) -> TransportName:
    chosen: TransportName = request.param
    return chosen


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running
