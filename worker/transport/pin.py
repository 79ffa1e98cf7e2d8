"""Where a client may connect to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

Address = IPv4Address | IPv6Address


class Pin(NamedTuple):
    """A host, and the only address at which it is to be connected to."""

    host: str
    address: Address
