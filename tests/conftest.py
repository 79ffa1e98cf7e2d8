"""Fixtures for everything that runs on real servers; they start with the first test that asks."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from redis import Redis

from campaigns.database import Connection, connect
from cli import embedded
from tests.support.forge import Forge
from tests.support.processes import Processes
from tests.support.servers import Databases, redis_database, session_home

# The same examples at every run: a gate that is red must be red again. To look for new ones:
# pytest --hypothesis-profile=explore
settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile("gate")

_LIMITER_DATABASE = 1
_BROKER_DATABASE = 2


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: looking through it for garbage again and again takes
    seconds each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def servers() -> Iterator[embedded.Servers]:
    """PostgreSQL and Redis of this test session."""
    with session_home() as home:
        yield embedded.start(home, durable=False)


@pytest.fixture(scope="session")
def databases(servers: embedded.Servers) -> Databases:
    return Databases(servers.database_url)


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def empty_database(databases: Databases) -> Iterator[str]:
    """The URL of a fresh database without any table."""
    with databases.fresh(migrated=False) as url:
        yield url


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    """An autocommit connection to ``database``."""
    with connect(database) as connection:
        yield connection


@pytest.fixture
def redis_url(servers: embedded.Servers) -> str:
    """The URL of an empty Redis database, for the limiter."""
    return _emptied(servers, _LIMITER_DATABASE)


@pytest.fixture
def broker_url(servers: embedded.Servers) -> str:
    """The URL of an empty Redis database, for Celery."""
    return _emptied(servers, _BROKER_DATABASE)


@pytest.fixture(scope="session")
def forge() -> Iterator[Forge]:
    """Forks real processes; it starts with the first of them."""
    with Forge() as started:
        yield started


@pytest.fixture
def processes(tmp_path: Path, forge: Forge) -> Iterator[Processes]:
    """Starts real processes and ends them with the test; their output is below ``tmp_path``."""
    started = Processes(tmp_path, forge)
    try:
        yield started
    finally:
        started.clean_up()


def _emptied(servers: embedded.Servers, number: int) -> str:
    url = redis_database(servers.redis_url, number)
    with Redis.from_url(url) as client:
        client.flushdb()
    return url
