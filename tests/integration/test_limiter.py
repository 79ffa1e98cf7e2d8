"""The limiter on a real Redis, shared by processes, and when Redis fails."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from campaigns.clock import SystemClock
from campaigns.errors import Unavailable
from cli.embedded import programs
from cli.embedded.account import Account
from cli.embedded.processes import free_port
from tests.support.limits import HANGS, granted
from tests.support.processes import Process, Processes
from tests.support.waiting import eventually
from worker.throttle.base import LimiterUnavailable, Pace, Permits, Wait
from worker.throttle.limiter import RedisLimiter

PASSWORD = "not-to-be-shown"
RATE = 400.0


class OwnRedis:
    """A server that one test may stop, freeze and spoil."""

    def __init__(self, processes: Processes, folder: Path) -> None:
        me = Account("me", os.getuid(), os.getgid(), borrowed=False)
        self._program = programs.redis(me, folder)
        self._processes = processes
        self._folder = folder
        self._port = free_port(None)
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self._port}/0"
        self.admin = Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_timeout=HANGS)
        self.process = self.start()

    def start(self) -> Process:
        options = {
            "--port": str(self._port),
            "--bind": "127.0.0.1",
            "--requirepass": PASSWORD,
            "--dir": str(self._folder),
            "--save": "",
        }
        self.process = self._processes.start(self._program, *chain(*options.items()))
        eventually(self._answers, message="Redis answers")
        return self.process

    def _answers(self) -> bool:
        with suppress(RedisError):
            return bool(self.admin.ping())
        return False


@pytest.fixture
def own_redis(processes: Processes, tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(processes, tmp_path)
    with server.admin:
        yield server


def limited(url: str, story: Callable[[RedisLimiter], Awaitable[None]]) -> None:
    """Run ``story`` with a limiter on ``url``."""

    async def told() -> None:
        limiter = RedisLimiter(url, pace=Pace(jitter=0.0))
        try:
            async with asyncio.timeout(HANGS):
                await story(limiter)
        finally:
            await limiter.aclose()

    asyncio.run(told())


async def permits_of(limiter: RedisLimiter, account: str = "carrier") -> Permits:
    return await granted(limiter, SystemClock(), account, RATE, 10)


async def refuses_everything(limiter: RedisLimiter) -> None:
    """Every question is answered by the one exception, which tells no secret."""
    for question in (
        limiter.acquire("carrier", RATE, 10),
        limiter.acquire("unknown", RATE, 10),
        limiter.acquire("carrier", None, 10),
        limiter.cool("carrier", 5),
        limiter.cooling_until("carrier"),
    ):
        with pytest.raises(LimiterUnavailable, match="nothing is sent") as caught:
            await question
        assert isinstance(caught.value, Unavailable)
        assert PASSWORD not in str(caught.value)


@dataclass(frozen=True)
class Block:
    """What :mod:`tests.support.demand` prints."""

    slots: list[float]
    answered: float


class Demand:
    """Several processes that want more than the rate."""

    def __init__(
        self, processes: Processes, url: str, count: int, tasks: int, *, team: float | None = None
    ) -> None:
        """With the rate of a ``team`` each process has an account of its own."""
        self._limit = RATE if team is None else team
        self._started: list[Process] = []
        for number in range(count):
            account = "carrier" if team is None else f"carrier-{number}"
            other = () if team is None else ("team:1", str(team))
            self._started.append(
                processes.python(
                    "-m", "tests.support.demand", url, account, str(RATE), str(tasks), *other
                )
            )

    def wait_for(self, count: int) -> None:
        """Wait until that many slots are leased."""
        eventually(lambda: len(self._slots()) >= count, timeout=HANGS, message=f"{count} slots")

    def end(self) -> None:
        for process in self._started:
            assert process.returncode is None, process.output()
            process.kill()

    def assert_within_rate(self) -> None:
        """No second holds more than the rate, but for the time that answers took to arrive."""
        slots = self._slots()
        late = max(block.answered for block in self._blocks())
        most = max(bisect_left(slots, slot + 1.0) - i for i, slot in enumerate(slots))
        assert most <= self._limit * (1.0 + late) + 1
        assert slots[-1] - slots[0] + late >= (len(slots) - 1) / self._limit

    def _blocks(self) -> list[Block]:
        lines = chain.from_iterable(p.output().splitlines(keepends=True) for p in self._started)
        return [Block(**json.loads(line)) for line in lines if line.endswith("}\n")]

    def _slots(self) -> list[float]:
        return sorted(chain.from_iterable(block.slots for block in self._blocks()))


def test_processes_together_keep_to_the_rate(processes: Processes, redis_url: str) -> None:
    demand = Demand(processes, redis_url, count=3, tasks=4)
    demand.wait_for(1000)
    demand.end()
    demand.assert_within_rate()


def test_a_team_keeps_to_its_rate_over_several_accounts(
    processes: Processes, redis_url: str
) -> None:
    demand = Demand(processes, redis_url, count=3, tasks=2, team=200.0)
    demand.wait_for(500)
    demand.end()
    demand.assert_within_rate()


def test_losing_everything_midway_never_exceeds_the_rate(
    processes: Processes, own_redis: OwnRedis
) -> None:
    demand = Demand(processes, own_redis.url, count=2, tasks=4)
    for lost_after in (100, 300, 500, 700):
        demand.wait_for(lost_after)
        own_redis.admin.flushall()
    demand.wait_for(1000)
    demand.end()
    demand.assert_within_rate()


def test_scripts_that_the_server_forgot_are_loaded_again(own_redis: OwnRedis) -> None:
    async def story(limiter: RedisLimiter) -> None:
        await permits_of(limiter)
        own_redis.admin.script_flush()
        assert await permits_of(limiter)
        own_redis.admin.script_flush()
        await limiter.cool("carrier", 60)
        assert await limiter.cooling_until("carrier") is not None

    limited(own_redis.url, story)


def test_a_server_that_is_gone_grants_nothing_and_is_found_again(own_redis: OwnRedis) -> None:
    async def story(limiter: RedisLimiter) -> None:
        await permits_of(limiter)
        own_redis.process.kill()
        await refuses_everything(limiter)
        own_redis.start()
        assert await permits_of(limiter)

    limited(own_redis.url, story)


def test_a_server_that_hangs_grants_nothing_and_its_late_answers_count_for_nothing(
    own_redis: OwnRedis,
) -> None:
    async def story(limiter: RedisLimiter) -> None:
        await limiter.cool("cooling", 60)
        await permits_of(limiter)
        os.kill(own_redis.process.pid, signal.SIGSTOP)
        await refuses_everything(limiter)
        os.kill(own_redis.process.pid, signal.SIGCONT)
        # A reply to one of the questions above would be a grant, or a wait of less than a second.
        answer = await limiter.acquire("cooling", RATE, 10)
        assert isinstance(answer, Wait)
        assert answer.seconds > 10

    limited(own_redis.url, story)


def test_a_question_that_may_have_arrived_is_not_asked_again() -> None:
    """A second one could only reserve slots that nobody uses."""
    arrived: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not (said := await reader.read(65536)).count(b"EVALSHA"):
            # The client's greeting, one or several commands at a time.
            writer.write(b"+OK\r\n" * said.count(b"CLIENT"))
        arrived.append(said)
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        limiter = RedisLimiter(f"redis://{host}:{port}/0", timeout=5.0)
        async with server, asyncio.timeout(HANGS):
            with pytest.raises(LimiterUnavailable):
                await limiter.acquire("carrier", RATE, 10)
            await limiter.aclose()

    asyncio.run(story())
    assert len(arrived) == 1


def test_a_server_that_may_not_write_grants_nothing(own_redis: OwnRedis) -> None:
    async def story(limiter: RedisLimiter) -> None:
        await permits_of(limiter)
        own_redis.admin.replicaof("127.0.0.1", "1")
        with pytest.raises(LimiterUnavailable, match="read only replica"):
            await limiter.acquire("carrier", RATE, 10)
        with pytest.raises(LimiterUnavailable, match="read only replica"):
            await limiter.cool("carrier", 5)

    limited(own_redis.url, story)


def test_a_server_without_memory_grants_nothing(own_redis: OwnRedis) -> None:
    async def story(limiter: RedisLimiter) -> None:
        await permits_of(limiter)
        own_redis.admin.config_set("maxmemory", "1")
        with pytest.raises(LimiterUnavailable, match="maxmemory"):
            await limiter.acquire("carrier", RATE, 10)
        with pytest.raises(LimiterUnavailable, match="maxmemory"):
            await limiter.cool("carrier", 5)

    limited(own_redis.url, story)


def test_a_wrong_password_grants_nothing(own_redis: OwnRedis) -> None:
    limited(own_redis.url.replace(PASSWORD, "wrong"), refuses_everything)


def test_a_server_that_comes_back_with_an_old_snapshot_is_an_empty_bucket(
    own_redis: OwnRedis,
) -> None:
    """What was leased after the snapshot may still be outstanding."""

    async def before(limiter: RedisLimiter) -> None:
        await permits_of(limiter)
        await limiter.cool("cooling", 60)

    async def after(limiter: RedisLimiter) -> None:
        assert isinstance(await limiter.acquire("carrier", RATE, 10), Wait)
        assert await permits_of(limiter)
        assert await limiter.cooling_until("cooling") is not None

    limited(own_redis.url, before)
    own_redis.admin.save()
    own_redis.process.kill()
    own_redis.start()
    assert own_redis.admin.exists("sluice:{limits}:carrier")
    limited(own_redis.url, after)
