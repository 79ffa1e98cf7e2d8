"""How accounts fare, told from process to process through a real database and a real limiter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from campaigns import database as databases
from campaigns.clock import SystemClock
from campaigns.database import AsyncPool, Connection
from campaigns.providers import ProviderConfig, Providers
from campaigns.schedule.adaptive import OPENS_AFTER
from tests.support.waiting import eventually
from worker.account import Account
from worker.accounts import Accounts
from worker.condition import Condition
from worker.health import HealthKeeper
from worker.throttle.base import Wait
from worker.throttle.limiter import RedisLimiter

CONFIG = ProviderConfig(
    name="carrier", adapter="sandbox", channel="sms", url="http://127.0.0.1:1/", rate="100/s"
)


@dataclass
class Process:
    """What a send process has of the account ``carrier``."""

    keeper: HealthKeeper
    accounts: Accounts
    limiter: RedisLimiter
    clock: SystemClock

    @property
    def account(self) -> Account:
        found = self.accounts.get("carrier")
        assert found is not None
        return found

    async def throttled(self, seconds: float) -> None:
        now = self.clock.monotonic()
        self.account.condition.throttled(now, now, seconds, "http_429")
        await self.keeper.tell(self.account)

    async def failed(self) -> None:
        self.account.condition.failed(self.clock.monotonic(), "connection_refused")
        await self.keeper.tell(self.account)

    async def answered(self) -> None:
        self.account.condition.answered()
        await self.keeper.tell(self.account)

    async def read(self) -> None:
        await self.keeper.read(self.accounts)

    def rest(self) -> float:
        return self.account.condition.rest(self.clock.monotonic())

    def per_second(self) -> float | None:
        return self.account.per_second(self.clock.now())


class Configured:
    def current(self) -> Providers:
        return Providers({"carrier": CONFIG})


Story = Callable[[Process, Process], Awaitable[None]]


@pytest.fixture
def play(database: str, redis_url: str) -> Callable[[Story], None]:
    """Tells a story of two processes."""

    async def told(story: Story) -> None:
        async with AsyncExitStack() as opened:
            processes = []
            for _ in range(2):
                pool: AsyncPool = await opened.enter_async_context(
                    databases.async_pool(database, size=4)
                )
                clock, limiter = SystemClock(), RedisLimiter(redis_url)
                opened.push_async_callback(limiter.aclose)
                accounts = Accounts(Configured())
                opened.push_async_callback(accounts.aclose)
                keeper = HealthKeeper(pool, limiter, clock)
                processes.append(Process(keeper, accounts, limiter, clock))
            await story(*processes)

    return lambda story: asyncio.run(told(story))


def state(conn: Connection) -> dict[str, object]:
    row = conn.execute(
        "SELECT *, extract(epoch FROM cooling_until - clock_timestamp())::float8 AS rest "
        "FROM provider_states"
    ).fetchone()
    assert row is not None
    return row


def elapse(conn: Connection, seconds: float) -> None:
    """Let the database believe that so much time has passed."""
    conn.execute(
        "UPDATE provider_states SET cooling_until = cooling_until - make_interval(secs => %(s)s), "
        "factor_at = factor_at - make_interval(secs => %(s)s)",
        {"s": seconds},
    )


def test_a_throttled_account_is_held_in_all_processes(play, conn):
    async def story(first: Process, second: Process) -> None:
        await first.throttled(60.0)
        answer = await second.limiter.acquire("carrier", 100.0, 1)
        assert isinstance(answer, Wait)
        assert 50 < answer.seconds <= 60
        assert second.rest() == 0.0
        await second.read()
        assert 50 < second.rest() <= 60
        assert first.per_second() == second.per_second() == 50.0

    play(story)
    assert state(conn)["cooling_reason"] == "http_429"


def test_the_rate_is_lowered_once_per_cool_down_over_all_processes_and_comes_back(play, conn):
    async def story(first: Process, second: Process) -> None:
        await asyncio.gather(*(each.throttled(20.0) for each in (first, second) for _ in range(20)))
        assert state(conn)["rate_factor"] == 0.5
        rates = []
        for _ in range(4):
            elapse(conn, 15.0)
            await second.read()
            rates.append(second.per_second())
        assert rates[0] == 50.0
        assert rates == sorted(rates)
        assert 60.0 < rates[1] < 70.0
        assert rates[3] == 100.0

    play(story)


def test_failures_count_once_over_all_processes_while_the_account_is_held(play, conn):
    async def story(first: Process, second: Process) -> None:
        await asyncio.gather(first.failed(), second.failed(), first.failed(), second.failed())
        assert state(conn)["failures"] == 1

    play(story)


def test_a_circuit_that_one_process_opened_is_open_in_all_until_anyone_gets_an_answer(play, conn):
    async def story(first: Process, second: Process) -> None:
        for _ in range(OPENS_AFTER):
            # Another process each time, as after a restart: the count is nobody's own.
            first.account.condition = Condition()
            await first.failed()
            answer = await second.limiter.acquire("carrier", 100.0, 1)
            elapse(conn, 100.0)
        assert isinstance(answer, Wait)
        assert 3 < answer.seconds <= 4, "the limiter holds whoever has not read it yet"
        await second.read()
        assert second.account.condition.is_open
        await second.answered()
        assert not second.account.condition.is_open
        await first.read()
        assert not first.account.condition.is_open

    play(story)
    assert (state(conn)["failures"], state(conn)["circuit"]) == (0, "closed")


def test_whoever_tells_waits_for_the_others_and_goes_on_from_what_they_wrote(play, conn, database):
    async def story(first: Process, _: Process) -> None:
        await first.throttled(0.0)
        with databases.connect(database) as other, other.transaction():
            other.execute("SELECT FROM provider_states FOR UPDATE")
            telling = asyncio.create_task(first.failed())
            await asyncio.to_thread(
                eventually, lambda: waiting_for_a_lock(conn), message="it waits"
            )
            other.execute("UPDATE provider_states SET rate_factor = 0.25")
        await telling
        assert (state(conn)["rate_factor"], state(conn)["failures"]) == (0.25, 1)

    play(story)


def waiting_for_a_lock(conn: Connection) -> bool:
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND datname = current_database()) AS waits"
    ).fetchone()
    return row is not None and row["waits"]


def test_the_hold_doubles_with_every_failure(play, conn):
    async def story(first: Process, _: Process) -> None:
        rests = []
        for _ in range(7):
            first.account.condition = Condition()
            await first.failed()
            rests.append(round(float(state(conn)["rest"])))
            elapse(conn, 100.0)
        assert rests == [1, 2, 4, 8, 16, 30, 30]

    play(story)


def test_whoever_cannot_reach_the_limiter_tells_the_database_all_the_same(play, conn, redis_url):
    async def story(first: Process, second: Process) -> None:
        first.keeper._limiter = RedisLimiter("redis://127.0.0.1:1/0")
        await first.throttled(60.0)
        await second.read()
        assert second.rest() > 50

    play(story)
