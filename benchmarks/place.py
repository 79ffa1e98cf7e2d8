"""Where benchmarks take place: servers in a temporary home, with settings as in production."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
from psycopg import sql
from redis import Redis

from campaigns import database, migrations
from cli import embedded


@dataclass(frozen=True, slots=True)
class Place:
    """Running servers, and a folder for files."""

    home: Path
    servers: embedded.Servers
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a migrated database that only the caller uses; dropped at the end.

        What the benchmarks before it left to be written to the disk is written first.
        """
        name = sql.Identifier(number := f"benchmark_{next(self._numbers)}")
        url = urlunsplit(urlsplit(self.servers.database_url)._replace(path=f"/{number}"))
        with database.opened(self.servers.database_url, statement_timeout_ms=0) as conn:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(name))
            migrations.migrate(url)
            conn.execute("CHECKPOINT")
        try:
            yield url
        finally:
            with database.opened(self.servers.database_url, statement_timeout_ms=0) as conn:
                conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def broker(self) -> str:
        """The URL of Redis, emptied."""
        with Redis.from_url(self.servers.redis_url) as client:
            client.flushall()
        return self.servers.redis_url

    def folder(self) -> Path:
        """A new folder for logs and generated files."""
        return Path(tempfile.mkdtemp(dir=self.home))

    def postgres(self) -> psutil.Process:
        """PostgreSQL's main process; the others are its children."""
        return self._server("postgres/data/postmaster.pid")

    def redis(self) -> psutil.Process:
        """The Redis server."""
        return self._server("redis/redis.pid")

    def _server(self, file: str) -> psutil.Process:
        lines = (self.home / "embedded" / file).read_text("utf-8").splitlines()
        return psutil.Process(int(lines[0]))


@contextmanager
def opened() -> Iterator[Place]:
    """A place whose servers are stopped and whose files are removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="sluice-benchmarks-"))
    # Run by root, PostgreSQL works under an account of its own that has to get here.
    home.chmod(0o711)
    try:
        yield Place(home, embedded.start(home, durable=True))
    finally:
        embedded.stop(home)
        shutil.rmtree(home)
