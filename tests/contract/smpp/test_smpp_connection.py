"""The connection to an SMSC stays bound, is watched, and is replaced; receipts come over it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from tests.fakes.smpp import PROFILE, Fake
from tests.fakes.smpp_units import RECEIPT, receipt
from tests.support.smpp_client import LONG, PAUSES, Kept, meaning, opened, request, send
from tests.support.transports import AMPLE, run, until
from worker.adapters.base import Accepted, Outcome, Report
from worker.adapters.smpp_options import SmppOptions, server
from worker.adapters.smpp_pdu import Command, Pdu
from worker.transport import smpp_session
from worker.transport.smpp import SmppTransport


def test_it_binds_again_by_itself_as_receipts_may_come(smsc: Fake) -> None:
    smsc.bind_statuses = [0x08, 0x08, 0]

    async def main() -> Outcome:
        async with opened(smsc.url) as transport:
            await until(lambda: smsc.binds == 3)
            smsc.drop()
            await until(lambda: smsc.binds == 4)
            return meaning(await send(transport))

    assert isinstance(run(main()), Accepted)


def watching(smsc: Fake) -> SmppTransport:
    """A transport that asks after an instant of silence."""
    options = SmppOptions(**{k: v for k, v in PROFILE.options.items() if k != "max_in_flight"})
    object.__setattr__(options, "enquire_link", 0.05)
    return SmppTransport(server(PROFILE.config(url=smsc.url), options), nobody, pauses=PAUSES)


async def nobody(_: bytes) -> None:
    raise AssertionError


def test_a_dead_connection_is_noticed(smsc: Fake) -> None:
    """By enquire_link; otherwise messages would go into it until TCP gives up, after minutes."""

    async def main() -> Outcome:
        transport = watching(smsc)
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


def test_an_smsc_that_says_anything_is_there(smsc: Fake) -> None:
    """Even if it does not answer that very question: its window would be left in doubt."""
    smsc.ignores_enquiries = True

    def has_asked(times: int) -> bool:
        return smsc.heard.count(Command.ENQUIRE_LINK) >= times

    async def main() -> None:
        transport = watching(smsc)
        for times in range(1, 4):
            await until(partial(has_asked, times))
            smsc.say(Pdu(Command.ENQUIRE_LINK, 70 + times).encode())
        await until(lambda: smsc.heard.count(Command.ENQUIRE_LINK | 0x80000000) == 3)
        await transport.aclose()

    run(main())
    assert smsc.binds == 1


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


def test_an_smsc_that_parts_answers_what_is_under_way_first(smsc: Fake) -> None:
    """It hangs up when it is told goodbye, and would leave the whole window in doubt."""
    smsc.together = 3

    async def main() -> list[Outcome]:
        async with opened(smsc.url) as transport:
            sending = [asyncio.create_task(send(transport)) for _ in range(2)]
            await until(lambda: smsc.heard.count(Command.SUBMIT_SM) == 2)
            smsc.say(Pdu(Command.UNBIND, 79).encode() + Pdu(Command.ENQUIRE_LINK, 80).encode())
            await until(lambda: Command.ENQUIRE_LINK | 0x80000000 in smsc.heard)
            smsc.catch_up()
            return [meaning(await one) for one in sending]

    assert all(isinstance(one, Accepted) for one in run(main()))
    assert Command.UNBIND | 0x80000000 in smsc.heard


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
    """To refuse it would bring it back for ever."""

    async def main() -> Kept:
        kept = Kept()
        async with opened(smsc.url, kept) as transport:
            await send(transport)
            for unit in (receipt(esm_class=0x20), receipt(text="?"), receipt("ENROUTE")):
                smsc.say(unit)
            await until(lambda: len(smsc.acknowledged) == 3)
            return kept

    kept = run(main())
    assert (kept.reports, kept.messages) == ([], [])
    assert smsc.acknowledged == [0, 0, 0]


def test_what_people_send_is_acknowledged_when_it_was_obeyed(smsc: Fake) -> None:
    """Be it in the words of a receipt: its type says that a person wrote it."""

    async def main() -> Kept:
        kept = Kept()
        kept.failures = 1
        async with opened(smsc.url, kept) as transport:
            await send(transport)
            for text in ("STOP", "STOP", RECEIPT):
                smsc.say(receipt(text=text, esm_class=0))
            await until(lambda: len(smsc.acknowledged) == 3)
            return kept

    kept = run(main())
    # One could not be obeyed: the SMSC brings it again later.
    assert sorted(smsc.acknowledged) == [0, 0, 0x64]
    assert kept.reports == []
    assert {(one.sender, one.recipient) for one in kept.messages} == {("353861234567", "Sluice")}
    assert "STOP" in {one.text for one in kept.messages}


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
