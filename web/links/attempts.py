"""How often a client may ask for what does not exist, so that nobody tries codes one by one.

A token bucket for each client address, in this process's memory. Only requests that led nowhere
count, so whoever follows links is never held up.
"""

from __future__ import annotations

import ipaddress
import threading

#: Wrong attempts at once, and how long until the next one, in seconds.
BURST = 10
SECONDS_EACH = 6.0

#: More clients than this are not remembered at once.
MOST_KNOWN = 50_000


class Attempts:
    """May be asked by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: When the bucket of a client would be full again, in monotonic seconds.
        self._full: dict[str, float] = {}

    def wait(self, client: str, now: float) -> float:
        """Seconds until this client may ask again; 0: now."""
        with self._lock:
            return max(self._full.get(client, now) - now - (BURST - 1) * SECONDS_EACH, 0.0)

    def missed(self, client: str, now: float) -> None:
        """It asked for something that does not exist."""
        with self._lock:
            full = max(self._full.pop(client, now), now) + SECONDS_EACH
            # Put in again at the end: the first ones are those who were quiet longest.
            self._full[client] = full
            if len(self._full) > MOST_KNOWN:
                del self._full[next(iter(self._full))]


def client_of(host: str | None) -> str:
    """Who a client address is: of IPv6 the network of 64 bits, which one subscriber has all of."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return host or ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
