"""One POST to a stranger's server: bounded in time, in what is read, and in where it may go.

The name is resolved here and its addresses are judged; the client is given one that was judged, so
an answer of the name server's that changes in between (DNS rebinding) changes nothing. Redirects
are not followed: whoever moved changes the URL.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx

from campaigns.settings import Network
from worker.callbacks.destination import Destination, destination, may_connect
from worker.transport.pin import Address
from worker.transport.public_addresses import literal
from worker.transport.reasons import connect_code
from worker.transport.resolving import Resolver, system_resolver
from worker.transport.trust import tls_context

#: For all of one attempt: looking up, connecting, sending and the head of the answer. Seconds.
TIMEOUT = 10.0
_CONNECT_TIMEOUT = 5.0

#: Name servers of strangers that are waited for at once.
_LOOKUPS = 32

_USER_AGENT = "Sluice-Callbacks/1"


class Refused(Exception):
    """Nothing is connected to; ``code`` says why, without any address."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Poster:
    """Posts; used inside one event loop."""

    def __init__(
        self, networks: Collection[Network] = (), *, resolve: Resolver = system_resolver
    ) -> None:
        self._networks = networks
        self._resolve = resolve
        self._tls = tls_context()
        self._threads = ThreadPoolExecutor(_LOOKUPS, "lookup")

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, within: float = TIMEOUT
    ) -> str | None:
        """Post ``body``; ``None`` if the receiver took it, else a short word that says why not.

        The word holds neither the URL nor an address: ``http_503``, ``timeout``, ``dns``,
        ``private_address``, ``connection_refused``, ``tls``, ``closed``.
        """
        try:
            async with asyncio.timeout(within):
                status = await self._exchange(url, headers, body)
        except Refused as refused:
            return refused.code
        except (TimeoutError, httpx.TimeoutException):
            return "timeout"
        # Whatever the libraries below raise. Its text may hold the URL.
        except Exception as error:
            return _code(error)
        return None if 200 <= status < 300 else f"http_{status}"

    def close(self) -> None:
        """Wait for no look-up any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        try:
            to = destination(url)
        except ValueError:
            raise Refused("bad_url") from None
        address = await self._address(to.host)
        # A connection of its own: the next message may be minutes away, and a client that keeps
        # none cannot mistake an answer. The layer below httpx.Client has no redirects, no cookies
        # and no proxies that would have to be switched off.
        async with httpx.AsyncHTTPTransport(
            verify=self._tls, trust_env=False, retries=0, limits=httpx.Limits(max_connections=1)
        ) as client:
            response = await client.handle_async_request(_request(to, address, headers, body))
            try:
                # The status says it all; the rest is left where it is.
                return response.status_code
            finally:
                await response.aclose()

    async def _address(self, host: str) -> Address:
        """One of the host's addresses that may be connected to, any of them."""
        number = literal(host)
        if number is not None:
            found = [number]
        else:
            loop = asyncio.get_running_loop()
            try:
                found = list(await loop.run_in_executor(self._threads, self._resolve, host))
            except (OSError, ValueError):
                raise Refused("dns") from None
        allowed = [one for one in found if may_connect(one, self._networks)]
        if not allowed:
            raise Refused("private_address" if found else "dns")
        return secrets.choice(allowed)


def _request(
    to: Destination, address: Address, headers: Mapping[str, str], body: bytes
) -> httpx.Request:
    fields = {
        "host": to.authority,
        "user-agent": _USER_AGENT,
        "accept": "*/*",
        "connection": "close",
        **headers,
    }
    if to.authorization is not None:
        fields["authorization"] = to.authorization
    number = f"[{address}]" if address.version == 6 else str(address)
    return httpx.Request(
        "POST",
        f"{to.scheme}://{number}:{to.port}/",
        headers=fields,
        content=body,
        extensions={
            "timeout": {"connect": _CONNECT_TIMEOUT},
            # Certificates are verified for this name
            # (https://www.encode.io/httpcore/extensions/#sni_hostname), and the request line has
            # the caller's own bytes (https://www.encode.io/httpcore/extensions/#target).
            "sni_hostname": to.host,
            "target": to.target.encode("ascii"),
        },
    )


def _code(error: Exception) -> str:
    match error:
        case httpx.ConnectError():
            return connect_code(error)
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return "closed"
        case _:
            return "failed"
