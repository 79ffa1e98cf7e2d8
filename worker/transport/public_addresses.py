"""Which addresses belong to the public Internet, and which to whoever runs this machine.

A request whose target a stranger named must not reach the networks that only we can reach: that is
server-side request forgery (https://owasp.org/www-community/attacks/Server_Side_Request_Forgery).
Pure: judges addresses, resolves nothing.
"""

from __future__ import annotations

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

#: All of IPv6 that is handed out to be reached from everywhere (IANA, IPv6 Address Space). What
#: stands beside it is local, or carries an IPv4 address that another machine would unpack: mapped
#: and compatible ones, NAT64 (RFC 6052).
_GLOBAL_UNICAST = IPv6Network("2000::/3")

#: Inside of it: IPv4 addresses once more (6to4, RFC 3056), and what Python 3.11 does not know as
#: documentation (RFC 9637).
_NOT_REACHED = (IPv6Network("2002::/16"), IPv6Network("3fff::/20"))

#: Not for us either. Protocol assignments, of which Python 3.11 knows some only, and Oracle's
#: metadata is among the others; 6to4 relays (RFC 7526); what the host of a virtual machine answers
#: itself at Azure (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
#: The metadata of the other clouds is at addresses that are link-local or private.
_OWN = tuple(map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))

# RFC 3986, section 3.2, without what URL libraries read differently: user names, escapes, letters
# beyond ASCII.
_AUTHORITY = re.compile(
    r"https?://(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?))"
    r"(?::(?P<port>[0-9]{1,5}))?(?=[/?]|\Z)"
)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address may be connected to on a stranger's behalf."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        inside = any(address in network for network in _NOT_REACHED)
        return address in _GLOBAL_UNICAST and address.is_global and not inside
    own = address.is_multicast or any(address in network for network in _OWN)
    return address.is_global and not own


def target(url: str) -> tuple[str, int]:
    """The host, in lower case, and the port of a URL that all URL libraries read alike.

    Raises:
        ValueError: it is another one. A host that ends in a number and is no IPv4 address in its
            usual form is refused: some take 2130706433 or 0x7f.1 for 127.0.0.1.
    """
    scheme, _, rest = url.partition("://")
    authority = rest.partition("/")[0].partition("?")[0].lower()
    found = _AUTHORITY.match(f"{scheme}://{authority}")
    if found is None:
        raise ValueError("bad_host")
    host = found["v6"] or found["name"]
    if literal(host) is None and (found["v6"] or _ends_in_a_number(host)):
        raise ValueError("bad_host")
    return host, int(found["port"] or (443 if scheme == "https" else 80))


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, ``None`` if it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _ends_in_a_number(host: str) -> bool:
    # WHATWG URL, "ends in a number checker".
    last = host.rpartition(".")[2]
    return last.isdecimal() or re.fullmatch(r"0x[0-9a-f]*", last) is not None
