"""Blows to a trial from outside: to its processes, its servers, its messages."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from random import Random

import psycopg
from celery import Celery
from redis import Redis
from redis.exceptions import RedisError

from campaigns.database import Connection
from campaigns.messaging import QUEUE_AUDIENCE, QUEUE_SEND, TASK_CLOSE, TASK_RESOLVE, TASK_SEND
from tests.chaos.plan_faults import BEAT, SERVER_FAULTS, Blow
from tests.chaos.stage import Member, Stage
from tests.support.carrier import RunningCarrier

#: Batches whose messages are repeated, at most.
_MOST_BATCHES = 20


class Faults:
    """Deals out the blows of a plan at their times, and ends those that last."""

    def __init__(
        self,
        blows: tuple[Blow, ...],
        stage: Stage,
        conn: Connection,
        redis: Redis,
        broker: Celery,
        carrier: RunningCarrier,
        random: Random,
    ) -> None:
        self._waiting = list(blows)
        self._stage = stage
        self._conn = conn
        self._redis = redis
        self._broker = broker
        self._carrier = carrier
        self._random = random
        #: When to do what, in monotonic seconds.
        self._endings: list[tuple[float, Callable[[], None]]] = []
        self._losing_until = 0.0
        self.outages: list[tuple[float, float]] = []
        self.dealt: Counter[str] = Counter()

    @property
    def server_faults(self) -> dict[str, int]:
        """How often servers were hit, by kind."""
        return {kind: self.dealt[kind] for kind in SERVER_FAULTS if self.dealt[kind]}

    def step(self, elapsed: float) -> None:
        """Do what is due ``elapsed`` seconds after the beginning of the trial."""
        while self._waiting and self._waiting[0].at <= elapsed:
            self._deal(self._waiting.pop(0))
        now = time.monotonic()
        for ending in [one for one in self._endings if one[0] <= now]:
            self._endings.remove(ending)
            ending[1]()
        if now < self._losing_until:
            self._lose()

    @property
    def over(self) -> bool:
        """Whether nothing more comes and everything that lasted has ended."""
        return not self._waiting and not self._endings

    def _deal(self, blow: Blow) -> None:
        if blow.role:
            candidates = self._stage.of(blow.role)
            if not candidates:
                return
            member = self._random.choice(candidates)
            self._hit(blow, member)
        else:
            getattr(self, f"_{blow.kind}")(blow.seconds)
        self.dealt[blow.kind] += 1

    def _hit(self, blow: Blow, member: Member) -> None:
        match blow.kind:
            case "kill":
                self._stage.strike(member, signal.SIGKILL, "kill")
            case "terminate":
                self._stage.strike(member, signal.SIGTERM, "terminate")
            case "halt":
                self._stage.halt(member, blow.seconds)
                self._end(blow.seconds, lambda: self._stage.go_on(member))

    def _end(self, seconds: float, action: Callable[[], None]) -> None:
        self._endings.append((time.monotonic() + seconds, action))

    def _second_beat(self, _: float) -> None:
        self._stage.add(BEAT)

    def _flush_redis(self, _: float) -> None:
        self._redis.flushall()

    def _cut_redis(self, _: float) -> None:
        self._redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def _hang_redis(self, seconds: float) -> None:
        # It answers nobody for so long, this client included.
        self._redis.execute_command("CLIENT", "PAUSE", str(round(seconds * 1000)))

    def _cut_database(self, _: float) -> None:
        self._conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def _carrier_down(self, seconds: float) -> None:
        self._carrier.change(down=True)
        begin = time.time()

        def up() -> None:
            self._carrier.change(down=False)
            self.outages.append((begin, time.time()))

        self._end(seconds, up)

    def _repeat_messages(self, _: float) -> None:
        """What Redis' visibility timeout does to a long task, and a resent message."""
        for row in self._conn.execute("SELECT id FROM batches ORDER BY id LIMIT %s",
                                      (_MOST_BATCHES,)):  # fmt: skip
            for _ in range(2):
                self._broker.send_task(TASK_SEND, args=[row["id"]], queue=QUEUE_SEND)
        for row in self._conn.execute("SELECT id FROM runs ORDER BY id"):
            for task in (TASK_RESOLVE, TASK_CLOSE):
                self._broker.send_task(task, args=[row["id"]], queue=QUEUE_AUDIENCE)

    def _lose_messages(self, seconds: float) -> None:
        self._losing_until = time.monotonic() + seconds

    def _lose(self) -> None:
        try:
            for queue in (QUEUE_SEND, QUEUE_AUDIENCE):
                self._redis.lpop(queue)
        except RedisError:
            return


def gone(error: Exception) -> bool:
    """Whether an error only says that a server is away, as it is made to be."""
    return isinstance(error, RedisError | psycopg.OperationalError)
