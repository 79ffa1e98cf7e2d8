"""What a control or callbacks worker says about itself, and about a beat that has fallen silent.

A beat writes its sign of life with each tick. One that hangs, or is not there at all, cannot say so
itself.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable

import psycopg
from psycopg_pool import PoolTimeout

from campaigns import queries
from campaigns.database import Connection, Pool
from worker.engine import HEARTBEAT_SECONDS

log = logging.getLogger(__name__)

_SIGNS = queries.load("campaigns.run", "signs.sql")

#: A beat without a tick for so long is told, and again after each minute, in seconds.
SILENT_AFTER = 30.0
SAY_AGAIN_AFTER = 60.0


def beat(pool: Callable[[], Pool], stopping: threading.Event, kind: str = "control") -> None:
    """Sign every few seconds until ``stopping``; for a thread of its own."""
    name = f"{kind}@{socket.gethostname()}:{os.getpid()}"
    silence = Silence()
    while not stopping.is_set():
        try:
            with pool().connection() as conn:
                conn.execute(_SIGNS.beat_heart, {"name": name, "kind": kind, "now": None})
                silence.look(conn)
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("the heartbeat was not written (%s)", type(error).__name__)
        stopping.wait(HEARTBEAT_SECONDS)


class Silence:
    """Tells that nobody ticks although there is something to tick for."""

    def __init__(self) -> None:
        self._told_at = 0.0

    def look(self, conn: Connection) -> bool:
        """Whether it was told just now."""
        row = conn.execute(_SIGNS.silence_of_beats).fetchone()
        seconds = row["seconds"] if row else None
        if seconds is None or seconds < SILENT_AFTER:
            self._told_at = 0.0
            return False
        if seconds - self._told_at < SAY_AGAIN_AFTER and self._told_at:
            return False
        self._told_at = seconds
        log.error("no tick for %.0f s, so nothing new is sent: does a beat run?", seconds)
        return True
