"""What every public task shares: a connection, patience with the database, and discretion.

A submission that waits in the queue must not be lost because PostgreSQL is away for a moment, so
the task waits for it; a worker that shuts down meanwhile puts the message back. A refusal is told
in its own sentence, which never holds contact data; of any other error only the kind is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from celery.exceptions import Reject
from psycopg_pool import PoolTimeout
from pydantic import ValidationError

from campaigns.database import Connection
from campaigns.errors import SluiceError, Unavailable
from worker.redaction import TaskFailed
from worker.runtime import Runtime

log = logging.getLogger(__name__)

T = TypeVar("T")

#: What passes by itself: an outage, and the moment before ``sluice migrate``.
_PASSING = (psycopg.OperationalError, psycopg.errors.UndefinedTable, PoolTimeout, Unavailable)

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 5.0

#: A request whose statement runs into the timeout this many times is given up.
_MOST_TIMEOUTS = 3


def perform(runtime: Runtime, work: Callable[[Connection], T]) -> T:
    """Do ``work`` with a connection, through an outage of the database if need be.

    Raises:
        SluiceError: the request was refused; nothing was stored.
        TaskFailed: anything else went wrong.
        Reject: the worker shuts down; the message goes back to the queue.
    """
    pause = _FIRST_PAUSE
    timeouts = 0
    while True:
        try:
            with runtime.pool().connection() as conn:
                return work(conn)
        except psycopg.errors.QueryCanceled as error:
            # Not an outage: what takes too long every time must not hold its thread for ever.
            timeouts += 1
            if timeouts == _MOST_TIMEOUTS:
                raise TaskFailed(_kind(error)) from None
            log.warning("a statement took too long; trying again")
        except _PASSING as error:
            log.warning("the database is not ready (%s); trying again", type(error).__name__)
        except SluiceError:
            raise
        except Exception as error:
            # The original may quote a row, and with it an address.
            raise TaskFailed(_kind(error)) from None
        if runtime.wait_for_shutdown(pause):
            raise Reject("the worker shuts down", requeue=True)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _kind(error: Exception) -> str:
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return f"{type(error).__name__} (SQLSTATE {error.sqlstate})"
    if isinstance(error, ValidationError):
        return f"{error.title}: {error.error_count()} invalid fields"
    return type(error).__name__


def arguments(**values: Any) -> dict[str, Any]:
    """Keyword arguments without those that are ``None``, so that defaults stay in one place."""
    return {name: value for name, value in values.items() if value is not None}
