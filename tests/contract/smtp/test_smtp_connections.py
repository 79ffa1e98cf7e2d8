"""Connections are kept, replaced, bounded and given up, and nobody hears of it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.support.fault_server import PATIENCE
from tests.support.smtp_client import TAKEN, failure, opened, send
from tests.support.smtp_server import (
    Fault,
    Place,
    SmtpFaults,
    closes,
    is_silent,
    resets,
    says,
)
from tests.support.transports import AMPLE, SHORT, run, turn, until
from worker.transport import smtp, smtp_session
from worker.transport.base import BrokenOff, TooLate

GARBAGE = says(b"SSH-2.0-OpenSSH_9.6\r\n")
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


@pytest.mark.parametrize("place", ["RSET", "MAIL"])
@named
def test_a_kept_connection_that_has_ended_is_replaced(
    server: SmtpFaults,
    monkeypatch: pytest.MonkeyPatch,
    place: Place,
    fault: Fault,
    code: str,
    timeout: float,
) -> None:
    """Nothing is lost by beginning again, so nobody hears of it."""
    monkeypatch.setattr(smtp_session, "PROBE_SECONDS", SHORT)
    if code == "read_timeout" and place == "MAIL":
        return

    async def main() -> None:
        async with opened(server.port) as transport:
            await send(transport)
            server.script(place, fault)
            assert await send(transport) == TAKEN
            assert (server.accepted, len(server.contents)) == (2, 2)

    run(main())


@pytest.mark.parametrize("place", ["RSET", "MAIL"])
def test_a_server_that_takes_so_many_per_connection_gets_another(
    server: SmtpFaults, place: Place
) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            await send(transport)
            server.script(place, says(b"421 4.7.0 Too many messages\r\n"))
            assert await send(transport) == TAKEN
            assert server.accepted == 2

    run(main())


def test_one_connection_carries_message_after_message(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            for _ in range(3):
                await send(transport)

    run(main())
    one = ["MAIL FROM:<news@shop.example>", "RCPT TO:<mary@example.com>", "DATA"]
    again = ["RSET", *one]
    assert server.commands == ["EHLO sluice.example.com", *one, *again, *again, "QUIT"]
    assert server.accepted == 1


def test_there_are_no_more_connections_than_allowed(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port, connections=2) as transport:
            await asyncio.gather(*(send(transport) for _ in range(10)))

    run(main())
    assert len(server.contents) == 10
    assert server.accepted <= 2


def test_an_unused_connection_is_closed(
    server: SmtpFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "IDLE_SECONDS", 0.05)

    async def main() -> None:
        async with opened(server.port) as transport:
            await send(transport)
            await until(lambda: server.closed)
            assert server.commands[-1] == "QUIT"
            assert await send(transport) == TAKEN

    run(main())


def test_broken_off_is_in_doubt_and_closed(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port) as transport:
            server.script("content", is_silent)
            sent = asyncio.create_task(failure(transport))
            await until(lambda: server.contents)
            transport.break_off()
            assert isinstance(await sent, BrokenOff)
            assert await asyncio.to_thread(server.hung_up.acquire, timeout=PATIENCE / 2)
            assert isinstance(await failure(transport), TooLate)

    run(main())


def test_cancelling_in_any_step_leaves_nothing_behind(server: SmtpFaults) -> None:
    async def main() -> None:
        async with opened(server.port, connections=2) as transport:
            for turns in range(0, 60, 2):
                task = asyncio.create_task(send(transport))
                for _ in range(turns):
                    await turn()
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            assert [await send(transport) for _ in range(3)] == [TAKEN] * 3

    run(main())
