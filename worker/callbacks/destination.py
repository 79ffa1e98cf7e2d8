"""Where a callback goes: its URL taken apart, so that what is checked is what is connected to.

Pure; names are resolved elsewhere.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes, urlsplit

from campaigns.settings import Network
from worker.transport.pin import Address
from worker.transport.public_addresses import is_public, target

#: Everything visible in ASCII: only what cannot stand in a request line is escaped.
_AS_IT_IS = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True)
class Destination:
    """What a client has to know of a URL."""

    scheme: str
    host: str
    port: int
    #: Path and query, byte by byte as the caller wrote them.
    target: str = field(repr=False)
    #: The value of the field Host.
    authority: str
    #: Of the field Authorization, where the URL has a user name.
    authorization: str | None = field(default=None, repr=False)


def destination(url: str) -> Destination:
    """The destination that ``url`` names.

    Raises:
        ValueError: URL libraries would not read it all alike; see
            :func:`worker.transport.public_addresses.target`.
    """
    parts = urlsplit(url)
    account, at, authority = parts.netloc.rpartition("@")
    scheme, authority = parts.scheme.lower(), _ascii(authority)
    host, port = target(f"{scheme}://{authority}")
    if port > 65_535 or port == 0:
        raise ValueError("bad_port")
    # Not out of `parts`: an empty query and a fragment that looks like one would be lost.
    rest = url.partition("#")[0].partition("://")[2][len(parts.netloc) :]
    path = quote(rest if rest.startswith("/") else f"/{rest}", safe=_AS_IT_IS)
    return Destination(scheme, host, port, path, authority.lower(), _basic(account) if at else None)


def may_connect(address: Address, networks: Collection[Network]) -> bool:
    """Whether an address is public, or in one of ``networks``."""
    mapped = getattr(address, "ipv4_mapped", None) or address
    return is_public(address) or any(mapped in network for network in networks)


def _ascii(authority: str) -> str:
    """Names with other letters in their form for name servers (RFC 3490)."""
    if authority.isascii():
        return authority
    host, colon, port = authority.partition(":")
    return host.encode("idna").decode("ascii") + colon + port


def _basic(account: str) -> str:
    user, _, password = account.partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return "Basic " + base64.b64encode(pair).decode("ascii")
