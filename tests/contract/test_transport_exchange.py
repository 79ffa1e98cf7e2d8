"""A transport carries what it is given, and nothing of its own: no redirect, cookie or proxy."""

from __future__ import annotations

import pytest

from tests.support.fault_server import FaultServer, behave, unused_port
from tests.support.faults import sends, speak_plain_http
from tests.support.transports import AMPLE, OK, exchange, failure, opened, run
from worker.adapters.base import HttpRequest, HttpResponse
from worker.transport.base import MAX_BODY, TransportError
from worker.transport.factory import TransportName


def test_the_request_arrives_as_it_was_made(
    transport_name: TransportName, server: FaultServer
) -> None:
    async def main() -> None:
        request = HttpRequest(
            "PUT",
            server.url + "/a%20b?c=d%26e",
            {"content-type": "text/plain", "authorization": "Bearer s3cret"},
            b"\x00\xff body",
        )
        async with opened(transport_name) as transport:
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
    transport_name: TransportName, server: FaultServer
) -> None:
    server.script(
        sends(OK + b"Retry-AFTER: 7\r\nX-Two: a\r\nX-Two: b\r\nContent-Length: 2\r\n\r\n{}")
    )

    async def main() -> HttpResponse:
        async with opened(transport_name) as transport:
            return await exchange(transport, server.url)

    headers = run(main()).headers
    assert headers["retry-after"] == "7"
    assert headers["x-two"] == "a, b"


def test_an_unreadable_header_does_not_cost_the_answer(
    transport_name: TransportName, server: FaultServer
) -> None:
    server.script(sends(OK + b"X-Name: \xff\xfe\r\nX-Id: 7\r\nContent-Length: 2\r\n\r\n{}"))

    async def main() -> HttpResponse:
        async with opened(transport_name) as transport:
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
    transport_name: TransportName, server: FaultServer, reply: bytes, status: int, body: bytes
) -> None:
    """Whatever the status; no content coding is asked for, and none undone."""
    server.script(sends(reply))

    async def main() -> HttpResponse:
        async with opened(transport_name) as transport:
            return await exchange(transport, server.url)

    answer = run(main())
    assert (answer.status, answer.body) == (status, body)
    assert b"accept-encoding: gzip" not in server.received[0][0].lower()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed(
    transport_name: TransportName, server: FaultServer, status: str
) -> None:
    server.script(
        sends(f"HTTP/1.1 {status}\r\nLocation: {server.url}\r\nContent-Length: 0\r\n\r\n".encode())
    )

    async def main() -> HttpResponse:
        async with opened(transport_name) as transport:
            return await exchange(transport, server.url)

    assert str(run(main()).status) == status[:3]
    assert server.arrivals == 1


def test_no_cookie_is_kept(transport_name: TransportName, server: FaultServer) -> None:
    server.script(
        sends(OK + b"Set-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n", then="keep"), behave
    )

    async def main() -> None:
        async with opened(transport_name) as transport:
            await exchange(transport, server.url)
            await exchange(transport, server.url)

    run(main())
    assert b"cookie" not in server.received[1][0].lower()


def test_no_proxy_is_taken_from_the_environment(
    transport_name: TransportName, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{unused_port()}")

    async def main() -> HttpResponse:
        async with opened(transport_name) as transport:
            return await exchange(transport, server.url)

    assert run(main()).status == 200


def test_a_system_without_certificate_authorities_will_do(
    transport_name: TransportName, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slim container images have none; bundled ones are used then."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")

    async def main() -> TransportError:
        async with opened(transport_name) as transport:
            assert (await exchange(transport, server.url)).status == 200
            server.script(speak_plain_http)
            return await failure(transport, server.url.replace("http:", "https:"))

    assert run(main()).code == "tls"
