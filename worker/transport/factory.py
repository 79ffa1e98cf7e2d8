"""Opens transports by name."""

from __future__ import annotations

from typing import Literal, get_args

from worker.transport.base import Transport
from worker.transport.bounded import BoundedTransport
from worker.transport.httpx_transport import HttpxTransport
from worker.transport.pyreqwest_transport import PyreqwestTransport

TransportName = Literal["httpx", "pyreqwest"]

TRANSPORTS: tuple[TransportName, ...] = get_args(TransportName)

#: pyreqwest passes every case of tests/contract/test_transport_*.py. httpx passes all but
#: one (see :class:`HttpxTransport`) and carries a fraction of the requests per second.
DEFAULT_TRANSPORT: TransportName = "pyreqwest"


def open_transport(name: TransportName, max_connections: int) -> Transport:
    """A transport with at most ``max_connections`` requests under way; close it with ``aclose``.

    Call it inside the event loop that will use it.
    """
    inner = HttpxTransport() if name == "httpx" else PyreqwestTransport(max_connections)
    return BoundedTransport(inner, max_connections)
