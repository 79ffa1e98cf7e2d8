"""One bound connection: requests and their answers, and what the SMSC itself asks (SMPP 3.4)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

from worker.adapters.smpp_exchange import SmppServer
from worker.adapters.smpp_pdu import (
    HEADER,
    LAST_SEQUENCE,
    RESPONSE,
    Command,
    Pdu,
    ShortMessage,
    bind_body,
    decode,
    length,
)
from worker.transport.base import NotSent, Refused, TransportError, Uncertain

log = logging.getLogger(__name__)

#: Takes a whole deliver_sm. Raises where it could not be kept, for the SMSC to send it again.
Receive = Callable[[bytes], Awaitable[None]]

#: How long the SMSC has to answer what is asked about the connection, in seconds.
ANSWER_SECONDS = 10.0

#: How long it has to say goodbye, or to hang up after ours, in seconds.
UNBIND_SECONDS = 1.0

#: Receipts and messages that may be waiting to be kept; the SMSC is told to come back with more.
MOST_RECEIPTS = 1_000

#: What of the account's the SMSC refuses (section 5.1.3). Anything else may pass.
_REFUSED = {
    0x0D: "ESME_RBINDFAIL",
    0x0E: "ESME_RINVPASWD",
    0x0F: "ESME_RINVSYSID",
    0x53: "ESME_RINVSYSTYP",
}

_BAD_COMMAND, _NOT_BOUND, _FULL, _TEMPORARY, _UNKNOWN_ERROR = 0x03, 0x04, 0x14, 0x64, 0xFF


class Writable(Protocol):
    """What is to be asked just before a message is written."""

    def __call__(self) -> None:
        """Raises a :class:`TransportError` where it may not leave any more."""
        ...


class Session:
    """A connection from its bind to its end.

    Answers are told apart by their sequence numbers, so any number of messages may be under way.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        receive: Receive,
        enquire_link: float,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._receive = receive
        self._enquire_link = enquire_link
        self._sequence = _sequence()
        #: By sequence number: what answers it, and who waits for that.
        self._pending: dict[int, tuple[int, asyncio.Future[Pdu]]] = {}
        self._keeping: set[asyncio.Task[None]] = set()
        self._heard = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        #: The SMSC, or we, want to part.
        self._parting = False
        self.closed = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether it may carry another message."""
        return not (self._parting or self.closed.is_set())

    async def bind(self, server: SmppServer) -> None:
        """Become somebody the SMSC takes messages from and hands receipts to.

        Raises:
            Refused: it refuses the account.
            NotSent: it refuses for another reason, or does not answer.
        """
        self._tasks.append(asyncio.create_task(self._read()))
        body = bind_body(server.system_id, server.password, server.system_type)
        try:
            answer = await self._ask(Command.BIND_TRANSCEIVER, body)
        except TransportError as error:
            raise NotSent(error.code) from None
        if answer.status in _REFUSED:
            raise Refused(_REFUSED[answer.status])
        if answer.status:
            raise NotSent(f"bind_0x{answer.status:02X}")
        self._tasks.append(asyncio.create_task(self._enquire()))

    async def submit(self, message: ShortMessage, writable: Writable) -> Pdu:
        """Hand over one part and wait for the answer.

        Raises:
            NotSent: the connection ended before it was written.
            Uncertain: it ended afterwards.
        """
        body = message.encode()
        try:
            # What still waits to be written would leave before this.
            await self._writer.drain()
        except OSError:
            raise NotSent("closed") from None
        if not self.is_open or self._writer.is_closing():
            raise NotSent("closed")
        writable()
        answer = await self._ask(Command.SUBMIT_SM, body)
        if answer.status == _NOT_BOUND:
            self.close()
        return answer

    async def unbind(self) -> None:
        """Say goodbye, and close."""
        self._parting = True
        if not self.closed.is_set():
            with contextlib.suppress(TransportError, TimeoutError):
                async with asyncio.timeout(UNBIND_SECONDS):
                    await self._ask(Command.UNBIND)
        self.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def close(self) -> None:
        """End it at once; nobody knows any more what becomes of what is not answered."""
        if self.closed.is_set():
            return
        self.closed.set()
        # Not politely: an SMSC that reads no more would hold it open.
        self._writer.transport.abort()
        current = asyncio.current_task()
        for task in (*self._tasks, *self._keeping):
            if task is not current:
                task.cancel()
        for _, waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(Uncertain("closed"))
        self._pending.clear()

    async def _ask(self, command: Command, body: bytes = b"") -> Pdu:
        if self.closed.is_set():
            raise NotSent("closed")
        sequence = next(number for number in self._sequence if number not in self._pending)
        waiting: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._pending[sequence] = command | RESPONSE, waiting
        self._write(Pdu(command, sequence, 0, body))
        try:
            return await waiting
        finally:
            self._pending.pop(sequence, None)

    def _write(self, pdu: Pdu) -> None:
        if not self._writer.is_closing():
            self._writer.write(pdu.encode())

    async def _read(self) -> None:
        try:
            while True:
                start = await self._reader.readexactly(HEADER)
                rest = await self._reader.readexactly(length(start) - HEADER)
                self._heard.set()
                self._take(start + rest)
        except (OSError, ValueError, asyncio.IncompleteReadError):
            # Whoever sends nonsense cannot be understood any more, either.
            pass
        finally:
            self.close()

    def _take(self, unit: bytes) -> None:
        pdu = decode(unit)
        if pdu.command & RESPONSE:
            self._answer(pdu)
            return
        match pdu.command:
            case Command.DELIVER_SM:
                self._deliver(pdu, unit)
            case Command.ENQUIRE_LINK:
                self._write(pdu.response())
            case Command.UNBIND:
                self._parting = True
                self._tasks.append(asyncio.create_task(self._finish(pdu)))
            case _:
                self._write(Pdu(Command.GENERIC_NACK, pdu.sequence, _BAD_COMMAND))

    async def _finish(self, goodbye: Pdu) -> None:
        """Say goodbye in turn, after what is still to be answered: the SMSC may then hang up."""
        waiting = [one for _, one in self._pending.values()]
        if waiting:
            await asyncio.wait(waiting, timeout=ANSWER_SECONDS)
        self._write(goodbye.response())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNBIND_SECONDS):
                await self.closed.wait()
        self.close()

    def _answer(self, pdu: Pdu) -> None:
        expected, waiting = self._pending.get(pdu.sequence, (0, None))
        if waiting is None or waiting.done() or pdu.command not in (expected, Command.GENERIC_NACK):
            return
        if pdu.command == Command.GENERIC_NACK and pdu.status == 0:
            pdu = Pdu(pdu.command, pdu.sequence, _UNKNOWN_ERROR)
        waiting.set_result(pdu)

    def _deliver(self, pdu: Pdu, unit: bytes) -> None:
        if len(self._keeping) >= MOST_RECEIPTS:
            self._write(pdu.response(_FULL, b"\0"))
            return
        task = asyncio.create_task(self._keep(pdu, unit))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _keep(self, pdu: Pdu, unit: bytes) -> None:
        """Answer once it is kept: until then it is the SMSC's to keep."""
        status = 0
        try:
            await self._receive(unit)
        except Exception as error:
            log.warning("what the SMSC hands over cannot be kept (%s)", type(error).__name__)
            status = _TEMPORARY
        # Its body is an unused message id (section 4.6.2).
        self._write(pdu.response(status, b"\0"))

    async def _enquire(self) -> None:
        """Ask a silent SMSC whether it is there; a dead connection may look like that for hours.

        Whatever it says then is an answer: one that is busy may have other things to say first.
        """
        while True:
            if await self._hears_within(self._enquire_link):
                continue
            self._write(Pdu(Command.ENQUIRE_LINK, next(self._sequence)))
            if not await self._hears_within(ANSWER_SECONDS):
                self.close()
                return

    async def _hears_within(self, seconds: float) -> bool:
        self._heard.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        return self._heard.is_set()


def _sequence() -> Iterator[int]:
    return itertools.chain.from_iterable(itertools.repeat(range(1, LAST_SEQUENCE + 1)))
