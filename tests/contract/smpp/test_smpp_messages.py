"""Messages go to an SMSC in parts, in a window, and wait where they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.fakes.smpp import PROFILE, Fake
from tests.fakes.smpp_units import receipt
from tests.support.smpp_client import LONG, failure, meaning, opened, request, send
from tests.support.transports import SHORT, run, until
from worker.adapters.base import Accepted, Outcome, Throttled
from worker.adapters.smpp_pdu import Command, Pdu
from worker.transport import smpp
from worker.transport.base import TransportError, Uncertain


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


def test_it_does_not_wait_beyond_its_time(smsc: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor so long that the answer would come too late, and leave it in doubt."""
    monkeypatch.setattr(smpp, "PART_PAUSE", 0.4 * SHORT)
    smsc.statuses = [0] + [0x58] * 1000

    async def main() -> Outcome:
        async with opened(smsc.url) as transport:
            return meaning(await send(transport, LONG, timeout=SHORT))

    assert run(main()) == Accepted("43981")


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
