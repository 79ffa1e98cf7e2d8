"""Connections to PostgreSQL, with every wait bounded.

Short control work uses the synchronous side, the send path the asynchronous pool; no function
exists in both forms.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from campaigns.errors import ConfigurationError, Unavailable

log = logging.getLogger(__name__)

Connection = psycopg.Connection[DictRow]
AsyncConnection = psycopg.AsyncConnection[DictRow]
Pool = ConnectionPool[Connection]
AsyncPool = AsyncConnectionPool[AsyncConnection]

#: How long one statement of the send path or of a tick may take.
STATEMENT_TIMEOUT_MS = 30_000


def parameters(statement_timeout_ms: int = STATEMENT_TIMEOUT_MS) -> dict[str, Any]:
    """Connection parameters common to all processes.

    A hung server shows up within seconds: ``tcp_user_timeout`` bounds unacknowledged data, the
    keepalives an idle link (libpq documentation, section 32.1.2).
    """
    return {
        "connect_timeout": 5,
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "application_name": "sluice",
        "options": (
            f"-c statement_timeout={statement_timeout_ms}"
            " -c lock_timeout=10000"
            " -c idle_in_transaction_session_timeout=15000"
            " -c timezone=UTC"
        ),
        "row_factory": dict_row,
    }


def connect(url: str, *, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS) -> Connection:
    """Open one autocommit connection.

    Raises:
        ConfigurationError: ``url`` is none that libpq understands.
        Unavailable: PostgreSQL cannot be reached or refuses the login.
    """
    try:
        return psycopg.Connection[DictRow].connect(
            url, autocommit=True, **parameters(statement_timeout_ms)
        )
    except psycopg.ProgrammingError:
        # libpq's own message repeats the URL, and with it the password.
        raise ConfigurationError(
            "SLUICE_DATABASE_URL: it must look like postgresql://user:password@host:5432/name."
        ) from None
    except psycopg.OperationalError as error:
        raise Unavailable(
            f"SLUICE_DATABASE_URL: PostgreSQL cannot be reached ({first_line(error)})."
        ) from error


def wait_for(url: str, *, seconds: float, say: Any = log.warning) -> Connection:
    """Open a connection, waiting for a server that is not up yet, and say so once.

    Raises:
        Unavailable: the server was not reachable within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    pause = 0.2
    said = False
    while True:
        try:
            return connect(url)
        except Unavailable as error:
            if time.monotonic() + pause > deadline:
                raise
            if not said:
                say(f"waiting for PostgreSQL: {error}")
                said = True
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


@contextmanager
def opened(url: str, *, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS) -> Iterator[Connection]:
    """A connection for the length of a ``with`` block."""
    with connect(url, statement_timeout_ms=statement_timeout_ms) as conn:
        yield conn


#: How long a pool goes on trying before it begins anew, in seconds: its pauses double, and would
#: grow to minutes in a long outage.
_RECONNECT_SECONDS = 5.0


def pool(url: str, *, size: int, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS) -> Pool:
    """A pool for the threads of one process; open it in the process that uses it."""
    return ConnectionPool(
        url,
        connection_class=psycopg.Connection[DictRow],
        min_size=0,
        max_size=size,
        timeout=10,
        reconnect_timeout=_RECONNECT_SECONDS,
        check=ConnectionPool.check_connection,
        kwargs={"autocommit": True, **parameters(statement_timeout_ms)},
        open=False,
    )


def async_pool(url: str, *, size: int) -> AsyncPool:
    """A pool for one event loop; open it inside that loop."""
    return AsyncConnectionPool(
        url,
        connection_class=psycopg.AsyncConnection[DictRow],
        min_size=0,
        max_size=size,
        timeout=10,
        reconnect_timeout=_RECONNECT_SECONDS,
        kwargs={"autocommit": True, **parameters()},
        open=False,
    )


def first_line(error: BaseException) -> str:
    """The first line of a driver's message: enough to act on, and never a row's content."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
