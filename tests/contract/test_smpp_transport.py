"""The SMPP transport keeps what every transport promises, against an SMSC over real TCP."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest

from campaigns.template.content import Text
from tests.fakes.smpp import PROFILE, Fake, receipt
from tests.support.fault_server import unused_port
from tests.support.transports import AMPLE, SHORT, run, until
from worker.adapters.base import Accepted, Message, Outcome, Report, Throttled
from worker.adapters.smpp import SmppAdapter
from worker.adapters.smpp_exchange import SmppReply, SmppRequest
from worker.adapters.smpp_options import SmppOptions, server
from worker.adapters.smpp_pdu import Command, Pdu
from worker.transport import factory, smpp, smpp_session
from worker.transport.base import (
    AnyTransport,
    BrokenOff,
    NotSent,
    Refused,
    TooLate,
    TransportError,
    Uncertain,
)
from worker.transport.smpp import SmppTransport

#: Instead of seconds.
PAUSES = (0.01, 0.02)

LONG = "a" * 400


@pytest.fixture
def smsc() -> Iterator[Fake]:
    with Fake() as running:
        yield running


def adapter(**options: Any) -> SmppAdapter:
    found = PROFILE.adapter(**options)
    assert isinstance(found, SmppAdapter)
    return found


def request(text: str = "Hello", to: str = "353861234567") -> SmppRequest:
    return adapter().encode([Message("17-0-aaaaaaaaaaaaa", to, "Shop", Text(text))])


class Kept:
    """Keeps reports; fails as often as it is told to."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.failures = 0

    async def __call__(self, account: str, found: Sequence[Report]) -> None:
        assert account == "carrier"
        if self.failures:
            self.failures -= 1
            raise OSError
        self.reports += found


@contextlib.asynccontextmanager
async def opened(url: str, kept: Kept | None = None, **options: Any) -> AsyncIterator[AnyTransport]:
    config = PROFILE.config(url=url, **options)
    transport = factory.connect(config, adapter(url=url, **options), kept or Kept())
    try:
        yield transport
    finally:
        await transport.aclose()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    def brief(*args: Any, **more: Any) -> SmppTransport:
        return SmppTransport(*args, **{"pauses": PAUSES, **more})

    monkeypatch.setattr(factory, "SmppTransport", brief)
    monkeypatch.setattr(smpp, "PART_PAUSE", 0.01)
    monkeypatch.setattr(smpp_session, "ANSWER_SECONDS", SHORT)


async def send(
    transport: AnyTransport,
    text: str = "Hello",
    timeout: float = AMPLE,
    leave_within: float = math.inf,
    **more: Any,
) -> SmppReply:
    found: SmppReply = await transport.send(
        request(text, **more), timeout=timeout, leave_within=leave_within
    )
    return found


