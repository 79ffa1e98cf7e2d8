"""PostgreSQL and Redis of our own, for a laptop, the demo and the tests.

Real servers out of wheels, run as daemons below ``SLUICE_HOME``, so that nothing has to be
installed and yet the code path is the one of production. They listen on 127.0.0.1 only, each
with a random password that is readable by its account alone. Who started them does not matter:
any process finds, uses and stops them by their files.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from campaigns.errors import ConfigurationError
from campaigns.settings import Settings
from cli.embedded import account
from cli.embedded.account import Account
from cli.embedded.postgres import Postgres
from cli.embedded.redis import Redis

__all__ = ["Servers", "running", "start", "start_missing", "stop", "with_running"]


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the running servers are. The URLs contain their passwords."""

    database_url: str
    redis_url: str


@dataclass(frozen=True, slots=True)
class _House:
    """The places below one home."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "embedded"

    @property
    def copies(self) -> Path:
        return self.folder / "programs"

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.folder / "postgres")

    @property
    def redis(self) -> Redis:
        return Redis(self.folder / "redis")


def start(home: Path, *, durable: bool = True) -> Servers:
    """Start both servers of ``home``, or find them running; any number of callers may do so.

    ``durable=False`` is for tests: nothing is flushed to the disk, and what was written is lost
    with the machine (PostgreSQL) or with the process (Redis).

    Raises:
        ConfigurationError: a program is missing, or ``home`` cannot be used; says what to do.
        Unavailable: a server did not start; says why.
    """
    with _prepared(home) as (house, who):
        return Servers(
            database_url=house.postgres.start(who, house.copies, durable=durable),
            redis_url=house.redis.start(who, house.copies, durable=durable),
        )


def start_missing(settings: Settings) -> Settings:
    """The settings with every unset URL replaced by the one of a running embedded server.

    Starts only what is missing; with all URLs set nothing is touched. Raises like :func:`start`.
    """
    if settings.database_url is not None and settings.redis_url is not None:
        return settings
    with _prepared(settings.home) as (house, who):
        return _filled(
            settings,
            settings.database_url or house.postgres.start(who, house.copies, durable=True),
            settings.redis_url or house.redis.start(who, house.copies, durable=True),
        )


def with_running(settings: Settings) -> Settings:
    """The settings with unset URLs replaced by those of servers that are running already."""
    house = _house(settings.home)
    try:
        return _filled(
            settings,
            settings.database_url or house.postgres.url(),
            settings.redis_url or house.redis.url(),
        )
    except OSError as error:
        raise _not_yours(house.home, error) from error


def running(home: Path) -> Servers | None:
    """The servers of ``home``, or ``None`` unless both are running.

    Raises:
        ConfigurationError: the servers belong to another account.
    """
    house = _house(home)
    try:
        database, redis = house.postgres.url(), house.redis.url()
    except OSError as error:
        raise _not_yours(house.home, error) from error
    return Servers(database, redis) if database is not None and redis is not None else None


def stop(home: Path) -> None:
    """Stop what runs for ``home``, whoever started it, and keep the data.

    Raises:
        ConfigurationError: the servers belong to another account.
        Unavailable: a server cannot be stopped.
    """
    house = _house(home)
    try:
        if not house.folder.is_dir():
            return
        with _locked(house.folder):
            house.redis.stop()
            house.postgres.stop()
    except (PermissionError, NotADirectoryError) as error:
        raise _not_yours(house.home, error) from error


def _house(home: Path) -> _House:
    # Unlike Path.resolve this lives with links that lead in a circle.
    return _House(Path(os.path.realpath(home.expanduser())))


@contextmanager
def _prepared(home: Path) -> Iterator[tuple[_House, Account]]:
    """The folders of ``home`` exist, their account is known, and nobody else starts or stops."""
    house = _house(home)
    try:
        house.folder.mkdir(parents=True, exist_ok=True)
        with _locked(house.folder):
            who = account.choose(house.postgres.folder)
            if who.borrowed:
                account.open_the_way(who, house.home)
                house.folder.chmod(0o711)
            else:
                house.folder.chmod(0o700)
            yield house, who
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise _not_yours(house.home, error) from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the home; the kernel lets go when the holder dies (flock(2))."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _filled(settings: Settings, database: str | None, redis: str | None) -> Settings:
    return replace(
        settings,
        database_url=database,
        redis_url=redis,
        broker_url=settings.broker_url or redis,
    )


def _not_yours(home: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"SLUICE_HOME: {home} cannot be used ({error.strerror}): "
        "choose a folder that belongs to you, or run Sluice as its owner."
    )
