"""Celery beat with a ledger instead of a schedule file.

``tick`` is what beat's service calls in a loop. Nothing may escape from it (an exception ends
beat), it must return a positive number of seconds (zero or ``None`` makes a busy loop), and
``close`` runs inside a signal handler, so it does no I/O.
"""

from __future__ import annotations

import gc
import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from celery import Celery
from celery.beat import Scheduler

from campaigns import database, failpoints, settings
from campaigns.database import Connection
from campaigns.errors import SluiceError
from campaigns.messaging import INTERNAL_TASKS, MESSAGE_EXPIRES
from campaigns.watched import Watched
from scheduler.duties import publishing
from scheduler.ending import put_off
from scheduler.memory import Memory
from scheduler.pacing import QUANTUM
from scheduler.tick import TickReport, tick

log = logging.getLogger(__name__)

_LONGEST_BACKOFF = 5.0
_SHORTEST_SLEEP = 0.02

#: After so many collections of the young the old are looked through as well: about once a minute.
_OLD_GENERATION = 60

_SECONDS: float = QUANTUM.total_seconds()


class Ticker:
    """Holds the connection, runs ticks and publishes what they ask for."""

    def __init__(self, config: settings.Settings, publish: Callable[[str, int], None]) -> None:
        self._database_url = config.require_database()
        self._providers = Watched(config.providers_file)
        self._publish = publish
        self._name = f"beat@{socket.gethostname()}:{os.getpid()}"
        self._conn: Connection | None = None
        self._memory = Memory()

    def step(self) -> TickReport | None:
        """One tick, and then the messages that it committed."""
        if self._conn is None or self._conn.closed:
            self._conn = database.wait_for(self._database_url, seconds=5)
        accounts = self._providers.current()
        report = tick(self._conn, accounts, name=self._name, memory=self._memory)
        if report is not None and report.publish:
            self._send(self._conn, report.publish)
        return report

    def drop_connection(self) -> None:
        """Forget the connection; the next step opens a new one."""
        conn, self._conn = self._conn, None
        if conn is not None:
            try:
                conn.close()
            except psycopg.Error:
                log.debug("closing a broken connection failed")

    def _send(self, conn: Connection, messages: Sequence[tuple[str, int]]) -> None:
        failpoints.hit("publish.before")
        for index, (task, row_id) in enumerate(messages):
            try:
                self._publish(task, row_id)
            except Exception as error:
                log.error("the broker takes no messages (%s); they will be published again",
                          type(error).__name__)  # fmt: skip
                publishing.take_back(conn, messages[index:])
                return
            failpoints.hit("publish.between")
        failpoints.hit("publish.after")


def publisher(app: Celery) -> Callable[[str, int], None]:
    """Publishes one internal task, by queue name only: the exchange form dies with Redis' data."""

    def publish(task: str, row_id: int) -> None:
        app.send_task(
            task,
            args=[row_id],
            queue=INTERNAL_TASKS[task],
            expires=MESSAGE_EXPIRES,
            ignore_result=True,
            retry=False,
        )

    return publish


def _collect_garbage() -> None:
    """Between two ticks, and only there: with a thousand runs in memory a collection takes as long
    as the tick that it would fall into."""
    gc.disable()
    gc.collect(1)
    if gc.get_count()[2] > _OLD_GENERATION:
        gc.collect()
        gc.freeze()


class TickScheduler(Scheduler):  # type: ignore[misc]
    """Runs one tick per quantum."""

    def __init__(self, app: Celery, *args: Any, lazy: bool = False, **kwargs: Any) -> None:
        super().__init__(app, *args, lazy=lazy, **kwargs)
        # Beat builds a lazy one first, only to print its banner.
        self._ticker = None if lazy else Ticker(settings.load(), publisher(app))
        self._failures = 0
        self._next: float = time.monotonic()

    def setup_schedule(self) -> None:
        """There is no schedule but the ledger's."""

    def tick(self, *_: Any, **__: Any) -> float:
        """One tick; the seconds until the next one."""
        if self._ticker is None:
            return _SECONDS
        try:
            self.step(self._ticker)
        except Exception as error:
            return self._back_off(error)
        finally:
            # After a failure too: errors hold on to their frames in circles.
            _collect_garbage()
        self._failures = 0
        return self._until_next()

    def step(self, ticker: Ticker) -> None:
        """From the tick's begin to its last published message."""
        with put_off():
            ticker.step()

    def close(self) -> None:
        """Nothing to save; called inside a signal handler, possibly twice."""

    def _until_next(self) -> float:
        now = time.monotonic()
        self._next = min(max(self._next + _SECONDS, now + _SHORTEST_SLEEP), now + _SECONDS)
        pause: float = self._next - now
        return pause

    def _back_off(self, error: Exception) -> float:
        assert self._ticker is not None
        self._ticker.drop_connection()
        self._failures += 1
        pause: float = min(0.5 * 2 ** (self._failures - 1), _LONGEST_BACKOFF)
        detail = str(error) if isinstance(error, SluiceError) else database.first_line(error)
        log.error("a tick failed, the next one follows in %.1f s: %s", pause, detail)
        return pause
