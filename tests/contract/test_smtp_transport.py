"""SMTP tells what is certainly not sent from what may have arrived: the final dot decides."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fakes.smtp import PASSWORD, USERNAME, Fake
from tests.support.fault_server import PATIENCE, FullBacklog
from tests.support.smtp_server import (
    Fault,
    Place,
    SmtpFaults,
    closes,
    is_silent,
    resets,
    says,
    waits,
)
from tests.support.transports import AMPLE, SHORT, run, turn, until
from worker.adapters.smtp_exchange import SmtpReply, SmtpRequest, SmtpServer
from worker.transport import smtp, smtp_session
from worker.transport.base import BrokenOff, NotSent, Refused, TooLate, TransportError, Uncertain
from worker.transport.bounded import BoundedTransport
from worker.transport.smtp import SmtpTransport

Bounded = BoundedTransport[SmtpRequest, SmtpReply]

CONTENT = b"Subject: Hello\r\n\r\nHello\r\n"
REQUEST = SmtpRequest("news@shop.example", "mary@example.com", CONTENT)
TAKEN = SmtpReply(250, "content", "2.0.0")


@pytest.fixture
def server() -> Iterator[SmtpFaults]:
    with SmtpFaults() as running:
        yield running


@contextlib.asynccontextmanager
async def opened(port: int, connections: int = 4, **options: Any) -> AsyncIterator[Bounded]:
    keys = {"host": "127.0.0.1", "security": "none", "helo": "sluice.example.com", **options}
    transport = BoundedTransport(SmtpTransport(SmtpServer(port=port, **keys)), connections)
    try:
        yield transport
    finally:
        await transport.aclose()


async def send(transport: Bounded, request: SmtpRequest = REQUEST, **more: Any) -> SmtpReply:
    return await transport.send(request, **{"timeout": AMPLE, **more})


async def failure(
    transport: Bounded, request: SmtpRequest = REQUEST, **more: Any
) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await send(transport, request, **more)
    return caught.value


GARBAGE = says(b"SSH-2.0-OpenSSH_9.6\r\n")
BEFORE: list[Place] = ["greeting", "EHLO", "MAIL", "RCPT", "DATA"]
FAULTS: list[tuple[str, Fault, str, float]] = [
    ("closed", closes, "closed", AMPLE),
    ("reset", resets, "closed", AMPLE),
    ("garbage", GARBAGE, "bad_reply", AMPLE),
    ("makes no sense", says(b"399 Perhaps\r\n"), "bad_reply", AMPLE),
    ("a line without end", says(b"2" * 70_000), "bad_reply", AMPLE),
    ("silence", is_silent, "read_timeout", SHORT),
]  # fmt: skip

named = pytest.mark.parametrize(
    ("fault", "code", "timeout"), [each[1:] for each in FAULTS], ids=[each[0] for each in FAULTS]
)
reused_or_fresh = pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])


@named
@pytest.mark.parametrize("place", BEFORE)
def test_what_goes_wrong_before_the_dot_is_not_sent(
    server: SmtpFaults, place: Place, fault: Fault, code: str, timeout: float
) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            server.script(place, fault)
            error = await failure(transport, timeout=timeout)
            assert isinstance(error, NotSent)
            early = place in ("greeting", "EHLO") and code == "read_timeout"
            # Whoever does not understand EHLO is greeted with HELO, and had hung up by then.
            asked_again = place == "EHLO" and error.code == "closed"
            assert asked_again or error.code == ("connect_timeout" if early else code)
            assert server.contents == []
            assert await send(transport) == TAKEN

    run(main())


@named
@reused_or_fresh
def test_what_goes_wrong_after_the_dot_is_uncertain(
    server: SmtpFaults, fault: Fault, code: str, timeout: float, reused: bool
) -> None:
    """And is never sent again by itself."""

    async def main() -> None:
        async with opened(server.port) as transport:
            if reused:
                await send(transport)
            server.script("content", fault)
            error = await failure(transport, timeout=timeout)
            assert isinstance(error, Uncertain)
            assert error.code == code
            assert len(server.contents) == 1 + reused
            assert server.accepted == 1
            assert await send(transport) == TAKEN

    run(main())


LARGE = SmtpRequest(
    "news@shop.example", "mary@example.com", b"x" * 70 + b"\r\n" + b"y" * 20_000_000
)


@pytest.mark.parametrize(
    ("fault", "code", "timeout"),
    [(closes, "closed", AMPLE), (resets, "closed", AMPLE), (is_silent, "read_timeout", AMPLE)],
    ids=["closed", "reset", "silence"],
)
def test_what_goes_wrong_in_the_content_is_not_sent(
    server: SmtpFaults, fault: Fault, code: str, timeout: float
) -> None:
    """The dot waits until all that stands before it has left."""

    async def main() -> None:
        async with opened(server.port) as transport:
            server.script("half", fault)
            if fault is is_silent:
                # It reads on, so the dot leaves after all.
                assert isinstance(await failure(transport, timeout=SHORT), Uncertain)
                return
            error = await failure(transport, LARGE, timeout=timeout)
            assert isinstance(error, NotSent)
            assert error.code == code

    run(main())


def stalls(server: SmtpFaults, _: Any) -> bool:
    server.may_answer.wait(PATIENCE)
    return False


def test_a_content_that_cannot_leave_is_not_sent(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            server.script("half", stalls)
            error = await failure(transport, LARGE, timeout=SHORT)
            assert isinstance(error, NotSent)
            assert error.code == "read_timeout"
            server.may_answer.set()

    run(main())


@pytest.mark.parametrize("place", ["RSET", "MAIL"])
@named
def test_a_kept_connection_that_has_ended_is_replaced(
    server: SmtpFaults,
    monkeypatch: pytest.MonkeyPatch,
    place: Place,
    fault: Fault,
    code: str,
    timeout: float,
) -> None:
    """Nothing is lost by beginning again, so nobody hears of it."""
    monkeypatch.setattr(smtp_session, "PROBE_SECONDS", SHORT)
    if code == "read_timeout" and place == "MAIL":
        return

    async def main() -> None:
        async with opened(server.port) as transport:
            await send(transport)
            server.script(place, fault)
            assert await send(transport) == TAKEN
            assert (server.accepted, len(server.contents)) == (2, 2)

    run(main())


@pytest.mark.parametrize("place", ["RSET", "MAIL"])
def test_a_server_that_takes_so_many_per_connection_gets_another(
    server: SmtpFaults, place: Place
) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            await send(transport)
            server.script(place, says(b"421 4.7.0 Too many messages\r\n"))
            assert await send(transport) == TAKEN
            assert server.accepted == 2

    run(main())


@pytest.mark.parametrize(
    ("place", "reply", "expected"),
    [
        ("greeting", b"554 5.7.1 No\r\n", SmtpReply(554, "connect", "5.7.1")),
        ("greeting", b"421 Later\r\n", SmtpReply(421, "connect")),
        ("MAIL", b"530 5.7.0 Log in\r\n", SmtpReply(530, "mail", "5.7.0")),
        ("MAIL", b"421 4.7.0 Later\r\n", SmtpReply(421, "mail", "4.7.0")),
        ("RCPT", b"550-5.1.1 No\r\n550 5.1.1 user\r\n", SmtpReply(550, "rcpt", "5.1.1")),
        ("RCPT", b"451 later\r\n", SmtpReply(451, "rcpt")),
        ("DATA", b"554 5.5.1 No\r\n", SmtpReply(554, "data", "5.5.1")),
        ("content", b"552 5.3.4 Too big\r\n", SmtpReply(552, "content", "5.3.4")),
        ("content", b"421 4.3.0 Later\r\n", SmtpReply(421, "content", "4.3.0")),
    ],
)
def test_a_refusal_is_the_answer(
    server: SmtpFaults, place: Place, reply: bytes, expected: SmtpReply
) -> None:
    """After it the connection carries the next message, unless the server closes it."""

    async def main() -> None:
        async with opened(server.port) as transport:
            server.script(place, says(reply, goes_on=True))
            assert await send(transport) == expected
            assert await send(transport) == TAKEN
            closed = expected.step == "connect" or expected.code == 421
            assert server.accepted == 1 + closed

    run(main())


@reused_or_fresh
def test_a_refused_connection_is_not_sent(server: SmtpFaults, reused: bool) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            if reused:
                await send(transport)
            server.stop()
            error = await failure(transport)
            assert isinstance(error, NotSent)
            assert error.code == "connection_refused"

    run(main())


def test_an_unknown_host_is_not_sent() -> None:
    async def main() -> None:
        async with opened(25, host="mail.invalid") as transport:
            error = await failure(transport)
            assert isinstance(error, NotSent)
            assert error.code == "dns"

    run(main())


def test_a_connect_timeout_is_not_sent() -> None:
    async def main() -> None:
        with FullBacklog() as url:
            async with opened(int(url.split(":")[2].split("/")[0])) as transport:
                error = await failure(transport, timeout=SHORT)
                assert isinstance(error, NotSent)
                assert error.code == "connect_timeout"
                assert isinstance(await failure(transport, leave_within=0.3), TooLate)

    run(main())


@pytest.mark.parametrize("place", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_what_waits_past_its_time_does_not_leave(server: SmtpFaults, place: Place) -> None:
    """A gate that closes stops a message up to its content, whatever the server waits for."""

    async def main() -> None:
        async with opened(server.port) as transport:
            server.script(place, is_silent)
            assert isinstance(await failure(transport, leave_within=0.3), TooLate)
            assert await asyncio.to_thread(server.hung_up.acquire, timeout=PATIENCE / 2)
            assert server.contents == []

    run(main())


def test_an_answer_may_come_after_the_time_to_leave(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            server.script("content", waits)
            sent = asyncio.create_task(send(transport, leave_within=0.3))
            await until(lambda: server.contents)
            with FullBacklog() as url:
                async with opened(int(url.split(":")[2].split("/")[0])) as other:
                    await failure(other, timeout=SHORT)
            server.may_answer.set()
            assert await sent == TAKEN

    run(main())


def test_one_connection_carries_message_after_message(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            for _ in range(3):
                await send(transport)

    run(main())
    one = ["MAIL FROM:<news@shop.example>", "RCPT TO:<mary@example.com>", "DATA"]
    again = ["RSET", *one]
    assert server.commands == ["EHLO sluice.example.com", *one, *again, *again, "QUIT"]
    assert server.accepted == 1


def test_there_are_no_more_connections_than_allowed(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port, connections=2) as transport:
            await asyncio.gather(*(send(transport) for _ in range(10)))

    run(main())
    assert len(server.contents) == 10
    assert server.accepted <= 2


def test_an_unused_connection_is_closed(
    server: SmtpFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "IDLE_SECONDS", 0.05)

    async def main() -> None:
        async with opened(server.port) as transport:
            await send(transport)
            await until(lambda: server.closed)
            assert server.commands[-1] == "QUIT"
            assert await send(transport) == TAKEN

    run(main())


def test_broken_off_is_in_doubt_and_closed(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            server.script("content", is_silent)
            sent = asyncio.create_task(failure(transport))
            await until(lambda: server.contents)
            transport.break_off()
            assert isinstance(await sent, BrokenOff)
            assert await asyncio.to_thread(server.hung_up.acquire, timeout=PATIENCE / 2)
            assert isinstance(await failure(transport), TooLate)

    run(main())


def test_cancelling_in_any_step_leaves_nothing_behind(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port, connections=2) as transport:
            for turns in range(0, 60, 2):
                task = asyncio.create_task(send(transport))
                for _ in range(turns):
                    await turn()
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            assert [await send(transport) for _ in range(3)] == [TAKEN] * 3

    run(main())


def test_lines_that_begin_with_a_dot_arrive_whole(server: SmtpFaults) -> None:
    """RFC 5321, section 4.5.2; and no line end of another kind can smuggle in a second message."""
    content = b".\r\n..\r\na\n.\nMAIL FROM:<x@y>\r.\rb"

    async def main() -> None:
        async with opened(server.port) as transport:
            await send(transport, SmtpRequest("a@b.example", "c@d.example", content))

    run(main())
    assert server.contents == [b"..\r\n...\r\na\r\n..\r\nMAIL FROM:<x@y>\r\n..\r\nb\r\n.\r\n"]


@pytest.mark.parametrize("recipient", ["a@b.example\r\nRSET", "a@b.example\x00"])
def test_a_command_is_one_line(server: SmtpFaults, recipient: str) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            error = await failure(transport, SmtpRequest("a@b.example", recipient, CONTENT))
            assert isinstance(error, NotSent)
            assert "b.example" not in f"{error!r}{error.__cause__!r}"

    run(main())


def test_an_address_beyond_ascii_needs_a_server_that_knows_it(server: SmtpFaults) -> None:
    request = SmtpRequest("a@b.example", "jürgen@example.com", CONTENT, utf8=True)

    async def main() -> None:
        async with opened(server.port) as transport:
            assert await send(transport, request) == SmtpReply(553, "rcpt", "5.6.7")
            server.script("EHLO", says(b"250-x\r\n250 SMTPUTF8\r\n", goes_on=True))
        async with opened(server.port) as transport:
            assert await send(transport, request) == TAKEN

    run(main())
    assert "MAIL FROM:<a@b.example> SMTPUTF8 BODY=8BITMIME" in server.commands
    assert "RCPT TO:<jürgen@example.com>" in server.commands


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for localhost that the system trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context


LOGIN = {"host": "localhost", "username": USERNAME, "password": PASSWORD}


def port_of(fake: Fake) -> int:
    return int(fake.url.rpartition(":")[2])


def test_a_login_goes_through_starttls(certified: ssl.SSLContext) -> None:
    async def main(port: int) -> None:
        async with opened(port, security="starttls", **LOGIN) as transport:
            assert await send(transport) == TAKEN
            assert await send(transport) == TAKEN

    with Fake(tls=certified) as fake:
        run(main(port_of(fake)))
        assert len(fake.received) == 2
        assert fake.connections == 1


def test_a_certificate_that_nobody_vouches_for_is_not_sent(
    certified: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    async def main(port: int) -> None:
        async with opened(port, security="starttls", **LOGIN) as transport:
            error = await failure(transport)
            assert isinstance(error, NotSent)
            assert error.code == "tls"

    with Fake(tls=certified) as fake:
        run(main(port_of(fake)))


def test_a_server_that_knows_no_ehlo_gets_helo(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            server.script("EHLO", says(b"502 5.5.1 Not implemented\r\n", goes_on=True))
            assert await send(transport) == TAKEN

    run(main())
    assert server.commands[:2] == ["EHLO sluice.example.com", "HELO sluice.example.com"]


def test_a_server_that_does_not_offer_tls_holds_the_account(server: SmtpFaults) -> None:
    """Nor is it spoken to any further: whoever took the offer away wants the password."""

    async def main() -> None:
        async with opened(server.port, security="starttls", **LOGIN) as transport:
            error = await failure(transport)
            assert isinstance(error, Refused)
            assert error.code == "no_starttls"

    run(main())
    assert [command[:4] for command in server.commands] == ["EHLO"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_server_that_speaks_no_tls_is_not_sent(server: SmtpFaults, security: str) -> None:
    async def main() -> None:
        async with opened(server.port, security=security) as transport:
            server.script("EHLO", says(b"250-x\r\n250 STARTTLS\r\n", goes_on=True))
            server.script("STAR", says(b"220 2.0.0 Ready\r\n", goes_on=True))
            error = await failure(transport)
            assert isinstance(error, NotSent)
            assert error.code == "tls"

    run(main())


def test_a_wrong_password_is_the_answer() -> None:
    async def main(port: int) -> None:
        async with opened(port, **{**LOGIN, "password": "wrong"}) as transport:
            assert await send(transport) == SmtpReply(535, "login", "5.7.8")

    with Fake() as fake:
        run(main(port_of(fake)))
        assert fake.received == []


def test_a_server_without_login_holds_the_account(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port, **LOGIN) as transport:
            error = await failure(transport)
            assert isinstance(error, Refused)
            assert error.code == "no_login"

    run(main())


def test_plain_asyncio_serves_as_well(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            assert await send(transport) == TAKEN
            server.script("content", resets)
            assert isinstance(await failure(transport), Uncertain)
            server.script("half", closes)
            assert isinstance(await failure(transport, LARGE), NotSent)

    asyncio.run(main())
