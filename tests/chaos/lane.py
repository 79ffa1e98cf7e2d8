"""The servers that trials are played on, one after the other: a lane. Several lanes are apart."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from cli import embedded
from tests.support.carrier import RunningCarrier
from tests.support.forge import Forge, Forged
from tests.support.servers import Databases, session_home
from tests.support.waiting import eventually

#: Alembic's environment is one for all threads (alembic/runtime/environment.py).
_MIGRATING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Lane:
    """PostgreSQL, Redis, and the forge of processes."""

    databases: Databases
    redis_url: str
    forge: Forge

    def database(self) -> AbstractContextManager[str]:
        """A fresh database for one trial; its URL."""
        return self.databases.fresh()

    @contextmanager
    def carrier(self, folder: Path, seed: int) -> Iterator[RunningCarrier]:
        """A carrier whose errors are drawn from ``seed``, with its log in ``folder``."""
        log_file = folder / "carrier.log"
        process = self.forge.start(
            ("cli.carrier", "--bind", "127.0.0.1:0", "--log", str(log_file), "--seed", str(seed)),
            env={},
            log=folder / "carrier.out",
        )
        try:
            url = _announced(process)
            base = url.removesuffix("/messages")
            with httpx.Client(base_url=base, timeout=10, trust_env=False) as client:
                yield RunningCarrier(url, process, log_file, client)  # type: ignore[arg-type]
        finally:
            process.signal(signal.SIGKILL)


def _announced(process: Forged) -> str:
    def seen() -> re.Match[str] | None:
        return re.search(r"^carrier listening on (\S+)$", process.output(), re.MULTILINE)

    found = eventually(seen, timeout=30, message="the carrier listens")
    assert found is not None
    return found[1]


@contextmanager
def open_lane() -> Iterator[Lane]:
    """Start a lane's servers; they end with the context, or at the next start if it is killed."""
    with session_home() as home, Forge() as forge:
        servers = embedded.start(home, durable=False)
        with _MIGRATING:
            databases = Databases(servers.database_url)
        yield Lane(databases, servers.redis_url, forge)
