"""Writing what many requests bring in few transactions.

A commit waits for the disk, so one per request is as slow as the disk. Whatever arrives while a
transaction is under way goes into the next one: an idle door writes each thing at once, and a busy
one writes more in a transaction the busier it is, without waiting for anything on purpose.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

import psycopg
from psycopg_pool import PoolTimeout, TooManyRequests

from campaigns.errors import Unavailable

log = logging.getLogger(__name__)

ItemT = TypeVar("ItemT")

#: Between two attempts while the database is away, in seconds.
PAUSE = 1.0

#: Nothing is wrong with what was to be written; the database is away.
_AWAY = (psycopg.OperationalError, PoolTimeout, TooManyRequests)


class _Waiting(NamedTuple, Generic[ItemT]):
    items: Sequence[ItemT]
    done: asyncio.Future[None]


class GroupCommit(Generic[ItemT]):
    """Gathers items and hands them to ``write``, one call at a time; for one event loop."""

    def __init__(
        self,
        write: Callable[[Sequence[ItemT]], None],
        *,
        most_waiting: int,
        most_at_once: int,
        patience: float = 0.0,
    ) -> None:
        """``write`` runs in a thread and returns when all of its items are committed.

        At most ``most_waiting`` items wait, and about ``most_at_once`` are written at once. While
        the database is away they are kept for ``patience`` seconds.
        """
        self._patience = patience
        self._write = write
        self._most_waiting = most_waiting
        self._most_at_once = most_at_once
        self._waiting: deque[_Waiting[ItemT]] = deque()
        self._count = 0
        self._writing: asyncio.Task[None] | None = None

    async def __call__(self, items: Sequence[ItemT]) -> None:
        """Return when ``items`` are stored.

        Raises:
            Unavailable: more wait already than may, or the database is away.
            Exception: whatever ``write`` raised for them.
        """
        await asyncio.shield(self.begin(items))

    def begin(self, items: Sequence[ItemT]) -> asyncio.Future[None]:
        """Have ``items`` stored, and return what is done when they are; raises ``Unavailable``."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not items:
            done.set_result(None)
            return done
        if self._count and self._count + len(items) > self._most_waiting:
            raise Unavailable("More is waiting to be stored than can be kept.")
        self._waiting.append(_Waiting(items, done))
        self._count += len(items)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return done

    async def _write_all(self) -> None:
        while self._waiting:
            taken = self._take()
            try:
                await self._write_together([item for one in taken for item in one.items])
            except _AWAY:
                _fail(taken, Unavailable("The database cannot be reached at the moment."))
            except Exception as error:
                await self._write_apart(taken, error)
            else:
                for one in taken:
                    _settle(one.done)
            self._count -= sum(len(one.items) for one in taken)

    async def _write_together(self, items: Sequence[ItemT]) -> None:
        clock = asyncio.get_running_loop()
        until = clock.time() + self._patience
        while True:
            try:
                await asyncio.to_thread(self._write, items)
                return
            except _AWAY as error:
                log.warning("nothing can be stored (%s)", type(error).__name__)
                if clock.time() + PAUSE > until:
                    raise
            await asyncio.sleep(PAUSE)

    async def _write_apart(self, taken: Sequence[_Waiting[ItemT]], error: Exception) -> None:
        """One request's fault must not be another one's."""
        if len(taken) == 1:
            _fail(taken, error)
            return
        for one in taken:
            try:
                await asyncio.to_thread(self._write, one.items)
            except Exception as own:
                _fail([one], own)
            else:
                _settle(one.done)

    def _take(self) -> list[_Waiting[ItemT]]:
        """The next requests, at least one of them."""
        taken: list[_Waiting[ItemT]] = []
        size = 0
        while self._waiting and size < self._most_at_once:
            taken.append(self._waiting.popleft())
            size += len(taken[-1].items)
        return taken


def _settle(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def _fail(taken: Sequence[_Waiting[ItemT]], error: Exception) -> None:
    for one in taken:
        if not one.done.done():
            one.done.set_exception(error)
            # Whoever asked for it may be gone, which is no reason for a line in the log.
            one.done.exception()
