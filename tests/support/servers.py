"""One PostgreSQL and one Redis for a whole test session, and a fresh database for each test."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from campaigns import database, migrations
from campaigns.errors import Unavailable
from cli import embedded
from tests.support.restoring import Original

#: Homes of all sessions of this user; those of killed sessions are cleared by the next one.
_SESSIONS = Path(tempfile.gettempdir(), f"sluice-tests-{os.geteuid()}")

_TEMPLATE = "migrated"


@contextmanager
def session_home() -> Iterator[Path]:
    """A home below which servers may be started; they are stopped and removed at the end.

    The session holds a lock on it, which the kernel frees when the session is killed.
    """
    _SESSIONS.mkdir(mode=0o711, exist_ok=True)
    for old in _SESSIONS.iterdir():
        _clear_if_abandoned(old)
    home = Path(tempfile.mkdtemp(dir=_SESSIONS))
    home.chmod(0o711)
    with (home / "session.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield home
        finally:
            embedded.stop(home)
            shutil.rmtree(home)


def _clear_if_abandoned(home: Path) -> None:
    try:
        with (home / "session.lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            embedded.stop(home)
            shutil.rmtree(home, ignore_errors=True)
    except (FileNotFoundError, BlockingIOError):
        # About to be used by another session, or in use.
        return


class Databases:
    """Makes databases on the session's server, and uses each migrated one again where it can."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._numbers = count(1)
        self._free: list[str] = []
        with database.opened(server_url) as conn:
            # What the planner knows of a database changes when a test says so, and never else.
            conn.execute("ALTER SYSTEM SET autovacuum = off")
            conn.execute("SELECT pg_reload_conf()")
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
        migrations.migrate(self._url(_TEMPLATE))
        with database.opened(self._url(_TEMPLATE)) as conn:
            self._original = Original(conn)

    @contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        """The URL of a database that only the caller uses, and that nobody seems to have used."""
        name = self._free.pop() if migrated and self._free else self._created(migrated)
        try:
            yield self._url(name)
        finally:
            if migrated and self._restored(name):
                self._free.append(name)
            else:
                self._drop(name)

    def _created(self, migrated: bool) -> str:
        name = f"test_{next(self._numbers)}"
        with database.opened(self._server_url) as conn:
            # FILE_COPY: with fsync off, copying files beats logging each of their blocks.
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(name), sql.Identifier(_TEMPLATE if migrated else "template0")
                )
            )
        return name

    def _restored(self, name: str) -> bool:
        try:
            with database.opened(self._url(name)) as conn:
                return self._original.restore(conn)
        except (Unavailable, psycopg.Error):
            # Renamed, shut, locked: whatever a test did to it goes with it.
            return False

    def _drop(self, name: str) -> None:
        with database.opened(self._server_url) as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server_url)._replace(path=f"/{name}"))


def redis_database(server_url: str, number: int) -> str:
    """The URL of one of the server's numbered databases."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{number}"))
