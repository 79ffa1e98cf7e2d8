"""The commands of one connection, and what their replies mean for the message (RFC 5321)."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Protocol, cast

from aiosmtplib import SMTP, SMTPException, SMTPHeloError

from worker.adapters.smtp_exchange import SmtpReply, SmtpRequest, SmtpServer, Step
from worker.transport.base import NotSent, Refused, Uncertain

#: How long a connection that was kept has to answer before it counts as dead, in seconds.
PROBE_SECONDS = 2.0

#: How long the server has to say goodbye (RFC 5321, section 4.1.1.10), in seconds.
QUIT_SECONDS = 1.0

#: Between two looks whether the content has left, in seconds.
_LOOK = 0.005

_LINE_END = re.compile(rb"\r\n|\r|\n")
_DOT = re.compile(rb"(?m)^\.")
_STATUS = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s|\Z)")

#: The client is told to close (RFC 5321, section 3.8).
CLOSING = 421
_GO_AHEAD = 354

#: By preference: over TLS nothing is gained by what is more than plain.
_LOGINS = ("plain", "login", "cram-md5")


class Replied(Exception):
    """The server has decided, before the content."""

    def __init__(self, reply: SmtpReply) -> None:
        self.reply = reply


class Stale(Exception):
    """A connection that was kept has come to its end."""


class Progress(Protocol):
    """What is to be told as a message leaves."""

    def leaving(self) -> None:
        """The content is about to leave."""
        ...

    def left(self) -> None:
        """The dot is written: from here on the message may have arrived."""
        ...


async def greet(client: SMTP, server: SmtpServer) -> None:
    """What stands before the first message: EHLO, TLS, the login."""
    try:
        await client.ehlo()
    except SMTPHeloError:
        if not client.is_connected:
            raise
        await client.helo()
    if server.security == "starttls":
        if not client.supports_extension("starttls"):
            raise Refused("no_starttls")
        await client.starttls()
        await client.ehlo()
    if server.username is None:
        return
    offered = client.supported_auth_methods
    # One of them only: servers count what fails.
    login = next((name for name in _LOGINS if name in offered), None)
    if login == "plain":
        await client.auth_plain(server.username, server.password)
    elif login == "login":
        await client.auth_login(server.username, server.password)
    elif login == "cram-md5":
        await client.auth_crammd5(server.username, server.password)
    else:
        raise Refused("no_login")


def _mail(request: SmtpRequest) -> tuple[str, ...]:
    sender = f"MAIL FROM:<{request.sender}>"
    return (sender, "SMTPUTF8", "BODY=8BITMIME") if request.utf8 else (sender,)


async def begin(client: SMTP, request: SmtpRequest) -> None:
    """Begin a message on a new connection.

    Raises:
        Replied: the server refuses.
        NotSent: its reply makes no sense.
    """
    await _say(client, "mail", *_mail(request))


async def begin_again(client: SMTP, request: SmtpRequest) -> None:
    """Begin a message on a connection that was kept.

    Raises:
        Stale: the server has closed it, or does so now.
    """
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await client.rset()
    except (SMTPException, OSError, TimeoutError):
        raise Stale from None
    try:
        await _say(client, "mail", *_mail(request))
    except (SMTPException, NotSent):
        raise Stale from None
    except Replied as found:
        # Some close after so many messages: the next ones are welcome on another connection.
        if found.reply.code == CLOSING:
            raise Stale from None
        raise


async def _say(client: SMTP, step: Step, *words: str, expected: int = 250) -> None:
    """A command, and the reply that it takes to go on.

    Raises:
        Replied: the server refuses.
        NotSent: its reply makes no sense here.
    """
    if "SMTPUTF8" in words and not client.supports_extension("smtputf8"):
        # RFC 6531, section 3.5: what a server says that cannot take such an address.
        raise Replied(SmtpReply(553, "rcpt", "5.6.7"))
    response = await client.execute_command(*(word.encode() for word in words))
    if response.code == expected or (expected == 250 and response.code // 100 == 2):
        return
    raise Replied(refusal(response.code, response.message, step))


async def address_to(client: SMTP, recipient: str) -> None:
    """Name the recipient, and ask for leave to hand over the content; raises as :func:`begin`."""
    await _say(client, "rcpt", f"RCPT TO:<{recipient}>")
    await _say(client, "data", "DATA", expected=_GO_AHEAD)


async def hand_over(client: SMTP, content: bytes, progress: Progress) -> SmtpReply:
    """The content and its end; from then on the message may have arrived."""
    protocol, transport = client.protocol, cast(asyncio.WriteTransport, client.transport)
    if protocol is None:
        raise NotSent("closed")
    progress.leaving()
    lines = _LINE_END.sub(b"\r\n", content)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    protocol.write(_DOT.sub(b"..", lines))
    await _gone(transport)
    protocol.write(b".\r\n")
    progress.left()
    response = await protocol.read_response()
    if response.code // 100 not in (2, 4, 5):
        raise Uncertain("bad_reply")
    return SmtpReply(response.code, "content", _status(response.message))


async def _gone(transport: asyncio.WriteTransport) -> None:
    """Wait until the system has all that was written, or nobody wants it any more."""
    pause = 0.0
    while (not pause or transport.get_write_buffer_size()) and not transport.is_closing():
        # There is no event for it: a transport tells its protocol only of what is too much.
        await asyncio.sleep(pause)
        pause = _LOOK


def refusal(code: int, message: str, step: Step) -> SmtpReply:
    """A refusal.

    Raises:
        NotSent: it is none, so that nobody knows what the server is about.
    """
    if code // 100 not in (4, 5):
        raise NotSent("bad_reply")
    return SmtpReply(code, step, _status(message))


def _status(message: str) -> str | None:
    """The enhanced status code (RFC 2034) at the beginning of a reply's text."""
    match = _STATUS.match(message)
    return match.group(1) if match else None


def drop(client: SMTP) -> None:
    """Close a connection without letting go out what still waits."""
    if client.transport is not None:
        # uvloop's transports are not asyncio's by class.
        cast(asyncio.WriteTransport, client.transport).abort()
    client.close()


async def leave(client: SMTP) -> None:
    with contextlib.suppress(SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(QUIT_SECONDS):
            await client.quit()
    drop(client)
