"""Every transport tells what is certainly not sent from what may have arrived.

Calling a request *not sent* that did arrive sends a message twice; calling it *uncertain* when it
did not leaves work for the operator. The first must never happen, the second only where nothing
can be known.
"""

from __future__ import annotations

import asyncio
import contextlib
import types
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
import uvloop

from tests.support.fault_server import (
    PATIENCE,
    Fault,
    FaultServer,
    FullBacklog,
    answer_twice,
    answer_when_told,
    behave,
    behave_then_close,
    close_after,
    close_on_accept,
    close_unread,
    floods,
    reset_after,
    reset_half_way,
    sends,
    silence,
    speak_plain_http,
    unused_port,
)
from tests.support.waiting import eventually
from worker.adapters.base import HttpRequest, HttpResponse
from worker.transport.base import MAX_BODY, NotSent, Transport, TransportError, Uncertain
from worker.transport.factory import (
    DEFAULT_TRANSPORT,
    TRANSPORTS,
    TransportName,
    open_transport,
)

T = TypeVar("T")

#: Long enough for a loopback answer on a busy machine.
AMPLE = 10.0
#: For the cases in which the whole time has to pass.
SHORT = 0.4

OK = b"HTTP/1.1 200 OK\r\n"
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


@pytest.fixture(params=TRANSPORTS)
def name(request: pytest.FixtureRequest) -> TransportName:
    chosen: TransportName = request.param
    return chosen


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def run(main: Coroutine[Any, Any, T]) -> T:
    """On uvloop, as the worker does."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


@types.coroutine
def turn() -> Generator[None, None, None]:
    """One turn of the loop."""
    yield


@contextlib.asynccontextmanager
async def opened(name: TransportName, max_connections: int = 4) -> AsyncIterator[Transport]:
    transport = open_transport(name, max_connections)
    try:
        yield transport
    finally:
        await transport.aclose()


def post(url: str, body: bytes = b"{}") -> HttpRequest:
    return HttpRequest("POST", url, {"content-type": "application/json"}, body)


async def exchange(transport: Transport, url: str, **more: Any) -> HttpResponse:
    timeout = more.pop("timeout", AMPLE)
    return await transport.send(post(url, **more), timeout=timeout)


async def failure(transport: Transport, url: str, **more: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await exchange(transport, url, **more)
    return caught.value


async def until(condition: Callable[[], object]) -> None:
    await asyncio.to_thread(eventually, condition, timeout=PATIENCE)


@named(AFTER_CONNECTING)
@reused_or_fresh
def test_what_may_have_arrived_is_uncertain(
    name: TransportName, server: FaultServer, fault: Case, reused: bool
) -> None:
    """Also: it is never sent again, and the connection's rest never answers the next request."""

    async def main() -> None:
        async with opened(name) as transport:
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


def test_a_connection_closed_at_once_is_uncertain(name: TransportName, server: FaultServer) -> None:
    """The request may be on its way when the close comes; a proof that it is not has no client."""

    async def main() -> None:
        async with opened(name) as transport:
            server.script(close_on_accept)
            assert isinstance(await failure(transport, server.url), Uncertain)
            assert server.arrivals == 1

    run(main())


@named([SILENT, STALLED])
def test_after_a_timeout_the_connection_is_closed(
    name: TransportName, server: FaultServer, fault: Case
) -> None:
    async def main() -> None:
        async with opened(name) as transport:
            server.script(fault.fault)
            await failure(transport, server.url, timeout=SHORT)
            assert await asyncio.to_thread(server.hung_up.acquire, timeout=PATIENCE / 2)

    run(main())


@reused_or_fresh
def test_a_refused_connection_is_not_sent(
    name: TransportName, server: FaultServer, reused: bool
) -> None:
    """Reused: the kept connection was closed by the server, and a new one is refused."""

    async def main() -> None:
        async with opened(name) as transport:
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
    name: TransportName, server: FaultServer, reused: bool
) -> None:
    """RFC 6761, section 6.4: names below ``invalid`` never resolve."""

    async def main() -> None:
        async with opened(name) as transport:
            if reused:
                await exchange(transport, server.url)
            error = await failure(transport, "http://carrier.invalid/messages")
            assert isinstance(error, NotSent)
            assert error.code == "dns"

    run(main())


@reused_or_fresh
@pytest.mark.parametrize("timeout", [0.4, 0.08])
def test_a_connect_timeout_is_not_sent(
    name: TransportName, server: FaultServer, reused: bool, timeout: float
) -> None:
    """Whatever the whole timeout is: that of the connect phase comes first."""

    async def main() -> None:
        async with opened(name) as transport:
            if reused:
                await exchange(transport, server.url)
            with FullBacklog() as url:
                error = await failure(transport, url, timeout=timeout)
            assert isinstance(error, NotSent)
            assert error.code == "connect_timeout"

    run(main())


