"""A bound on the requests under way, in front of any transport."""

from __future__ import annotations

import asyncio

from worker.adapters.base import HttpRequest, HttpResponse
from worker.transport.base import NotSent, Transport


class BoundedTransport:
    """Lets at most ``max_connections`` requests through to ``inner`` at once.

    The clients' own pools bound connections too, but a timeout out of them does not always tell
    whether the request had left already. A request that waits here certainly has not.
    """

    def __init__(self, inner: Transport, max_connections: int) -> None:
        self._inner = inner
        self._max_connections = max_connections
        self._slots = asyncio.Semaphore(max_connections)

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:  # noqa: ASYNC109
        """Wait for a slot, then send; both together take at most ``timeout`` seconds.

        Raises:
            NotSent: no slot became free in time (code ``pool``), or as ``inner`` says.
            Uncertain: as ``inner`` says.
        """
        left = await self._enter(timeout)
        try:
            return await self._inner.send(request, timeout=left)
        finally:
            self._slots.release()

    async def _enter(self, timeout: float) -> float:  # noqa: ASYNC109
        """Take a slot; returns what is left of ``timeout``."""
        if not self._slots.locked():
            # This cannot wait. Timers are among the dearer things that a request needs.
            await self._slots.acquire()
            return timeout
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError:
            raise NotSent("pool") from None
        left = deadline - clock()
        if left <= 0:
            self._slots.release()
            raise NotSent("pool")
        return left

    async def aclose(self) -> None:
        """Wait for the requests under way, then close all connections."""
        for _ in range(self._max_connections):
            await self._slots.acquire()
        await self._inner.aclose()
