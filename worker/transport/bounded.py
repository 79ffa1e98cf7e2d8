"""A bound on the requests under way, in front of any transport."""

from __future__ import annotations

import asyncio
import math
from typing import Any, Generic, TypeVar

from worker.transport.base import BrokenOff, NotSent, Sender, TooLate

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class BoundedTransport(Generic[RequestT, ResponseT]):
    """Lets at most ``max_connections`` requests through to ``inner`` at once.

    The clients' own pools bound connections too, but a timeout out of them does not always tell
    whether the request had left already. A request that waits here certainly has not.
    """

    def __init__(self, inner: Sender[RequestT, ResponseT], max_connections: int) -> None:
        self._inner = inner
        self._max_connections = max_connections
        self._slots = asyncio.Semaphore(max_connections)
        self._under_way: set[asyncio.Task[Any]] = set()
        self._broken_off = False

    async def send(
        self,
        request: RequestT,
        *,
        timeout: float,  # noqa: ASYNC109
        leave_within: float = math.inf,
    ) -> ResponseT:
        """Wait for a slot, then send; both together take at most ``timeout`` seconds.

        Raises:
            TooLate: no slot became free within ``leave_within``, or as ``inner`` says.
            NotSent: no slot became free in time (code ``pool``), or as ``inner`` says.
            Uncertain: as ``inner`` says.
        """
        waited = await self._enter(timeout, leave_within)
        try:
            return await self._carry(request, timeout - waited, leave_within - waited)
        finally:
            self._slots.release()

    async def _carry(
        self,
        request: RequestT,
        timeout: float,  # noqa: ASYNC109
        leave_within: float,
    ) -> ResponseT:
        if self._broken_off:
            raise TooLate
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            return await self._inner.send(request, timeout=timeout, leave_within=leave_within)
        except asyncio.CancelledError:
            if not self._broken_off:
                raise
            task.uncancel()
            raise BrokenOff from None
        finally:
            self._under_way.discard(task)

    def break_off(self) -> None:
        """See :meth:`worker.transport.base.Transport.break_off`."""
        self._broken_off = True
        for task in self._under_way:
            task.cancel()

    async def _enter(self, timeout: float, leave_within: float) -> float:  # noqa: ASYNC109
        """Take a slot; returns how long that took, in seconds."""
        if not self._slots.locked():
            # This cannot wait. Timers are among the dearer things that a request needs.
            await self._slots.acquire()
            return 0.0
        clock = asyncio.get_running_loop().time
        begun = clock()
        patience = min(timeout, leave_within)
        try:
            async with asyncio.timeout(patience):
                await self._slots.acquire()
        except TimeoutError:
            raise _no_slot(timeout, leave_within) from None
        waited = clock() - begun
        if waited >= patience:
            self._slots.release()
            raise _no_slot(timeout, leave_within)
        return waited

    async def aclose(self) -> None:
        """Wait for the requests under way, then close all connections."""
        for _ in range(self._max_connections):
            await self._slots.acquire()
        await self._inner.aclose()


def _no_slot(timeout: float, leave_within: float) -> NotSent:
    return TooLate() if leave_within < timeout else NotSent("pool")
