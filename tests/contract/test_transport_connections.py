"""Connections are kept, bounded, replaced and given up, without mixing up what they carry."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.support.fault_server import PATIENCE, FaultServer
from tests.support.faults import answer_twice, behave_then_close, silence
from tests.support.transports import SHORT, exchange, opened, run, turn, until
from worker.transport.factory import DEFAULT_TRANSPORT, TransportName


def test_no_more_connections_than_allowed(
    transport_name: TransportName, server: FaultServer
) -> None:
    async def main() -> None:
        async with opened(transport_name, max_connections=3) as transport:
            await asyncio.gather(*(exchange(transport, server.url) for _ in range(30)))
        assert server.arrivals == 30
        assert server.accepted <= 3

    run(main())


def test_a_connection_closed_while_idle_is_replaced(
    transport_name: TransportName, server: FaultServer
) -> None:
    """The commonest fault of all: the server's keep-alive is shorter than ours."""

    async def main() -> None:
        async with opened(transport_name) as transport:
            for number in range(1, 6):
                server.script(behave_then_close)
                answer = await exchange(transport, server.url)
                assert answer.body == b'{"id": "%d"}' % number
                await until(lambda: server.closed == number)  # noqa: B023
            assert server.arrivals == 5

    run(main())


def test_an_answer_that_nobody_asked_for_is_dropped(server: FaultServer) -> None:
    """Otherwise every following message would be recorded with its predecessor's outcome.

    Held by the default transport; httpx has no means to notice.
    """

    async def main() -> None:
        async with opened(DEFAULT_TRANSPORT) as transport:
            server.script(answer_twice)
            assert (await exchange(transport, server.url)).body == b'{"id": "1"}'
            assert (await exchange(transport, server.url)).body == b'{"id": "2"}'

    run(main())


def test_a_cancelled_request_leaves_nothing_behind(
    transport_name: TransportName, server: FaultServer
) -> None:
    """Its connection is closed when its time is up at the latest, so that a late answer meets no
    later request, and its slot is free again."""

    async def main() -> None:
        async with opened(transport_name, max_connections=1) as transport:
            for number in range(1, 4):
                server.script(silence)
                task = asyncio.create_task(exchange(transport, server.url, timeout=SHORT))
                await until(lambda: len(server.received) == number)  # noqa: B023
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await asyncio.to_thread(server.hung_up.acquire, timeout=PATIENCE / 2)
            assert (await exchange(transport, server.url)).body == b'{"id": "4"}'

    run(main())


def test_cancelling_in_any_step_leaves_nothing_behind(
    transport_name: TransportName, server: FaultServer
) -> None:
    """Cancelled after 0, 1, 2, ... turns of the loop; afterwards the transport works."""

    async def main() -> None:
        async with opened(transport_name, max_connections=2) as transport:
            for turns in range(40):
                task = asyncio.create_task(exchange(transport, server.url))
                for _ in range(turns):
                    await turn()
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            sent = await asyncio.gather(*(exchange(transport, server.url) for _ in range(4)))
            assert len({answer.body for answer in sent}) == 4

    run(main())
