"""One stack of real processes per test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from campaigns.database import Connection
from tests.support.carrier import carrier
from tests.support.forge import Forge
from tests.support.processes import Processes
from tests.support.stack import Stack


@pytest.fixture
def stack(
    tmp_path: Path,
    processes: Processes,
    forge: Forge,
    conn: Connection,
    database: str,
    redis_url: str,
    broker_url: str,
) -> Iterator[Callable[..., Stack]]:
    """Opens a stack whose account has ``rate``; ``options`` go to the carrier."""
    with ExitStack() as opened:

        def open_stack(*options: str, rate: str | None = None, max_in_flight: int = 64) -> Stack:
            running = opened.enter_context(carrier(tmp_path, *options, forge=forge))
            file = tmp_path / "providers.toml"
            lines = [
                "[providers.carrier]",
                'adapter = "sandbox"',
                'channel = "sms"',
                f'url = "{running.url}"',
                f"max_in_flight = {max_in_flight}",
            ]
            if rate is not None:
                lines.append(f'rate = "{rate}"')
            file.write_text("\n".join(lines) + "\n", "utf-8")
            env = {
                "SLUICE_DATABASE_URL": database,
                "SLUICE_REDIS_URL": redis_url,
                "SLUICE_BROKER_URL": broker_url,
                "SLUICE_PROVIDERS": str(file),
                "SLUICE_HOME": str(tmp_path / "home"),
            }
            return Stack(processes, conn, running, env)

        yield open_stack