def test_a_tls_handshake_without_answer_is_not_sent(
    name: TransportName, server: FaultServer
) -> None:
    """No byte of the request leaves before the handshake is complete."""

    async def main() -> None:
        async with opened(name) as transport:
            server.script(silence)
            error = await failure(transport, server.url.replace("http:", "https:"), timeout=SHORT)
            assert isinstance(error, NotSent)
            assert error.code == "connect_timeout"

    run(main())


def test_a_failed_tls_handshake_is_not_sent(name: TransportName, server: FaultServer) -> None:
    """As when ``https`` is configured for a port that speaks plain HTTP."""

    async def main() -> None:
        async with opened(name) as transport:
            server.script(speak_plain_http)
            error = await failure(transport, server.url.replace("http:", "https:"))
            assert isinstance(error, NotSent)
            assert error.code == "tls"

    run(main())


@reused_or_fresh
def test_a_full_pool_is_not_sent(name: TransportName, server: FaultServer, reused: bool) -> None:
    async def main() -> None:
        async with opened(name, max_connections=1) as transport:
            if reused:
                await exchange(transport, server.url)
            server.script(answer_when_told)
            first = asyncio.create_task(exchange(transport, server.url))
            await until(lambda: len(server.received) == 1 + reused)
            error = await failure(transport, server.url, timeout=0.1)
            assert isinstance(error, NotSent)
            assert error.code == "pool"
            server.may_answer.set()
            assert (await first).status == 200
            assert (await exchange(transport, server.url)).status == 200
            assert server.arrivals == 2 + reused

    run(main())


def test_no_more_connections_than_allowed(name: TransportName, server: FaultServer) -> None:
    async def main() -> None:
        async with opened(name, max_connections=3) as transport:
            await asyncio.gather(*(exchange(transport, server.url) for _ in range(30)))
        assert server.arrivals == 30
        assert server.accepted <= 3

    run(main())


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1/", "messages"],
)
def test_a_request_that_cannot_be_built_is_not_sent(name: TransportName, url: str) -> None:
    async def main() -> None:
        async with opened(name) as transport:
            error = await failure(transport, url)
            assert isinstance(error, NotSent)
            assert error.code == "bad_request"

    run(main())


def test_a_connection_closed_while_idle_is_replaced(
    name: TransportName, server: FaultServer
) -> None:
    """The commonest fault of all: the server's keep-alive is shorter than ours."""

    async def main() -> None:
        async with opened(name) as transport:
            for number in range(1, 6):
                server.script(behave_then_close)
                answer = await exchange(transport, server.url)
                assert answer.body == b'{"id": "%d"}' % number
                await until(lambda: server.closed == number)  # noqa: B023
            assert server.arrivals == 5

    run(main())


def test_an_answer_that_nobody_asked_for_is_dropped(server: FaultServer) -> None:
    """Otherwise every following message would be recorded with its predecessor's outcome.

    Held by the default transport; httpx has no means to notice.
    """

    async def main() -> None:
        async with opened(DEFAULT_TRANSPORT) as transport:
            server.script(answer_twice)
            assert (await exchange(transport, server.url)).body == b'{"id": "1"}'
            assert (await exchange(transport, server.url)).body == b'{"id": "2"}'

    run(main())


def test_a_cancelled_request_leaves_nothing_behind(
    name: TransportName, server: FaultServer
) -> None:
    """Its connection is closed when its time is up at the latest, so that a late answer meets no
    later request, and its slot is free again."""

    async def main() -> None:
        async with opened(name, max_connections=1) as transport:
            for number in range(1, 4):
                server.script(silence)
                task = asyncio.create_task(exchange(transport, server.url, timeout=SHORT))
                await until(lambda: len(server.received) == number)  # noqa: B023
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await asyncio.to_thread(server.hung_up.acquire, timeout=PATIENCE / 2)
            assert (await exchange(transport, server.url)).body == b'{"id": "4"}'

    run(main())


def test_cancelling_in_any_step_leaves_nothing_behind(
    name: TransportName, server: FaultServer
) -> None:
    """Cancelled after 0, 1, 2, ... turns of the loop; afterwards the transport works."""

    async def main() -> None:
        async with opened(name, max_connections=2) as transport:
            for turns in range(40):
                task = asyncio.create_task(exchange(transport, server.url))
                for _ in range(turns):
                    await turn()
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            sent = await asyncio.gather(*(exchange(transport, server.url) for _ in range(4)))
            assert len({answer.body for answer in sent}) == 4

    run(main())


