"""SMTP by aiosmtplib: a few connections, each used for one message after another.

A server has a message once it has read the dot behind its content and not before (RFC 5321,
section 4.1.1.4). So the content is written first, and the dot when all of it has left this
process: whatever goes wrong before that is certainly not sent, and from there on nobody knows,
unless the server replies.
"""

from __future__ import annotations

import asyncio
import contextlib
import math

import aiosmtplib
from aiosmtplib import (
    SMTP,
    SMTPConnectResponseError,
    SMTPResponseException,
)

from worker.adapters.smtp_exchange import SmtpReply, SmtpRequest, SmtpServer
from worker.transport.base import (
    CONNECT_TIMEOUT,
    SHORTEST_CONNECT,
    NotSent,
    TooLate,
    TransportError,
    Uncertain,
)
from worker.transport.reasons import connect_code
from worker.transport.smtp_session import (
    CLOSING,
    Replied,
    Stale,
    address_to,
    begin,
    begin_again,
    drop,
    greet,
    hand_over,
    leave,
    refusal,
)
from worker.transport.trust import tls_context

#: How long an unused connection is kept, in seconds. Servers keep one for minutes (RFC 5321,
#: section 4.5.3.2), and let a client have few.
IDLE_SECONDS = 10.0


class _Course:
    """One message on its way: how far it is, and until when it may be."""

    def __init__(self, timeout: float, leave_within: float) -> None:
        now = asyncio.get_running_loop().time()
        self._ends = now + timeout
        self._leaves = min(self._ends, now + max(leave_within, SHORTEST_CONNECT))
        self._hurried = self._leaves < self._ends
        self._code = "read_timeout"
        self._too_late = self._hurried
        self.ended = False
        self.limit = asyncio.timeout_at(self._leaves)

    def connecting(self) -> None:
        """A new connection is needed."""
        connected = asyncio.get_running_loop().time() + CONNECT_TIMEOUT
        self._code = "connect_timeout"
        self._too_late = self._hurried and self._leaves < connected
        self.limit.reschedule(min(connected, self._leaves))

    def connected(self) -> None:
        """There is one, and the message may begin to leave."""
        self._code = "read_timeout"
        self._too_late = self._hurried
        self.limit.reschedule(self._leaves)

    def leaving(self) -> None:
        """The content is about to leave."""
        self._too_late = False
        self.limit.reschedule(self._ends)

    def left(self) -> None:
        """The dot is written."""
        self.ended = True

    def error(self, code: str) -> TransportError:
        return Uncertain(code) if self.ended else NotSent(code)

    def timeout(self) -> TransportError:
        return TooLate() if self._too_late else self.error(self._code)


class SmtpTransport:
    """Hands messages in at one server.

    A message goes out on a connection that was kept, if that still answers, or else on a new one:
    until the dot, nothing is lost by beginning again.
    """

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._tls = None if server.security == "none" else tls_context()
        self._helo = server.helo
        self._idle: dict[SMTP, asyncio.TimerHandle] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def send(
        self,
        request: SmtpRequest,
        *,
        timeout: float,  # noqa: ASYNC109
        leave_within: float = math.inf,
    ) -> SmtpReply:
        """Hand in ``request``; see :class:`worker.transport.base.Transport`.

        Returns:
            The reply to its content, or the one by which the server refused it before.

        Raises:
            Refused: the server does not offer what the account is set up for.
        """
        course = _Course(timeout, leave_within)
        try:
            async with course.limit:
                return await self._hand_in(request, course)
        except TransportError:
            raise
        except Replied as found:
            return found.reply
        except TimeoutError:
            raise course.timeout() from None
        # Whatever the libraries below raise, the fate of the message has to be told. The cause is
        # cut off because its text may hold an address.
        except Exception as error:
            raise course.error(_code(error)) from None

    async def _hand_in(self, request: SmtpRequest, course: _Course) -> SmtpReply:
        if self._idle:
            client, timer = self._idle.popitem()
            timer.cancel()
            with contextlib.suppress(Stale):
                return await self._on(client, request, course, kept=True)
        course.connecting()
        client = await self._connected()
        course.connected()
        return await self._on(client, request, course, kept=False)

    async def _on(
        self, client: SMTP, request: SmtpRequest, course: _Course, *, kept: bool
    ) -> SmtpReply:
        """The whole exchange for one message; the connection is kept only if all went well."""
        good = False
        try:
            await (begin_again if kept else begin)(client, request)
            await address_to(client, request.recipient)
            reply = await hand_over(client, request.content, course)
            good = reply.code != CLOSING
            return reply
        except Replied as found:
            good = found.reply.code != CLOSING
            raise
        finally:
            if good and client.is_connected:
                self._keep(client)
            else:
                drop(client)

    async def _connected(self) -> SMTP:
        """A new connection, up to the login."""
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=self._helo,
            timeout=None,
            use_tls=server.security == "tls",
            start_tls=False,
            tls_context=self._tls,
        )
        try:
            await client.connect()
            # Asking the system may take long, so it is asked once.
            self._helo = client.local_hostname
            await greet(client, server)
        except SMTPConnectResponseError as error:
            raise Replied(refusal(error.code, error.message, "connect")) from None
        except SMTPResponseException as error:
            drop(client)
            raise Replied(refusal(error.code, error.message, "login")) from None
        except BaseException:
            drop(client)
            raise
        return client

    def _keep(self, client: SMTP) -> None:
        loop = asyncio.get_running_loop()
        self._idle[client] = loop.call_later(IDLE_SECONDS, self._leave, client)

    def _leave(self, client: SMTP) -> None:
        """Close a connection that nobody uses, with a word."""
        self._idle.pop(client).cancel()
        task = asyncio.get_running_loop().create_task(leave(client))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def aclose(self) -> None:
        """Close all connections."""
        for client in list(self._idle):
            self._leave(client)
        await asyncio.gather(*self._leaving)


def _code(error: Exception) -> str:
    match error:
        case aiosmtplib.SMTPServerDisconnected():
            return "closed"
        case aiosmtplib.SMTPConnectError() if not isinstance(error.__cause__, ConnectionError):
            return connect_code(error)
        case SMTPResponseException():
            return "bad_reply"
        case OSError():
            code = connect_code(error)
            return "closed" if code == "connect_failed" else code
        case _:
            return "transport_error"
