"""Looking names up."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Protocol

from worker.transport.pin import Address


class Resolver(Protocol):
    """Looks names up; blocks."""

    def __call__(self, host: str) -> Sequence[Address]:
        """The addresses of a name, the best one first.

        Raises:
            OSError: it has none.
        """
        ...


def system_resolver(host: str) -> Sequence[Address]:
    """What the operating system says."""
    found = socket.getaddrinfo(
        host, None, type=socket.SOCK_STREAM, flags=socket.AddressInfo.AI_ADDRCONFIG
    )
    # An IPv6 address may come with its zone.
    return [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
