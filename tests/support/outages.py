"""Servers of a test's own, which it may kill, hang, fill and bring back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from redis import Redis as Client

from campaigns import database, migrations
from cli.embedded import account as accounts
from cli.embedded import processes
from cli.embedded.account import Account
from cli.embedded.postgres import Postgres
from cli.embedded.redis import Redis
from tests.support.servers import session_home
from tests.support.waiting import eventually


@dataclass(frozen=True, slots=True)
class OwnRedis:
    """A Redis that keeps its port and, through its append-only file, its data."""

    server: Redis
    account: Account
    copies: Path

    def start(self) -> str:
        """Start it, or find it running; its URL."""
        return self.server.start(self.account, self.copies, durable=True)

    @property
    def pid(self) -> int:
        found = processes.read_number(self.server.folder / "redis.pid")
        assert found is not None
        return found

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not processes.command_line(pid), message="Redis is dead")

    @contextmanager
    def killed(self) -> Iterator[None]:
        """It is dead, and then started again."""
        self.kill()
        yield
        self.start()

    def client(self) -> Client:
        return Client.from_url(self.start(), protocol=2)

    @contextmanager
    def hung(self) -> Iterator[None]:
        """It takes connections and requests, and answers none."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def configured(self, name: str, value: str) -> Iterator[None]:
        """One of its settings is another one."""
        with self.client() as client:
            before = client.config_get(name)[name]
            client.config_set(name, value)
            try:
                yield
            finally:
                client.config_set(name, before)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """It follows a master that is not there: it can be read, and refuses every write."""
        with self.client() as client:
            client.replicaof("127.0.0.1", "1")
            try:
                yield
            finally:
                client.replicaof("NO", "ONE")


@dataclass(frozen=True, slots=True)
class OwnPostgres:
    """A PostgreSQL that keeps its port and its data."""

    server: Postgres
    account: Account
    copies: Path

    def start(self) -> str:
        """Start it, or find it running; its URL."""
        return self.server.start(self.account, self.copies, durable=True)

    @property
    def url(self) -> str:
        found = self.server.url()
        assert found is not None
        return found

    @property
    def pid(self) -> int:
        """The main process."""
        found = processes.read_number(self.server.data / "postmaster.pid")
        assert found is not None
        return found

    def stop(self) -> None:
        """A fast shutdown: every transaction is broken off, and the next start is a clean one."""
        self.server.stop()

    def kill(self) -> None:
        """End all of it at once; the next start recovers."""
        for pid in self._family():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually(lambda: self.server.url() is None, message="PostgreSQL is dead")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It is down, and then started again."""
        self.stop()
        yield
        self.start()

    @contextmanager
    def killed(self) -> Iterator[None]:
        """It is dead, and then started again."""
        self.kill()
        yield
        self.start()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """It takes connections and statements, and answers none."""
        pids = self._family()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Others hold every connection that it has, and who had one has lost it."""
        with ExitStack() as held:
            first = held.enter_context(database.opened(self.url))

            def all_ours() -> bool:
                first.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE backend_type = 'client backend' AND application_name <> 'hoarder' "
                    "AND pid <> pg_backend_pid()"
                )
                with suppress(psycopg.OperationalError):
                    while True:
                        held.enter_context(
                            psycopg.connect(self.url, application_name="hoarder", autocommit=True)
                        )
                row = first.execute(
                    "SELECT count(*) AS others FROM pg_stat_activity WHERE backend_type = "
                    "'client backend' AND application_name <> 'hoarder' AND pid <> pg_backend_pid()"
                ).fetchone()
                assert row is not None
                return not row["others"]

            eventually(all_ours, message="nobody else has a connection")
            yield

    def _family(self) -> list[int]:
        main = self.pid
        return [main, *children(main)]


def children(pid: int) -> list[int]:
    """The child processes of a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


@dataclass(frozen=True, slots=True)
class OwnServers:
    """PostgreSQL, the limiter's Redis, and a Redis of the broker's own."""

    postgres: OwnPostgres
    limiter: OwnRedis
    broker: OwnRedis


@contextmanager
def own_servers() -> Iterator[OwnServers]:
    """Servers that nobody else uses, with a migrated database; stopped at the end."""
    with session_home() as home:
        folder = home / "embedded"
        folder.mkdir(mode=0o711)
        account, copies = accounts.choose(folder / "postgres"), folder / "programs"
        found = OwnServers(
            OwnPostgres(Postgres(folder / "postgres"), account, copies),
            OwnRedis(Redis(folder / "redis"), account, copies),
            OwnRedis(Redis(folder / "broker"), account, copies),
        )
        try:
            migrations.migrate(found.postgres.start())
            found.limiter.start()
            found.broker.start()
            yield found
        finally:
            found.broker.server.stop()
