"""Every transport tells what is certainly not sent from what may have arrived.

Calling a request *not sent* that did arrive sends a message twice; calling it *uncertain* when it
did not leaves work for the operator. The first must never happen, the second only where nothing
can be known.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.fault_server import PATIENCE, Fault, FaultServer, FullBacklog, close_on_accept
from tests.support.faults import (
    answer_when_told,
    close_after,
    close_unread,
    floods,
    reset_after,
    reset_half_way,
    sends,
    silence,
    speak_plain_http,
)
from tests.support.transports import AMPLE, OK, SHORT, exchange, failure, opened, run, until
from worker.adapters.base import HttpResponse
from worker.transport.base import NotSent, TooLate, TransportError, Uncertain
from worker.transport.factory import TransportName

CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """A fault that comes when the request may have arrived, and the code it is recorded with."""

    name: str
    fault: Fault
    codes: frozenset[str]
    timeout: float = AMPLE
    body: bytes = b'{"text": "hello"}'


def case(name: str, fault: Fault, *codes: str, **more: Any) -> Case:
    return Case(name, fault, frozenset(codes), **more)


SILENT = case("no answer", silence, "read_timeout", timeout=SHORT)
STALLED = case(
    "body stalls",
    sends(OK + b"Content-Length: 9\r\n\r\n{}", then="stall"),
    "read_timeout",
    timeout=SHORT,
)

AFTER_CONNECTING = [
    case("closed before the request was read", close_unread, "closed"),
    case("reset in the middle of the request", reset_half_way, "closed", body=b"x" * 4_000_000),
    case("closed after the request", close_after, "closed"),
    case("reset after the request", reset_after, "closed"),
    SILENT,
    case("garbage", sends(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "bad_reply"),
    case("garbage, connection kept", sends(b"\0\1\2\r\n\r\n", then="stall"), "bad_reply"),
    case("head cut off", sends(OK + b"Content-Le"), "closed"),
    case("head without end", floods(OK, b"X-Filler: abcdefghijk\r\n"), "bad_reply"),
    case("body cut off", sends(OK + b"Content-Length: 9\r\n\r\n{}"), "closed"),
    case("chunk cut off", sends(CHUNKED + b"5\r\n{}"), "closed"),
    case("last chunk missing", sends(CHUNKED + b"2\r\n{}\r\n"), "closed"),
    case("bad chunk", sends(CHUNKED + b"zz\r\n{}\r\n"), "bad_reply"),
    case(
        "two lengths",
        sends(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        "bad_reply",
    ),
    STALLED,
    case("body without end", floods(OK + b"\r\n", b"x" * 65536), "too_large"),
    case(
        "long body, announced",
        floods(OK + b"Content-Length: 1000000000\r\n\r\n", b"x" * 65536),
        "too_large",
    ),
]  # fmt: skip


def named(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("fault", cases, ids=[each.name for each in cases])


reused_or_fresh = pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])


@named(AFTER_CONNECTING)
@reused_or_fresh
def test_what_may_have_arrived_is_uncertain(
    transport_name: TransportName, server: FaultServer, fault: Case, reused: bool
) -> None:
    """Also: it is never sent again, and the connection's rest never answers the next request."""

    async def main() -> None:
        async with opened(transport_name) as transport:
            if reused:
                await exchange(transport, server.url, timeout=fault.timeout)
            server.script(fault.fault)
            error = await failure(transport, server.url, timeout=fault.timeout, body=fault.body)
            assert isinstance(error, Uncertain)
            assert error.code in fault.codes
            sent = 1 + reused
            assert server.arrivals == sent
            assert server.accepted == 1
            answer = await exchange(transport, server.url)
            assert answer.body == b'{"id": "%d"}' % (sent + 1)

    run(main())


def test_a_connection_closed_at_once_is_uncertain(
    transport_name: TransportName, server: FaultServer
) -> None:
    """The request may be on its way when the close comes; a proof that it is not has no client."""

    async def main() -> None:
        async with opened(transport_name) as transport:
            server.script(close_on_accept)
            assert isinstance(await failure(transport, server.url), Uncertain)
            assert server.arrivals == 1

    run(main())


@named([SILENT, STALLED])
def test_after_a_timeout_the_connection_is_closed(
    transport_name: TransportName, server: FaultServer, fault: Case
) -> None:
    async def main() -> None:
        async with opened(transport_name) as transport:
            server.script(fault.fault)
            await failure(transport, server.url, timeout=SHORT)
            assert await asyncio.to_thread(server.hung_up.acquire, timeout=PATIENCE / 2)

    run(main())


@reused_or_fresh
def test_a_refused_connection_is_not_sent(
    transport_name: TransportName, server: FaultServer, reused: bool
) -> None:
    """Reused: the kept connection was closed by the server, and a new one is refused."""

    async def main() -> None:
        async with opened(transport_name) as transport:
            if reused:
                await exchange(transport, server.url)
            server.stop()
            error = await failure(transport, server.url)
            assert isinstance(error, NotSent)
            assert error.code == "connection_refused"
            assert server.arrivals == reused

    run(main())


