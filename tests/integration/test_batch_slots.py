"""Messages and their slots while the process is held up: none is early, none later than it may."""

from __future__ import annotations

import asyncio
import time

import pytest

from campaigns.database import Connection
from tests.support import ledger as rows
from tests.support.batches import Bench, ScriptedTransport
from tests.support.clock import FakeClock
from worker.adapters.base import HttpRequest, HttpResponse
from worker.batch import send_batch
from worker.engine import PACE, Engine
from worker.throttle.base import Permits
from worker.throttle.memory import MemoryLimiter

#: So many turns of the event loop are enough for whoever needs no time to come to an end.
SETTLED = 50


class Timeline(FakeClock):
    """Moves on to the next moment that somebody sleeps until, once all others wait for something.

    It begins at the present, and stands still while the database is asked, however long that takes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.advance(time.monotonic() - self.monotonic())
        self._awaited: list[float] = []
        self._asking = 0

    def stopped(self, ask):
        """``ask``, during which no time passes."""

        async def asking(*arguments, **named):
            self._asking += 1
            try:
                return await ask(*arguments, **named)
            finally:
                self._asking -= 1

        return asking

    async def sleep(self, seconds: float) -> None:
        end = self.monotonic() + seconds
        self._awaited.append(end)
        idle = 0
        while self.monotonic() < end:
            await asyncio.sleep(0)
            idle = 0 if self._asking else idle + 1
            if idle >= SETTLED and end == min(self._awaited):
                self.advance(end - self.monotonic())
        self._awaited.remove(end)


class Leases(MemoryLimiter):
    """Remembers what was leased, and may take its time to say so."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock, pace=PACE)
        self._moved = clock
        self.leased: list[Permits] = []
        #: How long after its first slot the next block is heard of, in seconds.
        self.delay: float | None = None

    async def acquire(self, account, rate_per_second, want, **rules):
        answer = await super().acquire(account, rate_per_second, want, **rules)
        if isinstance(answer, Permits):
            self.leased.append(answer)
            if self.delay is not None:
                self._moved.advance(answer.start + self.delay - self._moved.monotonic())
                self.delay = None
        return answer


class Watched(ScriptedTransport):
    """Remembers when each request left."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.left: list[float] = []

    async def send(
        self, request: HttpRequest, *, timeout: float, leave_within: float
    ) -> HttpResponse:
        self.left.append(self._clock.monotonic())
        return await super().send(request, timeout=timeout, leave_within=leave_within)


class SlowBench(Bench):
    """A bench of an account of 100/s, on a clock that the test moves."""

    def __init__(self, conn: Connection, url: str) -> None:
        super().__init__(conn, url)
        self.clock = Timeline()
        self.configs = [self.config.model_copy(update={"rate": "100/s"})]
        self.limiter = Leases(self.clock)
        self.transport = Watched(self.clock)
        self.claims: list[int] = []

    def send_all(self, batch_id: int) -> None:
        """Send, and see that all places come back, and all room in the window."""

        async def prepare(engine: Engine) -> None:
            engine.clock = self.clock
            claim = self.clock.stopped(engine.ledger.claim)

            async def counted(lease, amount, channel):
                self.claims.append(amount)
                return await claim(lease, amount, channel)

            engine.ledger.claim = counted
            engine.ledger.record = self.clock.stopped(engine.ledger.record)
            await send_batch(engine, batch_id)
            account = engine.accounts.get("carrier")
            assert account.slots.free == account.config.max_in_flight
            async with asyncio.timeout(10):
                assert await account.window.take(account.window.size) == account.window.size

        self.send(batch_id, prepare)

    def unused(self) -> int:
        """How many slots were leased that nobody left in; each has its own, in order."""
        slots = sorted(slot for permits in self.limiter.leased for slot in permits.slots)
        unused = 0
        for moment in sorted(self.transport.left):
            while slots[0] + PACE.tolerance < moment:
                slots.pop(0)
                unused += 1
            assert slots.pop(0) <= moment
        return unused + len(slots)


@pytest.fixture
def bench(conn: Connection, database: str) -> SlowBench:
    return SlowBench(conn, database)


def test_each_message_leaves_in_a_slot_of_its_own(bench):
    bench.send_all(bench.cut(0, 8))
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 8}
    assert bench.unused() == 0


def test_what_missed_its_slot_while_the_process_stood_still_gets_another_one(bench):
    """To give it back and to claim it again would cost more than all the rest."""
    encode = bench.adapter.encode

    def stand_still(messages):
        if len(bench.adapter.sent) == 3:
            bench.clock.advance(0.06)
        return encode(messages)

    bench.adapter.encode = stand_still
    bench.send_all(bench.cut(0, 8))
    assert bench.claims == [8]
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 8}
    assert bench.unused() >= 3


def test_a_row_whose_slot_passed_before_the_claim_is_not_claimed_for_it(bench):
    bench.limiter.delay = 0.05
    bench.send_all(bench.cut(0, 8))
    # Of 8 slots those 50, 40 and 30 ms ago are too old.
    assert bench.claims == [5, 3]
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 8}
    assert bench.unused() >= 3


def test_what_finds_no_other_slot_in_time_goes_back_uncharged(bench):
    """Nothing leaves later than a quarter of a second after its claim: it may be paused by now."""
    encode = bench.adapter.encode

    def stand_still(messages):
        bench.clock.advance(0.3)
        return encode(messages)

    bench.adapter.encode = stand_still
    bench.send_all(bench.cut(0, 2))
    assert bench.transport.left == []
    found = bench.conn.execute(
        "SELECT status, attempts, error_code FROM deliveries WHERE seq < 2"
    ).fetchall()
    assert [tuple(row.values()) for row in found] == [("pending", 0, "too_late")] * 2


class FailsOnce(Leases):
    """Fails when it is asked for the second time, in a way that nobody foresees."""

    async def acquire(self, account, rate_per_second, want, **rules):
        if self.leased:
            raise RuntimeError("the client is confused")
        return await super().acquire(account, rate_per_second, want, **rules)


def test_an_unforeseen_failure_leaves_no_place_taken_and_nothing_that_departs_later(bench):
    """Once the batch has ended, what it claimed and did not let go is given to others."""
    bench.limiter = FailsOnce(bench.clock)
    # Of three segments, where one is reckoned with: two of eight fit into what is leased.
    bench.conn.execute("UPDATE campaigns SET template = %s", ("a" * 307,))
    departed: list[int] = []
    bench.journal.lose = lambda _: departed.append(len(bench.transport.left))
    bench.send_all(bench.cut(0, 8))
    assert departed == [2]