async def failure(transport: AnyTransport, *args: Any, **more: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await send(transport, *args, **more)
    return caught.value


def meaning(reply: SmppReply) -> Outcome:
    (found,) = adapter().decode([], reply) or [adapter()._outcome(reply)]
    return found


def test_messages_arrive_whole_and_get_an_id_for_each_part(smsc: Fake) -> None:
    texts = ["Hello", LONG, "ё" * 100 + "😀", "€" * 200]

    async def main() -> list[Outcome]:
        async with opened(smsc.url) as transport:
            return [meaning(await send(transport, text)) for text in texts]

    found = run(main())
    assert [text for _, text in smsc.taken] == texts
    assert [len(one.message_ids) for one in found if isinstance(one, Accepted)] == [1, 3, 2, 3]
    assert smsc.binds == 1
    assert smsc.heard[-1] == Command.UNBIND


def test_answers_in_another_order_find_their_messages(smsc: Fake) -> None:
    smsc.together = 4

    async def main() -> list[Outcome]:
        async with opened(smsc.url) as transport:
            numbers = [f"35386123456{n}" for n in range(4)]
            sending = [send(transport, number, to=number) for number in numbers]
            return [meaning(one) for one in await asyncio.gather(*sending)]

    found = run(main())
    asked = [part.destination.value for part in smsc.parts]
    given = {number: str(0xABCD + index) for index, number in enumerate(asked)}
    assert found == [Accepted(given[f"35386123456{n}"]) for n in range(4)]


def test_the_window_is_never_wider_than_the_account_says(smsc: Fake) -> None:
    """A message of several parts takes one place of it, too."""
    smsc.together = 3

    async def main() -> None:
        async with opened(smsc.url, max_in_flight=3) as transport:
            await asyncio.gather(*(send(transport, LONG) for _ in range(6)))

    run(main())
    assert (len(smsc.parts), smsc.widest) == (18, 3)


def test_a_throttled_message_is_not_sent(smsc: Fake) -> None:
    smsc.statuses = [0x58]

    async def main() -> list[Outcome]:
        async with opened(smsc.url) as transport:
            return [meaning(await send(transport, LONG)) for _ in range(2)]

    throttled, accepted = run(main())
    assert throttled == Throttled(None, "ESME_RTHROTTLED")
    assert isinstance(accepted, Accepted)
    assert [text for _, text in smsc.taken] == [LONG]


def test_the_rest_of_a_message_waits_while_it_is_throttled(smsc: Fake) -> None:
    """Otherwise its first part would have been sent in vain."""
    smsc.statuses = [0, 0x58, 0x14, 0, 0x58, 0]

    async def main() -> Outcome:
        async with opened(smsc.url) as transport:
            return meaning(await send(transport, LONG))

    found = run(main())
    assert isinstance(found, Accepted)
    assert len(found.message_ids) == 3
    assert smsc.taken == [("353861234567", LONG)]


def test_it_does_not_wait_beyond_its_time(smsc: Fake) -> None:
    smsc.statuses = [0] + [0x58] * 1000

    async def main() -> Outcome:
        async with opened(smsc.url) as transport:
            return meaning(await send(transport, LONG, timeout=SHORT))

    assert run(main()) == Accepted("43981")


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


def test_it_binds_again_by_itself_as_receipts_may_come(smsc: Fake) -> None:
    smsc.bind_statuses = [0x08, 0x08, 0]

    async def main() -> Outcome:
        async with opened(smsc.url) as transport:
            await until(lambda: smsc.binds == 3)
            smsc.drop()
            await until(lambda: smsc.binds == 4)
            return meaning(await send(transport))

    assert isinstance(run(main()), Accepted)


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


def test_a_dead_connection_is_noticed(smsc: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """By enquire_link; otherwise messages would go into it until TCP gives up, after minutes."""

    async def main() -> Outcome:
        options = SmppOptions(**{k: v for k, v in PROFILE.options.items() if k != "max_in_flight"})
        object.__setattr__(options, "enquire_link", 0.05)
        transport = SmppTransport(
            server(PROFILE.config(url=smsc.url), options), nobody, pauses=PAUSES
        )
        await until(lambda: smsc.heard.count(Command.ENQUIRE_LINK) > 2)
        assert smsc.binds == 1
        smsc.is_silent = True
        await until(lambda: smsc.heard.count(Command.BIND_TRANSCEIVER) > 1)
        smsc.is_silent = False
        await until(lambda: smsc.binds > 1)
        found = meaning(await transport.send(request(), timeout=AMPLE))
        await transport.aclose()
        return found

    assert isinstance(run(main()), Accepted)


async def nobody(_: bytes) -> None:
    raise AssertionError


def test_the_smscs_own_questions_are_answered(smsc: Fake) -> None:
    async def main() -> Outcome:
        async with opened(smsc.url) as transport:
            await send(transport)
            smsc.say(Pdu(Command.ENQUIRE_LINK, 77).encode())
            await until(lambda: Command.ENQUIRE_LINK | 0x80000000 in smsc.heard)
            smsc.say(Pdu(0x103, 78).encode())
            await until(lambda: Command.GENERIC_NACK in smsc.heard)
            smsc.say(Pdu(Command.UNBIND, 79).encode())
            await until(lambda: smsc.binds == 2)
            return meaning(await send(transport))

    assert isinstance(run(main()), Accepted)
    assert Command.UNBIND | 0x80000000 in smsc.heard


def test_what_cannot_be_understood_ends_the_connection(smsc: Fake) -> None:
    async def main() -> TransportError:
        smsc.together = 2
        async with opened(smsc.url) as transport:
            sending = asyncio.create_task(failure(transport))
            await until(lambda: Command.SUBMIT_SM in smsc.heard)
            smsc.say(b"\xff\xff\xff\xff" * 4)
            return await sending

    assert isinstance(run(main()), Uncertain)


@pytest.mark.parametrize("status", [0x03, 0x0])
def test_a_generic_nack_answers_the_message(smsc: Fake, status: int) -> None:
    """And is never taken for an acceptance."""

    async def main() -> Outcome:
        smsc.together = 2
        async with opened(smsc.url) as transport:
            sending = asyncio.create_task(send(transport))
            await until(lambda: Command.SUBMIT_SM in smsc.heard)
            # The bind was the first.
            smsc.say(Pdu(Command.GENERIC_NACK, 2, status).encode())
            return meaning(await sending)

    assert not isinstance(run(main()), Accepted)


def test_an_answer_of_another_kind_is_none(smsc: Fake) -> None:
    async def main() -> TransportError:
        smsc.together = 2
        async with opened(smsc.url) as transport:
            sending = asyncio.create_task(failure(transport, timeout=SHORT))
            await until(lambda: Command.SUBMIT_SM in smsc.heard)
            smsc.say(Pdu(Command.ENQUIRE_LINK | 0x80000000, 2).encode())
            return await sending

    assert isinstance(run(main()), Uncertain)


def test_receipts_are_answered_when_they_are_kept(smsc: Fake) -> None:
    async def main() -> tuple[list[Report], Outcome]:
        kept = Kept()
        async with opened(smsc.url, kept) as transport:
            found = meaning(await send(transport, LONG))
            kept.failures = 1
            assert smsc.report("UNDELIV") == 3
            await until(lambda: len(smsc.acknowledged) == 3)
            return kept.reports, found

    reports, found = run(main())
    assert isinstance(found, Accepted)
    # One could not be kept: the SMSC sends it again later.
    assert sorted(smsc.acknowledged) == [0, 0, 0x64]
    assert {report.message_id for report in reports} < set(found.message_ids)
    assert all(report.part and report.kind == "failed" for report in reports)


def test_what_is_no_receipt_is_taken_and_dropped(smsc: Fake) -> None:
    """A message of a person, for one. To refuse it would bring it back for ever."""

    async def main() -> list[Report]:
        kept = Kept()
        async with opened(smsc.url, kept) as transport:
            await send(transport)
            for unit in (receipt(esm_class=0), receipt(text="?"), receipt("ENROUTE")):
                smsc.say(unit)
            await until(lambda: len(smsc.acknowledged) == 3)
            return kept.reports

    assert run(main()) == []
    assert smsc.acknowledged == [0, 0, 0]


def test_more_receipts_than_can_be_kept_are_told_to_come_back(
    smsc: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp_session, "MOST_RECEIPTS", 2)
    go_on = asyncio.Event()

    class Slow(Kept):
        async def __call__(self, account: str, found: Sequence[Report]) -> None:
            await go_on.wait()

    async def main() -> None:
        async with opened(smsc.url, Slow()) as transport:
            await send(transport)
            smsc.say(b"".join(receipt(sequence=n) for n in range(1, 4)))
            await until(lambda: smsc.acknowledged == [0x14])
            go_on.set()
            await until(lambda: len(smsc.acknowledged) == 3)

    run(main())
    assert smsc.acknowledged == [0x14, 0, 0]


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


def test_no_secret_and_no_address_shows(smsc: Fake, caplog: pytest.LogCaptureFixture) -> None:
    shown: list[Callable[[], str]] = []

    async def main() -> None:
        async with opened(smsc.url) as transport:
            shown.append(lambda: repr(request()) + repr(transport))
            await send(transport)
            smsc.say(receipt(esm_class=0))
            await until(lambda: smsc.acknowledged)

    with caplog.at_level("DEBUG"):
        run(main())
    text = shown[0]() + caplog.text
    assert not any(
        word in text for word in ("353861234567", "Hello", str(PROFILE.options["password"]))
    )