@reused_or_fresh
def test_an_unknown_host_is_not_sent(
    transport_name: TransportName, server: FaultServer, reused: bool
) -> None:
    """RFC 6761, section 6.4: names below ``invalid`` never resolve."""

    async def main() -> None:
        async with opened(transport_name) as transport:
            if reused:
                await exchange(transport, server.url)
            error = await failure(transport, "http://carrier.invalid/messages")
            assert isinstance(error, NotSent)
            assert error.code == "dns"

    run(main())


@reused_or_fresh
@pytest.mark.parametrize("timeout", [0.4, 0.08])
def test_a_connect_timeout_is_not_sent(
    transport_name: TransportName, server: FaultServer, reused: bool, timeout: float
) -> None:
    """Whatever the whole timeout is: that of the connect phase comes first."""

    async def main() -> None:
        async with opened(transport_name) as transport:
            if reused:
                await exchange(transport, server.url)
            with FullBacklog() as url:
                error = await failure(transport, url, timeout=timeout)
            assert isinstance(error, NotSent)
            assert error.code == "connect_timeout"

    run(main())


@reused_or_fresh
def test_a_connection_that_comes_too_late_for_its_message_is_not_sent(
    transport_name: TransportName, server: FaultServer, reused: bool
) -> None:
    """A gate that closes does not wait for a slow connection, and nobody blames the provider."""

    async def main() -> None:
        async with opened(transport_name) as transport:
            if reused:
                await exchange(transport, server.url)
            with FullBacklog() as url:
                error = await failure(transport, url, leave_within=0.3)
            assert isinstance(error, TooLate)
            assert error.code == "too_late"

    run(main())


def test_an_answer_may_come_after_the_time_to_leave(
    transport_name: TransportName, server: FaultServer
) -> None:
    """On a new connection as on an open one: only leaving is bounded."""

    async def main() -> None:
        async with opened(transport_name) as transport:
            server.script(answer_when_told)
            sent = asyncio.create_task(exchange(transport, server.url, leave_within=0.3))
            await until(lambda: server.received)
            with FullBacklog() as url:
                await failure(transport, url, timeout=SHORT)
            server.may_answer.set()
            assert (await sent).status == 200
            assert (await exchange(transport, server.url, leave_within=0.3)).status == 200

    run(main())


def test_a_tls_handshake_without_answer_is_not_sent(
    transport_name: TransportName, server: FaultServer
) -> None:
    """No byte of the request leaves before the handshake is complete."""

    async def main() -> None:
        async with opened(transport_name) as transport:
            server.script(silence)
            error = await failure(transport, server.url.replace("http:", "https:"), timeout=SHORT)
            assert isinstance(error, NotSent)
            assert error.code == "connect_timeout"

    run(main())


def test_a_failed_tls_handshake_is_not_sent(
    transport_name: TransportName, server: FaultServer
) -> None:
    """As when ``https`` is configured for a port that speaks plain HTTP."""

    async def main() -> None:
        async with opened(transport_name) as transport:
            server.script(speak_plain_http)
            error = await failure(transport, server.url.replace("http:", "https:"))
            assert isinstance(error, NotSent)
            assert error.code == "tls"

    run(main())


@reused_or_fresh
def test_a_full_pool_is_not_sent(
    transport_name: TransportName, server: FaultServer, reused: bool
) -> None:
    async def main() -> None:
        async with opened(transport_name, max_connections=1) as transport:
            if reused:
                await exchange(transport, server.url)
            server.script(answer_when_told)
            first = asyncio.create_task(exchange(transport, server.url))
            await until(lambda: len(server.received) == 1 + reused)
            error = await failure(transport, server.url, timeout=0.1)
            assert isinstance(error, NotSent)
            assert error.code == "pool"
            assert isinstance(await failure(transport, server.url, leave_within=0.1), TooLate)
            server.may_answer.set()
            assert (await first).status == 200
            assert (await exchange(transport, server.url)).status == 200
            assert server.arrivals == 2 + reused

    run(main())


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1/", "messages"],
)
def test_a_request_that_cannot_be_built_is_not_sent(
    transport_name: TransportName, url: str
) -> None:
    async def main() -> None:
        async with opened(transport_name) as transport:
            error = await failure(transport, url)
            assert isinstance(error, NotSent)
            assert error.code == "bad_request"

    run(main())


def test_no_error_names_the_address(transport_name: TransportName, server: FaultServer) -> None:
    """Nor does what it was raised from, which a logged traceback would show."""

    async def main() -> TransportError:
        async with opened(transport_name) as transport:
            server.script(close_after)
            return await failure(transport, server.url + "/353861234567")

    error = run(main())
    assert "353861234567" not in f"{error!r} {error.__cause__!r}"
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_plain_asyncio_serves_as_well(transport_name: TransportName, server: FaultServer) -> None:
    async def main() -> tuple[HttpResponse, TransportError]:
        async with opened(transport_name) as transport:
            answer = await exchange(transport, server.url)
            server.script(reset_after)
            return answer, await failure(transport, server.url)

    answer, error = asyncio.run(main())
    assert answer.body == b'{"id": "1"}'
    assert isinstance(error, Uncertain)
