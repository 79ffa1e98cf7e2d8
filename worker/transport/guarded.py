"""HTTP to servers that strangers named, on the public Internet only.

A name is resolved here, its addresses are judged, and the client is given the one to connect to:
what was judged is what is connected to, and an answer of the name server's that changes in between
(DNS rebinding) changes nothing. Certificates are verified for the name all the same.

Neither client has a hook for that which runs while it connects: reqwest takes fixed addresses when
a client is built, and httpcore connects to whatever the URL says. So each host has a client of its
own, made for its address. An account has a handful of hosts, those of the browsers' vendors.

A stranger's server can also be slow on purpose. Requests to hosts that are not
:attr:`worker.adapters.base.Capabilities.trusted_hosts` share a quarter of the places, and what goes
wrong with them is told apart, so that it counts for their recipients and not for the account.

Strangers can also name what is not there: another port of a trusted host, or any name in a trusted
domain. Who cannot be connected to there concerns that recipient alone, too.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from campaigns.clock import Clock
from worker.adapters.base import HttpRequest, HttpResponse, is_trusted
from worker.transport.base import (
    CONNECT_TIMEOUT,
    SHORTEST_CONNECT,
    BrokenOff,
    HttpSender,
    NotSent,
    NotSentElsewhere,
    TooLate,
    Uncertain,
    UncertainElsewhere,
)
from worker.transport.pin import Address, Pin
from worker.transport.public_addresses import is_public, literal, target
from worker.transport.resolving import Resolver, system_resolver

#: Seconds for which an address is used before its name is looked up again.
FRESH = 60.0

#: Hosts whose clients are kept.
MOST_HOSTS = 32

#: Look-ups at once, of trusted hosts and of others: a stranger's name server can be slow, too.
_LOOKUPS = 4


class _Site(NamedTuple):
    """Where a request goes: the host, and its name with the port where that is not the usual one.

    Each has a client of its own, so that no closed port counts for the others.
    """

    host: str
    name: str


@dataclass(slots=True)
class _Lane:
    """The client of one host."""

    pin: Pin
    client: HttpSender
    fresh_until: float
    #: Requests under way.
    users: int = 0
    #: To be closed by whoever leaves last.
    retired: bool = False


@dataclass(slots=True)
class _Host:
    lane: _Lane | None = None
    looking_up: asyncio.Task[_Lane] | None = None
    #: Addresses at which it did not answer lately.
    dead: set[Address] = field(default_factory=set)


class Guarded:
    """Carries each request with a client that can only connect to a public address of its host."""

    def __init__(
        self,
        open_client: Callable[[Pin], HttpSender],
        trusted: Collection[str],
        max_connections: int,
        clock: Clock,
        *,
        resolve: Resolver = system_resolver,
        may_connect: Callable[[Address], bool] = is_public,
    ) -> None:
        self._open_client = open_client
        self._trusted = trusted
        self._clock = clock
        self._resolve = resolve
        self._may_connect = may_connect
        self._strangers = max(max_connections // 4, 1)
        self._hosts: dict[str, _Host] = {}
        self._threads = {
            trusted: ThreadPoolExecutor(_LOOKUPS, "lookup") for trusted in (True, False)
        }
        self._closing: set[asyncio.Task[None]] = set()

    async def send(
        self,
        request: HttpRequest,
        *,
        timeout: float,  # noqa: ASYNC109
        leave_within: float = math.inf,
    ) -> HttpResponse:
        """Carry ``request``; see :class:`worker.transport.base.Transport`.

        Raises:
            TooLate: as the client says, or strangers have all of their places.
            NotSent: the host of a trusted service cannot be connected to.
            NotSentElsewhere: another host cannot, one of a trusted domain among them, or has no
                public address.
            Uncertain: as the client says, of a trusted host.
            UncertainElsewhere: the same of another one.
        """
        try:
            host, port = target(request.url)
        except ValueError as error:
            raise NotSentElsewhere(str(error)) from None
        usual = 443 if request.url[:6].lower() == "https:" else 80
        site = _Site(host, host if port == usual else f"{host}:{port}")
        if is_trusted(site.name, self._trusted):
            try:
                return await self._carry(site, request, timeout, leave_within, is_known=True)
            except TooLate:
                raise
            except NotSent as error:
                if site.name in self._trusted:
                    raise
                raise NotSentElsewhere(error.code) from None
        if not self._strangers:
            raise TooLate
        self._strangers -= 1
        try:
            return await self._carry(site, request, timeout, leave_within, is_known=False)
        except (TooLate, BrokenOff):
            raise
        except NotSent as error:
            raise NotSentElsewhere(error.code) from None
        except Uncertain as error:
            raise UncertainElsewhere(error.code) from None
        finally:
            self._strangers += 1

    async def aclose(self) -> None:
        """Close all connections."""
        hosts, self._hosts = self._hosts, {}
        for one in hosts.values():
            if one.looking_up is not None:
                one.looking_up.cancel()
            self._retire(one)
        await asyncio.gather(*self._closing)
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)

    async def _carry(
        self,
        site: _Site,
        request: HttpRequest,
        timeout: float,  # noqa: ASYNC109
        leave_within: float,
        *,
        is_known: bool,
    ) -> HttpResponse:
        begun = self._clock.monotonic()
        lane = await self._lane(site, timeout, leave_within, is_known=is_known)
        waited = self._clock.monotonic() - begun
        if lane.retired or waited > max(leave_within, SHORTEST_CONNECT):
            raise TooLate
        lane.users += 1
        try:
            return await lane.client.send(
                request, timeout=timeout - waited, leave_within=leave_within - waited
            )
        except TooLate:
            raise
        except NotSent:
            self._give_up(site, lane)
            raise
        finally:
            lane.users -= 1
            if lane.retired and not lane.users:
                self._close(lane)

    async def _lane(
        self,
        site: _Site,
        timeout: float,  # noqa: ASYNC109
        leave_within: float,
        *,
        is_known: bool,
    ) -> _Lane:
        known = self._hosts.get(site.name) or self._add(site.name)
        lane = known.lane
        if lane is not None and self._clock.monotonic() < lane.fresh_until:
            return lane
        if known.looking_up is None:
            known.looking_up = asyncio.create_task(
                self._look_up(site.host, known, is_known=is_known)
            )
            known.looking_up.add_done_callback(_seen)
        usual = min(CONNECT_TIMEOUT, timeout)
        patience = min(usual, max(leave_within, SHORTEST_CONNECT))
        try:
            async with asyncio.timeout(patience):
                # Others may wait for the same one.
                return await asyncio.shield(known.looking_up)
        except TimeoutError:
            raise (TooLate() if patience < usual else NotSent("dns")) from None

    async def _look_up(self, host: str, known: _Host, *, is_known: bool) -> _Lane:
        try:
            address = await self._address(host, known, is_known=is_known)
            fresh_until = self._clock.monotonic() + FRESH
            if known.lane is not None and known.lane.pin.address == address:
                known.lane.fresh_until = fresh_until
                return known.lane
            self._retire(known)
            pin = Pin(host, address)
            known.lane = _Lane(pin, self._open_client(pin), fresh_until)
            return known.lane
        finally:
            known.looking_up = None

    async def _address(self, host: str, known: _Host, *, is_known: bool) -> Address:
        """The address to connect to: one that was not dead lately, if there is such a one."""
        number = literal(host)
        if number is not None:
            found: Sequence[Address] = [number]
        else:
            loop = asyncio.get_running_loop()
            try:
                found = await loop.run_in_executor(self._threads[is_known], self._resolve, host)
            except (OSError, ValueError):
                raise NotSent("dns") from None
        allowed = [one for one in found if self._may_connect(one)]
        if not allowed:
            raise NotSent("private_address" if found else "dns")
        alive = [one for one in allowed if one not in known.dead]
        if not alive:
            known.dead.clear()
        return (alive or allowed)[0]

    def _add(self, name: str) -> _Host:
        """Room for one more host; of those that nobody uses, the oldest makes it."""
        if len(self._hosts) >= MOST_HOSTS:
            idle = (name for name, one in self._hosts.items() if not _is_busy(one))
            oldest = next(idle, None)
            if oldest is not None:
                self._retire(self._hosts.pop(oldest))
        found = self._hosts[name] = _Host()
        return found

    def _give_up(self, site: _Site, lane: _Lane) -> None:
        """Try another address next time."""
        known = self._hosts.get(site.name)
        if known is not None and known.lane is lane:
            known.dead.add(lane.pin.address)
            self._retire(known)

    def _retire(self, known: _Host) -> None:
        lane, known.lane = known.lane, None
        if lane is not None:
            lane.retired = True
            if not lane.users:
                self._close(lane)

    def _close(self, lane: _Lane) -> None:
        task = asyncio.create_task(lane.client.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _is_busy(known: _Host) -> bool:
    return known.looking_up is not None or (known.lane is not None and known.lane.users > 0)


def _seen(task: asyncio.Task[_Lane]) -> None:
    """Nobody may be left who waits for it."""
    if not task.cancelled():
        task.exception()
