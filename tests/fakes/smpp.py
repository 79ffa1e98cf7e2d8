"""An SMSC over real TCP: it reads what it is sent by the specification, and puts parts together.

It shares the framing of units with the code under test and nothing else. Both were tried against
an implementation of somebody else's, the package ``smpp`` of npm.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from tests.fakes.base import SECRET, Case, Profile, ReportCase
from tests.fakes.smpp_units import read_gsm, receipt
from worker.adapters.base import (
    Accepted,
    Blocked,
    Failed,
    HttpRequest,
    Rejected,
    Report,
    Throttled,
    Unknown,
)
from worker.adapters.smpp_exchange import PartReply, SmppReply
from worker.adapters.smpp_pdu import HEADER, Command, Pdu, ShortMessage, decode

SYSTEM_ID = "sluice"
PASSWORD = f"{SECRET}-p"


class Fake:
    """The SMSC of ``PROFILE``, on loopback, in a thread of its own; to be used with ``with``."""

    def __init__(self) -> None:
        #: Whole messages: (address, text), in the order of their last parts.
        self.taken: list[tuple[str, str]] = []
        #: All parts that were taken, as they came.
        self.parts: list[ShortMessage] = []
        #: Commands of all units that arrived.
        self.heard: list[int] = []
        #: Statuses of the answers to receipts.
        self.acknowledged: list[int] = []
        #: How often somebody has bound.
        self.binds = 0
        #: Most parts that were unanswered at once.
        self.widest = 0
        #: Statuses of the next binds and of the next parts; afterwards all is well.
        self.bind_statuses: list[int] = []
        self.statuses: list[int] = []
        #: Closes the connection when a part arrives, before it is answered.
        self.closes = False
        #: Answers nothing any more; or nothing that asks whether it is there.
        self.is_silent = False
        self.ignores_enquiries = False
        #: Parts are answered when this many have arrived.
        self.together = 1
        self._unanswered: list[tuple[asyncio.StreamWriter, Pdu]] = []
        self._pieces: dict[tuple[str, int], dict[int, str]] = {}
        self._unreported: list[str] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._ids = itertools.count(0xABCD)
        self._sequences = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.url = ""

    def __enter__(self) -> Fake:
        self._thread.start()
        server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"smpp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._server = server
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def stop(self) -> None:
        """Close all connections and listen no more."""

        async def stop() -> None:
            self._server.close()
            for writer in self._writers:
                writer.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._call(stop())

    def drop(self) -> None:
        """Close all connections, and go on listening."""

        def close() -> None:
            for writer in self._writers:
                writer.close()

        self._loop.call_soon_threadsafe(close)

    def say(self, unit: bytes) -> None:
        """Write ``unit`` to whoever bound last."""
        self._loop.call_soon_threadsafe(self._writers[-1].write, unit)

    def catch_up(self) -> None:
        """Answer all parts that were not."""
        self._loop.call_soon_threadsafe(self._catch_up)

    def report(self, stat: str = "DELIVRD") -> int:
        """Send a receipt for each part without one; returns how many."""
        idents, self._unreported = self._unreported, []
        for ident in idents:
            self.say(receipt(stat, str(int(ident, 16)), sequence=next(self._sequences)))
        return len(idents)

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                rest = await reader.readexactly(size - 4)
                self._handle(decode(size.to_bytes(4, "big") + rest), writer)
        writer.close()

    def _handle(self, pdu: Pdu, writer: asyncio.StreamWriter) -> None:
        assert len(pdu.encode()) >= HEADER
        self.heard.append(pdu.command)
        if pdu.command == Command.DELIVER_SM | 0x80000000:
            self.acknowledged.append(pdu.status)
        elif self.is_silent or (self.ignores_enquiries and pdu.command == Command.ENQUIRE_LINK):
            return
        elif pdu.command == Command.BIND_TRANSCEIVER:
            self._bind(pdu, writer)
        elif pdu.command == Command.SUBMIT_SM:
            self._submit(pdu, writer)
        elif pdu.command in (Command.ENQUIRE_LINK, Command.UNBIND):
            writer.write(pdu.response().encode())
        elif pdu.command == Command.UNBIND | 0x80000000:
            writer.close()

    def _bind(self, pdu: Pdu, writer: asyncio.StreamWriter) -> None:
        system_id, password, _, rest = pdu.body.split(b"\0", 3)
        status = self.bind_statuses.pop(0) if self.bind_statuses else 0
        if rest[0] != 0x34 or system_id.decode() != SYSTEM_ID:
            status = 0x0F
        elif password.decode() != PASSWORD:
            status = 0x0E
        self.binds += 1
        self._writers.append(writer)
        writer.write(pdu.response(status, b"SMSC\0").encode())

    def _submit(self, pdu: Pdu, writer: asyncio.StreamWriter) -> None:
        if self.closes:
            self.closes = False
            writer.close()
            return
        self._unanswered.append((writer, pdu))
        self.widest = max(self.widest, len(self._unanswered))
        if len(self._unanswered) >= self.together:
            self._catch_up()

    def _catch_up(self) -> None:
        waiting, self._unanswered = self._unanswered, []
        # Answers may come in any order (section 2.5).
        for answered, one in reversed(waiting):
            answered.write(self._answer(one).encode())

    def _answer(self, pdu: Pdu) -> Pdu:
        message = ShortMessage.decode(pdu.body)
        status = self.statuses.pop(0) if self.statuses else _problem(message)
        if status:
            return pdu.response(status)
        self.parts.append(message)
        self._keep(message)
        ident = f"{next(self._ids):X}"
        if message.registered_delivery & 1:
            self._unreported.append(ident)
        return pdu.response(0, ident.encode() + b"\0")

    def _keep(self, message: ShortMessage) -> None:
        content, number, total, index = message.content, 0, 1, 1
        if message.esm_class & 0x40:
            assert content[:3] == b"\5\0\3"
            number, total, index = content[3:6]
            content = content[6:]
        is_wide = message.data_coding == 8
        text = content.decode("utf-16-be") if is_wide else read_gsm(content)
        assert len(content) <= (140 if is_wide else 160)
        pieces = self._pieces.setdefault((message.destination.value, number), {})
        pieces[index] = text
        if len(pieces) == total:
            whole = "".join(pieces[at] for at in range(1, total + 1))
            self.taken.append((message.destination.value, whole))
            del self._pieces[message.destination.value, number]


def _problem(message: ShortMessage) -> int:
    if not re.fullmatch(r"[0-9]{7,15}", message.destination.value):
        return 0x0B
    if (message.destination.ton, message.destination.npi) != (1, 1):
        return 0x50
    if len(message.source.value) > (11 if message.source.ton == 5 else 15):
        return 0x0A
    if not re.fullmatch(r"([0-9]{15}[R+])?", message.validity_period):
        return 0x62
    return 0


def replied(*statuses: int) -> SmppReply:
    """The SMSC's answers to the parts of a message, with ids from ABCD on."""
    parts = (
        PartReply(status, None if status else f"{0xABCD + index:X}")
        for index, status in enumerate(statuses)
    )
    return SmppReply(tuple(parts))


