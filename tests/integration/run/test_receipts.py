"""Reports that come over the connection of the messages are kept before they are acknowledged."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial

import pytest

from campaigns.database import Connection, opened
from campaigns.errors import Unavailable
from tests.support.clock import FakeClock
from tests.support.reported import NOTED, Sending
from worker.adapters.base import Report
from worker.receipts import Recorder


def report(message_id: str, kind: str = "delivered") -> Report:
    return Report(None, message_id, kind, part=True)  # type: ignore[arg-type]


def keep(recorder: Recorder, *calls: Sequence[Report]) -> list[BaseException | None]:
    async def main() -> list[BaseException | None]:
        keeping = (recorder("carrier", one) for one in calls)
        return await asyncio.gather(*keeping, return_exceptions=True)

    return asyncio.run(main())


def test_the_receipts_of_all_parts_settle_the_message(sending: Sending, database: str) -> None:
    sending.accept("1", "2", capabilities=NOTED)
    recorder = Recorder(partial(opened, database), FakeClock())
    assert keep(recorder, [report("1")]) == [None]
    assert sending.row() == ("accepted", None)
    assert keep(recorder, [report("2")], [report("1")]) == [None, None]
    assert sending.row() == ("accepted", "delivered")
    assert sending.counts() == {"accepted": 1, "delivered": 1}


def test_what_arrives_together_is_written_together(sending: Sending, database: str) -> None:
    connections: list[int] = []

    def counted() -> AbstractContextManager[Connection]:
        connections.append(1)
        return opened(database)

    assert (
        keep(Recorder(counted, FakeClock()), *[[report(str(n))] for n in range(200)])
        == [None] * 200
    )
    assert len(connections) == 1
    kept = sending.conn.execute("SELECT count(*) AS n FROM stray_reports").fetchone()
    assert kept == {"n": 200}


def test_what_arrives_during_a_transaction_waits_for_the_next(
    sending: Sending, database: str
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    connections: list[int] = []

    def slow() -> AbstractContextManager[Connection]:
        connections.append(1)
        begun.set()
        assert go_on.wait(20)
        return opened(database)

    async def main() -> None:
        recorder = Recorder(slow, FakeClock())
        first = asyncio.create_task(recorder("carrier", [report("0")]))
        assert await asyncio.to_thread(begun.wait, 20)
        others = [asyncio.create_task(recorder("carrier", [report(str(n))])) for n in range(1, 50)]
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, *others)

    asyncio.run(main())
    assert len(connections) == 2


def test_whoever_brings_one_is_told_that_it_was_not_kept(sending: Sending, database: str) -> None:
    """So that the provider says it again. The next one is kept."""
    failures = [Unavailable("the database is away.")]

    def failing() -> AbstractContextManager[Connection]:
        if failures:
            raise failures.pop()
        return opened(database)

    recorder = Recorder(failing, FakeClock())
    (error,) = keep(recorder, [report("1")])
    assert isinstance(error, Unavailable)
    assert keep(recorder, [report("1")]) == [None]


@pytest.mark.parametrize("given_up", [0, 1])
def test_whoever_stops_waiting_holds_up_nobody(
    sending: Sending, database: str, given_up: int
) -> None:
    """A connection that was lost takes its receipts with it."""

    async def main() -> None:
        recorder = Recorder(partial(opened, database), FakeClock())
        calls = [asyncio.create_task(recorder("carrier", [report(str(n))])) for n in range(2)]
        await asyncio.sleep(0)
        calls[given_up].cancel()
        await calls[1 - given_up]

    asyncio.run(main())
