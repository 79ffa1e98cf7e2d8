"""What is said to a mail server, and what it may say to that: replies, TLS, logins."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fakes.smtp import PASSWORD, USERNAME, Fake
from tests.support.smtp_client import CONTENT, TAKEN, failure, opened, send
from tests.support.smtp_server import (
    Place,
    SmtpFaults,
    says,
)
from tests.support.transports import run
from worker.adapters.smtp_exchange import SmtpReply, SmtpRequest
from worker.transport.base import NotSent, Refused


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
