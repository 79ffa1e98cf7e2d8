"""A run, a batch over it, and a ledger on an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from campaigns import database
from campaigns.database import Connection
from tests.support import ledger as rows
from worker.ledger import Ledger


@pytest.fixture
def run_id(conn: Connection) -> int:
    """A run of ten recipients whose gate is open now."""
    now = datetime.now(UTC) - timedelta(minutes=1)
    return rows.run(conn, rows.campaign(conn, now), 10, now)


@pytest.fixture
def batch_id(conn: Connection, run_id: int) -> int:
    """One batch over all of it."""
    return rows.cut(conn, run_id, 0, 10)


@pytest.fixture
def play(database: str) -> Callable[[Callable[[Ledger], Awaitable[object]]], object]:
    """Runs a scenario with a ledger of its own loop."""

    def run(scenario: Callable[[Ledger], Awaitable[object]]) -> object:
        async def inner() -> object:
            async with _pool(database) as pool:
                return await scenario(Ledger(pool))

        return asyncio.run(inner())

    return run


def _pool(url: str) -> database.AsyncPool:
    return database.async_pool(url, size=4)
