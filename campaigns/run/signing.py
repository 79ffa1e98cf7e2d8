"""The keys that sign what goes out with messages and comes back in reports.

A run signs with the newest key of its beginning, and to its end; every key there ever was
verifies, because reports come days later.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from campaigns import queries
from campaigns.database import Connection

_SQL = queries.load("campaigns.run", "signing.sql")

#: How old a key is before a run signs with it, in seconds. By then it is committed, and every
#: process that verifies has read it.
KEY_RESTS = 60.0

#: For how long keys that were read are verified with, in seconds. Well below :data:`KEY_RESTS`, so
#: that a signature is never newer than the keys that it is compared with.
KEYS_STAY = 30.0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key as people may know it: by its number and age."""

    id: int
    created_at: datetime


def rotate(conn: Connection) -> SigningKey:
    """Make a new key, which signs for all runs that begin :data:`KEY_RESTS` from now or later."""
    row = conn.execute(_SQL.rotate).fetchone()
    assert row is not None
    return SigningKey(**row)


def list_all(conn: Connection) -> list[SigningKey]:
    """Every key, the newest first."""
    return [SigningKey(**row) for row in conn.execute(_SQL.list_keys)]


class Keyring:
    """All keys as one process knows them, for verifying. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: tuple[bytes, ...] = ()
        self._read_again_at: float | None = None

    def remembered(self) -> tuple[bytes, ...]:
        """Every key as of the last look, however long ago that was."""
        return self._keys

    @property
    def is_fresh(self) -> bool:
        """Whether :meth:`remembered` has every key that anything is signed with."""
        return self._read_again_at is not None and self._clock() < self._read_again_at

    def keys(self, conn: Connection) -> tuple[bytes, ...]:
        """Every key, read at most :data:`KEYS_STAY` seconds ago."""
        with self._lock:
            now = self._clock()
            if self._read_again_at is None or now >= self._read_again_at:
                self._keys = tuple(row["key"] for row in conn.execute(_SQL.all_keys))
                self._read_again_at = now + KEYS_STAY
            return self._keys
