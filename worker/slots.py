"""How many requests may be under way at one provider from this process."""

from __future__ import annotations

import asyncio


class Slots:
    """A counting semaphore that hands out several places at once.

    Places are taken before rows are claimed, so that a claimed row never waits for a connection.
    """

    def __init__(self, size: int) -> None:
        self._free = size
        self._changed = asyncio.Condition()

    @property
    def free(self) -> int:
        """Places that nobody holds."""
        return self._free

    async def take(self, at_most: int) -> int:
        """Between one and ``at_most`` places; waits while there is none."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._free > 0)
            taken = min(self._free, at_most)
            self._free -= taken
            return taken

    async def give(self, places: int) -> None:
        """Put places back."""
        if places == 0:
            return
        async with self._changed:
            self._free += places
            self._changed.notify(places)
