"""SMPP by one connection that stays bound, for receipts come at any time.

While there is none, it is tried again and again, with longer and longer pauses; whoever has a
message meanwhile is told at once why it cannot leave.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import Sequence

from worker.adapters.smpp_exchange import (
    QUEUE_FULL,
    THROTTLED,
    PartReply,
    SmppReply,
    SmppRequest,
    SmppServer,
)
from worker.adapters.smpp_pdu import ShortMessage, first_text
from worker.transport.base import (
    CONNECT_TIMEOUT,
    SHORTEST_CONNECT,
    NotSent,
    TooLate,
    TransportError,
    Uncertain,
)
from worker.transport.reasons import connect_code
from worker.transport.smpp_session import Receive, Session
from worker.transport.trust import tls_context

#: Pauses between attempts to bind, in seconds; the last one stays. Each is shortened by up to a
#: half at random, for many processes lose their connections in one moment.
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)

#: A connection that ended sooner, in seconds, was no good either.
STABLE = 5.0

#: How long to wait with a later part of a message that the SMSC throttled, in seconds. Its first
#: part is on its way, so to wait is better than to leave the recipient with a piece.
PART_PAUSE = 0.5


class SmppTransport:
    """Hands messages to one SMSC.

    A message holds one place of the window at a time: its parts leave one after another.
    """

    def __init__(
        self, server: SmppServer, receive: Receive, *, pauses: Sequence[float] = PAUSES
    ) -> None:
        self._server = server
        self._receive = receive
        self._pauses = pauses
        self._tls = tls_context() if server.tls else None
        self._session: Session | None = None
        #: Why there is no session; None while one is on its way.
        self._failure: TransportError | None = None
        self._changed = asyncio.Event()
        self._keeper = asyncio.create_task(self._keep_bound())

    async def send(
        self,
        request: SmppRequest,
        *,
        timeout: float,  # noqa: ASYNC109
        leave_within: float = math.inf,
    ) -> SmppReply:
        """Hand over ``request``; see :class:`worker.transport.base.Transport`.

        Raises:
            Refused: the SMSC refuses the account.
        """
        course = _Course(timeout, leave_within)
        session = await self._bound(course)
        replies: list[PartReply] = []
        try:
            async with asyncio.timeout_at(course.ends):
                for part in request.parts:
                    replies.append(await self._part(session, part, course))
                    if replies[-1].status:
                        break
        except TimeoutError:
            raise (Uncertain if course.begun else NotSent)("read_timeout") from None
        except NotSent as error:
            if course.begun:
                raise Uncertain(error.code) from None
            raise
        return SmppReply(tuple(replies))

    async def aclose(self) -> None:
        """Unbind and close."""
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper
        if self._session is not None:
            await self._session.unbind()

    async def _part(self, session: Session, part: ShortMessage, course: _Course) -> PartReply:
        while True:
            answer = await session.submit(part, course.leave)
            is_busy = answer.status in (THROTTLED, QUEUE_FULL)
            if not (is_busy and course.may_wait(PART_PAUSE)):
                break
            await asyncio.sleep(PART_PAUSE)
        course.is_taken = True
        return PartReply(answer.status, first_text(answer.body))

    async def _bound(self, course: _Course) -> Session:
        """A session, which may be on its way.

        Raises:
            TooLate: there was none in time for this message.
            NotSent: there is none to be had.
        """
        try:
            async with asyncio.timeout_at(course.bound_by):
                while True:
                    if self._session is not None and self._session.is_open:
                        return self._session
                    if self._failure is not None:
                        raise type(self._failure)(self._failure.code)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise (TooLate() if course.hurried else NotSent("connect_timeout")) from None

    async def _keep_bound(self) -> None:
        failures = 0
        while True:
            try:
                session = await self._open()
            except TransportError as error:
                failures = await self._rest(failures, error)
                continue
            self._tell(session, None)
            bound = asyncio.get_running_loop().time()
            await session.closed.wait()
            self._tell(None, None)
            if asyncio.get_running_loop().time() - bound >= STABLE:
                failures = 0
            elif failures:
                failures = await self._rest(failures, NotSent("closed"))
            else:
                # Once may be chance.
                failures = 1

    async def _rest(self, failures: int, error: TransportError) -> int:
        """Wait before another attempt; returns how many have failed."""
        self._tell(None, error)
        pause = self._pauses[min(failures, len(self._pauses) - 1)]
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
        self._tell(None, None)
        return failures + 1

    def _tell(self, session: Session | None, failure: TransportError | None) -> None:
        self._session, self._failure = session, failure
        self._changed.set()

    async def _open(self) -> Session:
        """Connect and bind."""
        server, session = self._server, None
        try:
            async with asyncio.timeout(2 * CONNECT_TIMEOUT):
                reader, writer = await asyncio.open_connection(
                    server.host, server.port, ssl=self._tls
                )
                session = Session(reader, writer, self._receive, server.enquire_link)
                await session.bind(server)
        except BaseException as error:
            if session is not None:
                session.close()
            if isinstance(error, TimeoutError):
                raise NotSent("connect_timeout") from None
            if isinstance(error, OSError):
                raise NotSent(connect_code(error)) from None
            if isinstance(error, TransportError) or not isinstance(error, Exception):
                raise
            raise NotSent("transport_error") from None
        return session


class _Course:
    """One message on its way: until when it may be, and how far it is."""

    def __init__(self, timeout: float, leave_within: float) -> None:
        self._now = asyncio.get_running_loop().time
        now = self._now()
        self.ends = now + timeout
        self._leaves = now + max(leave_within, SHORTEST_CONNECT)
        usual = now + min(CONNECT_TIMEOUT, timeout)
        self.bound_by = min(usual, self._leaves)
        self.hurried = self.bound_by < usual
        #: Something of it was written.
        self.begun = False
        #: A part of it was taken.
        self.is_taken = False

    def leave(self) -> None:
        """A part is about to be written.

        Raises:
            TooLate: it would be the first one, and leave too late.
        """
        if not self.begun and self._now() > self._leaves:
            raise TooLate
        self.begun = True

    def may_wait(self, seconds: float) -> bool:
        """Whether there is so much time, as much again for an answer, and a reason to take it."""
        return self.is_taken and self._now() + 2 * seconds < self.ends