def test_the_request_arrives_as_it_was_made(name: TransportName, server: FaultServer) -> None:
    async def main() -> None:
        request = HttpRequest(
            "PUT",
            server.url + "/a%20b?c=d%26e",
            {"content-type": "text/plain", "authorization": "Bearer s3cret"},
            b"\x00\xff body",
        )
        async with opened(name) as transport:
            await transport.send(request, timeout=AMPLE)

    run(main())
    head, body = server.received[0]
    line, *fields = head.decode().split("\r\n")
    headers = [tuple(field.lower().split(": ", 1)) for field in fields]
    assert line == "PUT /messages/a%20b?c=d%26e HTTP/1.1"
    assert body == b"\x00\xff body"
    assert ("content-type", "text/plain") in headers
    assert ("authorization", "bearer s3cret") in headers
    assert ("content-length", "7") in headers
    assert ("host", f"127.0.0.1:{server.port}") in headers
    assert len({field[0] for field in headers}) == len(headers)


def test_header_names_are_lower_case_and_repeated_fields_joined(
    name: TransportName, server: FaultServer
) -> None:
    server.script(
        sends(OK + b"Retry-AFTER: 7\r\nX-Two: a\r\nX-Two: b\r\nContent-Length: 2\r\n\r\n{}")
    )

    async def main() -> HttpResponse:
        async with opened(name) as transport:
            return await exchange(transport, server.url)

    headers = run(main()).headers
    assert headers["retry-after"] == "7"
    assert headers["x-two"] == "a, b"


def test_an_unreadable_header_does_not_cost_the_answer(
    name: TransportName, server: FaultServer
) -> None:
    server.script(sends(OK + b"X-Name: \xff\xfe\r\nX-Id: 7\r\nContent-Length: 2\r\n\r\n{}"))

    async def main() -> HttpResponse:
        async with opened(name) as transport:
            return await exchange(transport, server.url)

    answer = run(main())
    assert (answer.status, answer.body, answer.headers["x-id"]) == (200, b"{}", "7")


@pytest.mark.parametrize(
    ("reply", "status", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 202, b""),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\n{}", 200, b"{}"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200, b"{}"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\n{}", 500, b"{}"),
        (OK + b"Content-Length: %d\r\n\r\n" % MAX_BODY + b"x" * MAX_BODY, 200, b"x" * MAX_BODY),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 200, b"{}"),
    ],
    ids=["204", "empty", "early hints", "chunked", "until close", "500", "longest", "encoded"],
)
def test_whole_answers_are_handed_on(
    name: TransportName, server: FaultServer, reply: bytes, status: int, body: bytes
) -> None:
    """Whatever the status; no content coding is asked for, and none undone."""
    server.script(sends(reply))

    async def main() -> HttpResponse:
        async with opened(name) as transport:
            return await exchange(transport, server.url)

    answer = run(main())
    assert (answer.status, answer.body) == (status, body)
    assert b"accept-encoding: gzip" not in server.received[0][0].lower()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed(name: TransportName, server: FaultServer, status: str) -> None:
    server.script(
        sends(f"HTTP/1.1 {status}\r\nLocation: {server.url}\r\nContent-Length: 0\r\n\r\n".encode())
    )

    async def main() -> HttpResponse:
        async with opened(name) as transport:
            return await exchange(transport, server.url)

    assert str(run(main()).status) == status[:3]
    assert server.arrivals == 1


def test_no_cookie_is_kept(name: TransportName, server: FaultServer) -> None:
    server.script(
        sends(OK + b"Set-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n", then="keep"), behave
    )

    async def main() -> None:
        async with opened(name) as transport:
            await exchange(transport, server.url)
            await exchange(transport, server.url)

    run(main())
    assert b"cookie" not in server.received[1][0].lower()


def test_no_proxy_is_taken_from_the_environment(
    name: TransportName, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{unused_port()}")

    async def main() -> HttpResponse:
        async with opened(name) as transport:
            return await exchange(transport, server.url)

    assert run(main()).status == 200


def test_a_system_without_certificate_authorities_will_do(
    name: TransportName, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slim container images have none; bundled ones are used then."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")

    async def main() -> TransportError:
        async with opened(name) as transport:
            assert (await exchange(transport, server.url)).status == 200
            server.script(speak_plain_http)
            return await failure(transport, server.url.replace("http:", "https:"))

    assert run(main()).code == "tls"


def test_no_error_names_the_address(name: TransportName, server: FaultServer) -> None:
    """Nor does what it was raised from, which a logged traceback would show."""

    async def main() -> TransportError:
        async with opened(name) as transport:
            server.script(close_after)
            return await failure(transport, server.url + "/353861234567")

    error = run(main())
    assert "353861234567" not in f"{error!r} {error.__cause__!r}"
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_plain_asyncio_serves_as_well(name: TransportName, server: FaultServer) -> None:
    async def main() -> tuple[HttpResponse, TransportError]:
        async with opened(name) as transport:
            answer = await exchange(transport, server.url)
            server.script(reset_after)
            return answer, await failure(transport, server.url)

    answer, error = asyncio.run(main())
    assert answer.body == b'{"id": "1"}'
    assert isinstance(error, Uncertain)
