"""SMPP tells what is certainly not sent from what may have arrived: the first part decides."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.fakes.smpp import Fake
from tests.support.fault_server import unused_port
from tests.support.smpp_client import LONG, failure, meaning, opened, send
from tests.support.transports import AMPLE, SHORT, run, until
from worker.adapters.base import Accepted
from worker.adapters.smpp_exchange import SmppReply
from worker.adapters.smpp_pdu import Command, Pdu
from worker.transport import smpp
from worker.transport.base import BrokenOff, NotSent, Refused, TooLate, TransportError, Uncertain
from worker.transport.smpp import SmppTransport


def test_a_connection_lost_before_the_answer_leaves_it_unknown(smsc: Fake) -> None:
    smsc.closes = True

    async def main() -> tuple[TransportError, SmppReply]:
        async with opened(smsc.url) as transport:
            return await failure(transport), await send(transport)

    lost, again = run(main())
    assert (type(lost), lost.code) == (Uncertain, "closed")
    assert isinstance(meaning(again), Accepted)
    assert smsc.binds == 2


def test_no_answer_in_time_leaves_it_unknown(smsc: Fake) -> None:
    smsc.together = 2

    async def main() -> TransportError:
        async with opened(smsc.url) as transport:
            return await failure(transport, timeout=SHORT)

    found = run(main())
    assert (type(found), found.code) == (Uncertain, "read_timeout")


def test_what_is_lost_after_its_first_part_is_unknown(smsc: Fake) -> None:
    async def main() -> TransportError:
        async with opened(smsc.url) as transport:
            smsc.statuses = [0]
            sending = asyncio.create_task(failure(transport, LONG))
            smsc.together = 2
            await until(lambda: smsc.heard.count(Command.SUBMIT_SM) == 1)
            smsc.drop()
            return await sending

    assert isinstance(run(main()), Uncertain)


def test_what_cannot_be_finished_is_unknown(smsc: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its later part certainly did not leave; the first one did."""
    monkeypatch.setattr(smpp, "PART_PAUSE", SHORT)
    smsc.statuses = [0, 0x58]

    async def main() -> TransportError:
        async with opened(smsc.url) as transport:
            sending = asyncio.create_task(failure(transport, LONG))
            await until(lambda: smsc.heard.count(Command.SUBMIT_SM) == 2)
            smsc.drop()
            return await sending

    found = run(main())
    assert (type(found), found.code) == (Uncertain, "closed")


def test_nobody_listening_is_certain(smsc: Fake) -> None:
    async def main() -> TransportError:
        async with opened(f"smpp://127.0.0.1:{unused_port()}") as transport:
            return await failure(transport)

    found = run(main())
    assert (type(found), found.code) == (NotSent, "connection_refused")


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (0x0E, Refused, "ESME_RINVPASWD"),
        (0x0D, Refused, "ESME_RBINDFAIL"),
        (0x05, NotSent, "bind_0x05"),
        (0x08, NotSent, "bind_0x08"),
    ],
)
def test_a_bind_that_is_refused(
    smsc: Fake, status: int, kind: type[TransportError], code: str
) -> None:
    smsc.bind_statuses = [status] * 1000

    async def main() -> TransportError:
        async with opened(smsc.url) as transport:
            return await failure(transport)

    found = run(main())
    assert (type(found), found.code) == (kind, code)


def test_an_smsc_that_does_not_answer_the_bind(smsc: Fake) -> None:
    smsc.is_silent = True

    async def main() -> list[TransportError]:
        async with opened(smsc.url) as transport:
            return [
                await failure(transport, timeout=SHORT),
                await failure(transport, leave_within=0.05),
            ]

    slow, late = run(main())
    assert (type(slow), slow.code) == (NotSent, "connect_timeout")
    assert isinstance(late, TooLate)
    assert smsc.taken == []


def test_what_cannot_be_understood_ends_the_connection(smsc: Fake) -> None:
    async def main() -> TransportError:
        smsc.together = 2
        async with opened(smsc.url) as transport:
            sending = asyncio.create_task(failure(transport))
            await until(lambda: Command.SUBMIT_SM in smsc.heard)
            smsc.say(b"\xff\xff\xff\xff" * 4)
            return await sending

    assert isinstance(run(main()), Uncertain)


def test_an_smsc_that_parts_without_an_answer_leaves_it_unknown(smsc: Fake) -> None:
    """An error of the request, never an end to whoever waits for it: the batch has other rows."""
    smsc.together = 2

    async def main() -> TransportError:
        async with opened(smsc.url) as transport:
            sending = asyncio.create_task(failure(transport))
            await until(lambda: Command.SUBMIT_SM in smsc.heard)
            smsc.say(Pdu(Command.UNBIND, 79).encode())
            return await sending

    found = run(main())
    assert (type(found), found.code) == (Uncertain, "closed")


def test_answers_can_be_given_up(smsc: Fake) -> None:
    smsc.together = 2

    async def main() -> TransportError:
        async with opened(smsc.url) as transport:
            sending = asyncio.create_task(failure(transport))
            await until(lambda: Command.SUBMIT_SM in smsc.heard)
            transport.break_off()
            return await sending

    assert isinstance(run(main()), BrokenOff)


def test_an_smsc_that_does_not_read_gets_nothing_late() -> None:
    """What waits in our own buffer would leave after its moment."""
    go_on = threading.Event()

    async def main(port: int) -> tuple[TransportError, TransportError]:
        async with opened(f"smpp://127.0.0.1:{port}") as transport:
            inner: SmppTransport = transport._inner  # type: ignore[attr-defined]
            session = await inner._bound(smpp._Course(AMPLE, math.inf))
            session._writer.transport.set_write_buffer_limits(1)
            session._writer.write(Pdu(Command.ENQUIRE_LINK, 9).encode() * 2_000_000)
            stuck_one = await failure(transport, timeout=SHORT)
            begun = asyncio.get_running_loop().time()
            late = asyncio.create_task(failure(transport, leave_within=0.1))
            await until(lambda: time.monotonic() > begun + 0.1)
            go_on.set()
            return stuck_one, await late

    with stuck(go_on) as (port, received):
        found, late = run(main(port))
    assert isinstance(found, NotSent)
    assert isinstance(late, TooLate)
    assert b"Hello" not in received


@contextlib.contextmanager
def stuck(go_on: threading.Event) -> Iterator[tuple[int, bytearray]]:
    """An SMSC that answers the bind, and reads no more until it is told to."""
    received = bytearray()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(4096)
            answer = Pdu(Command.BIND_TRANSCEIVER | 0x80000000, 1, 0, b"\0")
            connection.sendall(answer.encode())
            assert go_on.wait(AMPLE)
            with contextlib.suppress(ConnectionError):
                while piece := connection.recv(1 << 20):
                    received.extend(piece[-1000:])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1], received
        thread.join()
