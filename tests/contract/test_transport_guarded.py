"""Requests to servers that strangers named: the public Internet only, and nobody else's business.

On loopback, which is not public: where something is to be reached, the rule is another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Sequence
from functools import partial
from ipaddress import ip_address
from typing import Any

import pytest

from campaigns.clock import SystemClock
from campaigns.providers import ProviderConfig
from tests.fakes.webpush import PROFILE
from tests.support.clock import FakeClock
from tests.support.fault_server import FaultServer, unused_port
from tests.support.faults import sends
from tests.support.transports import AMPLE, OK, SHORT, post, run
from worker.adapters.base import HttpResponse
from worker.transport import factory
from worker.transport.base import (
    NotSent,
    NotSentElsewhere,
    TooLate,
    TransportError,
    UncertainElsewhere,
)
from worker.transport.factory import TransportName
from worker.transport.guarded import FRESH, MOST_HOSTS, Guarded
from worker.transport.pin import Address

LOOPBACK = ip_address("127.0.0.1")
#: Another address of this machine, at which nobody listens.
DEAF = ip_address("127.0.0.2")

#: Resolved by nobody but the tests (RFC 2606, section 2).
HOST = "push.example.test"


class Names:
    """A name server; the last answer to a name stays."""

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, list[Any]] = {HOST: [LOOPBACK], **answers}
        self.asked: list[str] = []

    def __call__(self, host: str) -> Sequence[Address]:
        self.asked.append(host)
        answers = self.answers.get(host, [OSError])
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if found is OSError:
            raise OSError(host)
        return [found] if not isinstance(found, list) else found


def anywhere(_: Address) -> bool:
    return True


@contextlib.asynccontextmanager
async def guarded(
    name: TransportName,
    names: Names,
    *,
    clock: Any = None,
    trusted: Sequence[str] = (),
    **more: Any,
) -> AsyncIterator[Guarded]:
    more.setdefault("may_connect", anywhere)
    transport = Guarded(
        partial(factory._client, name, 4), trusted, 4, clock or SystemClock(), resolve=names, **more
    )
    try:
        yield transport
    finally:
        await transport.aclose()


async def ask(transport: Guarded, url: str, timeout: float = AMPLE) -> HttpResponse:
    return await transport.send(post(url), timeout=timeout)


async def refusal(transport: Guarded, url: str, timeout: float = AMPLE) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await ask(transport, url, timeout)
    return caught.value


def test_it_connects_to_the_address_that_was_judged(
    transport_name: TransportName, server: FaultServer
) -> None:
    """Nobody but the test knows the name: had the client looked it up, it would not be there."""

    async def main() -> list[int]:
        async with guarded(transport_name, Names()) as transport:
            url = f"http://{HOST}:{server.port}/messages"
            return [(await ask(transport, url)).status for _ in range(3)]

    assert run(main()) == [200, 200, 200]
    head, _ = server.received[0]
    assert f"host: {HOST}:{server.port}".encode() in head.lower()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "localhost",
        HOST,
        "2130706433",
    ],
)
def test_nothing_private_is_connected_to(
    transport_name: TransportName, server: FaultServer, host: str
) -> None:
    """By the rule that is in force outside of tests."""

    async def main() -> TransportError:
        names = Names(localhost=[LOOPBACK])
        transport = Guarded(
            partial(factory._client, transport_name, 4), (), 4, SystemClock(), resolve=names
        )
        try:
            return await refusal(transport, f"http://{host}:{server.port}/messages")
        finally:
            await transport.aclose()

    found = run(main())
    assert isinstance(found, NotSentElsewhere)
    assert found.code in ("private_address", "bad_host")
    assert server.arrivals == 0


def test_of_several_addresses_only_public_ones_count(
    transport_name: TransportName, server: FaultServer
) -> None:
    async def main() -> HttpResponse:
        names = Names(**{HOST: [[DEAF, LOOPBACK]]})
        async with guarded(transport_name, names, may_connect=LOOPBACK.__eq__) as transport:
            return await ask(transport, f"http://{HOST}:{server.port}/messages")

    assert run(main()).status == 200


def test_a_name_that_changes_its_mind_is_judged_anew(
    transport_name: TransportName, server: FaultServer
) -> None:
    """DNS rebinding: public for the check, private for the connection."""

    async def main() -> tuple[HttpResponse, HttpResponse, TransportError, list[str]]:
        names, clock = Names(**{HOST: [LOOPBACK, DEAF]}), FakeClock()
        async with guarded(
            transport_name, names, clock=clock, may_connect=LOOPBACK.__eq__
        ) as transport:
            url = f"http://{HOST}:{server.port}/messages"
            first = await ask(transport, url)
            clock.advance(FRESH - 1)
            second = await ask(transport, url)
            clock.advance(1)
            return first, second, await refusal(transport, url), names.asked

    first, second, found, asked = run(main())
    assert (first.status, second.status, found.code) == (200, 200, "private_address")
    assert asked == [HOST, HOST]


def test_another_address_is_tried_after_one_that_is_dead(
    transport_name: TransportName, server: FaultServer
) -> None:
    async def main() -> tuple[TransportError, HttpResponse]:
        async with guarded(transport_name, Names(**{HOST: [[DEAF, LOOPBACK]]})) as transport:
            url = f"http://{HOST}:{server.port}/messages"
            return await refusal(transport, url), await ask(transport, url)

    found, answer = run(main())
    assert isinstance(found, NotSentElsewhere)
    assert found.code == "connection_refused"
    assert answer.status == 200


def test_a_trusted_service_that_is_not_there_concerns_the_account(
    transport_name: TransportName,
) -> None:
    async def main() -> list[TransportError]:
        port = unused_port()
        trusted = [f"{HOST}:{port}", "unknown.example.test"]
        async with guarded(transport_name, Names(), trusted=trusted) as transport:
            return [
                await refusal(transport, f"http://{HOST}:{port}/"),
                await refusal(transport, "http://unknown.example.test/"),
            ]

    refused, unknown = run(main())
    assert (type(refused), refused.code) == (NotSent, "connection_refused")
    assert (type(unknown), unknown.code) == (NotSent, "dns")


def test_a_port_or_a_name_that_a_stranger_made_up_does_not(
    transport_name: TransportName, server: FaultServer
) -> None:
    """Nor does it keep the service itself from being reached."""

    async def main() -> tuple[list[TransportError], int]:
        trusted = [f"{HOST}:{server.port}", ".trusted.test"]
        async with guarded(transport_name, Names(), trusted=trusted) as transport:
            answer = await ask(transport, f"http://{HOST}:{server.port}/messages")
            return [
                await refusal(transport, f"http://{HOST}:{unused_port()}/"),
                await refusal(transport, "http://made-up.trusted.test/"),
            ], answer.status

    found, status = run(main())
    assert all(isinstance(one, NotSentElsewhere) for one in found)
    assert found[1].code == "dns"
    assert status == 200


def test_a_strangers_silence_does_not(transport_name: TransportName, server: FaultServer) -> None:
    server.script(sends(OK))

    async def main() -> list[TransportError]:
        async with guarded(transport_name, Names()) as transport:
            return [
                await refusal(transport, f"http://{HOST}:{server.port}/messages", SHORT),
                await refusal(transport, "http://unknown.example.test/"),
            ]

    silent, unknown = run(main())
    assert isinstance(silent, UncertainElsewhere)
    assert (type(unknown), unknown.code) == (NotSentElsewhere, "dns")


def test_strangers_take_a_quarter_of_the_places_at_most(
    transport_name: TransportName, server: FaultServer
) -> None:
    """Here one of four. Looking a name up counts, too, and does not hold up a trusted one."""
    asked, go_on = threading.Event(), threading.Event()

    class Slow(Names):
        def __call__(self, host: str) -> Sequence[Address]:
            if host == "slow.example":
                asked.set()
                assert go_on.wait(AMPLE)
            return super().__call__(host)

    async def main() -> tuple[TransportError, int]:
        names = Slow(**{"slow.example": [LOOPBACK]})
        async with guarded(transport_name, names, trusted=[f"{HOST}:{server.port}"]) as transport:
            slow = asyncio.create_task(ask(transport, f"http://slow.example:{server.port}/"))
            assert await asyncio.to_thread(asked.wait, AMPLE)
            found = await refusal(transport, f"http://other.example:{server.port}/")
            status = (await ask(transport, f"http://{HOST}:{server.port}/")).status
            go_on.set()
            assert (await slow).status == 200
            assert (await ask(transport, f"http://slow.example:{server.port}/")).status == 200
            return found, status

    found, status = run(main())
    assert isinstance(found, TooLate)
    assert status == 200


def test_any_number_of_hosts_keeps_few_clients(
    transport_name: TransportName, server: FaultServer
) -> None:
    async def main() -> int:
        hosts = [f"h{number}.example" for number in range(MOST_HOSTS + 8)]
        async with guarded(transport_name, Names(**{host: [LOOPBACK] for host in hosts})) as one:
            for host in hosts:
                assert (await ask(one, f"http://{host}:{server.port}/")).status == 200
            return len(one._hosts)

    assert run(main()) == MOST_HOSTS


@pytest.mark.parametrize(("url", "is_guarded"), [("", True), ("http://127.0.0.1:9000", False)])
def test_the_account_decides_whether_it_is_guarded(
    transport_name: TransportName, server: FaultServer, url: str, *, is_guarded: bool
) -> None:
    """Only a relay of the account's own may be on this machine."""
    config: ProviderConfig = PROFILE.config(url=url, transport=transport_name)
    relayed = PROFILE.config(url="http://127.0.0.1:9001", transport=transport_name)

    async def main() -> bool:
        adapter = PROFILE.adapter(url=url)
        transport = factory.connect(config, adapter)
        try:
            return isinstance(transport._inner, Guarded)  # type: ignore[attr-defined]
        finally:
            await transport.aclose()

    assert run(main()) == is_guarded
    depends = factory.connection(config, PROFILE.adapter(url=url))
    assert (depends != factory.connection(relayed, PROFILE.adapter())) == is_guarded
