"""Bringing a database to the newest revision.

The only place that knows SQLAlchemy, which Alembic needs; everything else speaks psycopg.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from campaigns import database
from campaigns.errors import ConfigurationError

log = logging.getLogger(__name__)

#: How long a database that is not up yet is waited for.
WAIT_SECONDS = 60.0

#: Any number will do as long as nothing else in the database uses it: "sluice" in hexadecimal.
_ADVISORY_LOCK = 0x736C75696365
_POLL_SECONDS = 0.1

#: Migrations may take as long as they need, but must not queue in front of everybody else behind
#: a lock that is not coming.
_SESSION = "-c statement_timeout=0 -c lock_timeout=60000 -c timezone=UTC"


def migrate(database_url: str, *, wait_seconds: float = WAIT_SECONDS) -> str:
    """Bring the database to the newest revision and return it; a repetition changes nothing.

    Callers at the same time wait for each other.

    Raises:
        Unavailable: the database was not reachable within ``wait_seconds``.
        ConfigurationError: the URL is not one of PostgreSQL, or the database belongs to a newer
            Sluice.
    """
    _sqlalchemy_url(database_url)
    database.wait_for(database_url, seconds=wait_seconds).close()
    with _connected(database_url) as connection:
        _wait_for_turn(connection)
        found = MigrationContext.configure(connection).get_current_revision()
        connection.commit()
        known = {script.revision for script in _scripts().walk_revisions()}
        if found is not None and found not in known:
            raise ConfigurationError(
                f"SLUICE_DATABASE_URL: the database is at revision {found}, which this version "
                f"of Sluice does not know (its newest is {head()}): run the version that made it."
            )
        command.upgrade(_config(connection), "head")
        connection.commit()
    return head()


def current(database_url: str) -> str | None:
    """The revision of the database, ``None`` if it was never migrated.

    Raises:
        Unavailable: the database cannot be reached.
    """
    database.connect(database_url).close()
    with _connected(database_url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The newest revision that this version of Sluice knows."""
    revision = _scripts().get_current_head()
    assert revision is not None, "there is at least one migration"
    return revision


def _config(connection: sqlalchemy.Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "campaigns:migrations")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


@contextmanager
def _connected(database_url: str) -> Iterator[sqlalchemy.Connection]:
    """One connection that is closed, not kept, afterwards: closing frees the advisory lock."""
    parameters: dict[str, Any] = {"connect_timeout": 5, "application_name": "sluice migrate"}
    engine = sqlalchemy.create_engine(
        _sqlalchemy_url(database_url),
        poolclass=sqlalchemy.NullPool,
        connect_args={**parameters, "options": _SESSION},
    )
    with engine.connect() as connection:
        yield connection


def _wait_for_turn(connection: sqlalchemy.Connection) -> None:
    """Hold the advisory lock of migrations until the connection closes.

    Asked for again and again instead of waited for: a session waiting inside a statement holds a
    snapshot, which CREATE INDEX CONCURRENTLY in the other one would wait for in turn.
    """
    said = False
    query = sqlalchemy.text("SELECT pg_try_advisory_lock(:key)")
    while not connection.scalar(query, {"key": _ADVISORY_LOCK}):
        connection.commit()
        if not said:
            log.info("another process is migrating this database; waiting for it")
            said = True
        time.sleep(_POLL_SECONDS)
    connection.commit()


def _sqlalchemy_url(database_url: str) -> sqlalchemy.URL:
    try:
        url = sqlalchemy.make_url(database_url)
    except sqlalchemy.exc.ArgumentError:
        url = None
    if url is None or url.drivername not in ("postgresql", "postgres"):
        raise ConfigurationError(
            "SLUICE_DATABASE_URL: it must look like postgresql://user:password@host:5432/name."
        )
    return url.set(drivername="postgresql+psycopg")