def call(unit: bytes) -> HttpRequest:
    """A deliver_sm as ``parse_report`` gets it."""
    return HttpRequest("SMPP", "", {}, unit)


AT = datetime(2029, 12, 31, 23, 59, 58, tzinfo=UTC)


def reported(kind: Any, code: str | None = None) -> list[Report]:
    return [Report(None, "43981", kind, at=AT, code=code, part=True)]


PROFILE = Profile(
    name="smpp",
    channel="sms",
    url="smpp://127.0.0.1:2775",
    options={
        "system_id": SYSTEM_ID,
        "password": PASSWORD,
        "receipt_ids": "decimal",
        "receipt_zone": "Europe/Dublin",
        "max_in_flight": 8,
    },
    cases={
        "accepted": Case(replied(0), [Accepted("43981")]),
        "accepted: with an id for each part": Case(replied(0, 0), [Accepted("43981", "43982")]),
        "accepted: but its last part": Case(replied(0, 0x45), [Accepted("43981")]),
        "accepted: without an id": Case(SmppReply((PartReply(0),)), [Accepted()]),
        "throttled": Case(replied(0x58), [Throttled(None, "ESME_RTHROTTLED")]),
        "throttled: its queue is full": Case(replied(0x14), [Throttled(None, "ESME_RMSGQFUL")]),
        "blocked: password": Case(replied(0x0E), [Blocked("ESME_RINVPASWD")]),
        "blocked: service type": Case(replied(0x15), [Blocked("ESME_RINVSERTYP")]),
        "rejected: destination": Case(replied(0x0B), [Rejected("ESME_RINVDSTADR")]),
        "rejected: sender": Case(replied(0x0A), [Rejected("ESME_RINVSRCADR")]),
        "rejected: length": Case(replied(0x01), [Rejected("ESME_RINVMSGLEN")]),
        "failed: its own error": Case(replied(0x08), [Failed("smpp_0x08")]),
        "failed: a vendor's own": Case(replied(0x04A1), [Failed("smpp_0x4A1")]),
        "unknown: nothing answered": Case(SmppReply(()), [Unknown("no_answer")]),
        "malformed": Case(SmppReply((PartReply(0, "no number"),)), [Accepted("no number")]),
        "oversized": Case(SmppReply((PartReply(0, "F" * 5000),)), [Accepted()]),
    },
    reports={
        "delivered": ReportCase(call(receipt()), reported("delivered")),
        "part": ReportCase(call(receipt()), reported("delivered")),
        "failed": ReportCase(
            call(receipt("UNDELIV", err="034")), reported("failed", "UNDELIV.034")
        ),
        "failed: expired": ReportCase(call(receipt("EXPIRED")), reported("failed", "EXPIRED")),
        "failed: rejected": ReportCase(call(receipt("rejectd")), reported("failed", "REJECTD")),
        "on its way": ReportCase(call(receipt("ENROUTE")), []),
        "taken": ReportCase(call(receipt("ACCEPTD")), []),
    },
    no_reports=(
        call(receipt(text="Hello")),
        call(receipt(text="id: stat:DELIVRD")),
        call(receipt(esm_class=0)),
        call(receipt(esm_class=0x08)),
        call(receipt()[:-1]),
        call(Pdu(Command.SUBMIT_SM, 1, 0, b"").encode()),
        call(Pdu(Command.DELIVER_SM, 1, 0, b"\0\1").encode()),
    ),
)
