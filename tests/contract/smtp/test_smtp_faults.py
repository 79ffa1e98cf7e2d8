"""SMTP tells what is certainly not sent from what may have arrived: the final dot decides."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.fault_server import PATIENCE, FullBacklog
from tests.support.smtp_client import LARGE, TAKEN, failure, opened, send
from tests.support.smtp_server import (
    Fault,
    Place,
    SmtpFaults,
    closes,
    is_silent,
    resets,
    says,
    waits,
)
from tests.support.transports import AMPLE, SHORT, run, until
from worker.transport.base import NotSent, TooLate, Uncertain

GARBAGE = says(b"SSH-2.0-OpenSSH_9.6\r\n")
BEFORE: list[Place] = ["greeting", "EHLO", "MAIL", "RCPT", "DATA"]
FAULTS: list[tuple[str, Fault, str, float]] = [
    ("closed", closes, "closed", AMPLE),
    ("reset", resets, "closed", AMPLE),
    ("garbage", GARBAGE, "bad_reply", AMPLE),
    ("makes no sense", says(b"399 Perhaps\r\n"), "bad_reply", AMPLE),
    ("a line without end", says(b"2" * 70_000), "bad_reply", AMPLE),
    ("silence", is_silent, "read_timeout", SHORT),
]  # fmt: skip

named = pytest.mark.parametrize(
    ("fault", "code", "timeout"), [each[1:] for each in FAULTS], ids=[each[0] for each in FAULTS]
)
reused_or_fresh = pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])


@named
@pytest.mark.parametrize("place", BEFORE)
def test_what_goes_wrong_before_the_dot_is_not_sent(
    server: SmtpFaults, place: Place, fault: Fault, code: str, timeout: float
) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            server.script(place, fault)
            error = await failure(transport, timeout=timeout)
            assert isinstance(error, NotSent)
            early = place in ("greeting", "EHLO") and code == "read_timeout"
            # Whoever does not understand EHLO is greeted with HELO, and had hung up by then.
            asked_again = place == "EHLO" and error.code == "closed"
            assert asked_again or error.code == ("connect_timeout" if early else code)
            assert server.contents == []
            assert await send(transport) == TAKEN

    run(main())


@named
@reused_or_fresh
def test_what_goes_wrong_after_the_dot_is_uncertain(
    server: SmtpFaults, fault: Fault, code: str, timeout: float, reused: bool
) -> None:
    """And is never sent again by itself."""

    async def main() -> None:
        async with opened(server.port) as transport:
            if reused:
                await send(transport)
            server.script("content", fault)
            error = await failure(transport, timeout=timeout)
            assert isinstance(error, Uncertain)
            assert error.code == code
            assert len(server.contents) == 1 + reused
            assert server.accepted == 1
            assert await send(transport) == TAKEN

    run(main())


@pytest.mark.parametrize(
    ("fault", "code", "timeout"),
    [(closes, "closed", AMPLE), (resets, "closed", AMPLE), (is_silent, "read_timeout", AMPLE)],
    ids=["closed", "reset", "silence"],
)
def test_what_goes_wrong_in_the_content_is_not_sent(
    server: SmtpFaults, fault: Fault, code: str, timeout: float
) -> None:
    """The dot waits until all that stands before it has left."""

    async def main() -> None:
        async with opened(server.port) as transport:
            server.script("half", fault)
            if fault is is_silent:
                # It reads on, so the dot leaves after all.
                assert isinstance(await failure(transport, timeout=SHORT), Uncertain)
                return
            error = await failure(transport, LARGE, timeout=timeout)
            assert isinstance(error, NotSent)
            assert error.code == code

    run(main())


def stalls(server: SmtpFaults, _: Any) -> bool:
    server.may_answer.wait(PATIENCE)
    return False


def test_a_content_that_cannot_leave_is_not_sent(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            server.script("half", stalls)
            error = await failure(transport, LARGE, timeout=SHORT)
            assert isinstance(error, NotSent)
            assert error.code == "read_timeout"
            server.may_answer.set()

    run(main())


@reused_or_fresh
def test_a_refused_connection_is_not_sent(server: SmtpFaults, reused: bool) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            if reused:
                await send(transport)
            server.stop()
            error = await failure(transport)
            assert isinstance(error, NotSent)
            assert error.code == "connection_refused"

    run(main())


def test_an_unknown_host_is_not_sent() -> None:
    async def main() -> None:
        async with opened(25, host="mail.invalid") as transport:
            error = await failure(transport)
            assert isinstance(error, NotSent)
            assert error.code == "dns"

    run(main())


def test_a_connect_timeout_is_not_sent() -> None:
    async def main() -> None:
        with FullBacklog() as url:
            async with opened(int(url.split(":")[2].split("/")[0])) as transport:
                error = await failure(transport, timeout=SHORT)
                assert isinstance(error, NotSent)
                assert error.code == "connect_timeout"
                assert isinstance(await failure(transport, leave_within=0.3), TooLate)

    run(main())


@pytest.mark.parametrize("place", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_what_waits_past_its_time_does_not_leave(server: SmtpFaults, place: Place) -> None:
    """A gate that closes stops a message up to its content, whatever the server waits for."""

    async def main() -> None:
        async with opened(server.port) as transport:
            server.script(place, is_silent)
            assert isinstance(await failure(transport, leave_within=0.3), TooLate)
            assert await asyncio.to_thread(server.hung_up.acquire, timeout=PATIENCE / 2)
            assert server.contents == []

    run(main())


def test_an_answer_may_come_after_the_time_to_leave(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            server.script("content", waits)
            sent = asyncio.create_task(send(transport, leave_within=0.3))
            await until(lambda: server.contents)
            with FullBacklog() as url:
                async with opened(int(url.split(":")[2].split("/")[0])) as other:
                    await failure(other, timeout=SHORT)
            server.may_answer.set()
            assert await sent == TAKEN

    run(main())


def test_plain_asyncio_serves_as_well(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            assert await send(transport) == TAKEN
            server.script("content", resets)
            assert isinstance(await failure(transport), Uncertain)
            server.script("half", closes)
            assert isinstance(await failure(transport, LARGE), NotSent)

    asyncio.run(main())
