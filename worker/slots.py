"""How many requests may be under way at one provider from this process."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

#: Places are handed out in lots of this part of all, or of what is asked for if that is less.
#: Places come free one by one; a claim for each of them would cost the database more than the
#: rows themselves. At worst this part of the places waits unused for the lot to be complete.
LOT = 1 / 4


@dataclass(slots=True)
class _Waiter:
    at_most: int
    granted: asyncio.Future[int]


class Slots:
    """A counting semaphore that hands out several places at once, first come, first served.

    Places are taken before rows are claimed, so that a claimed row never waits for a connection.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._lot = _lot(size)
        self._waiters: deque[_Waiter] = deque()

    @property
    def free(self) -> int:
        """Places that nobody holds."""
        return self._free

    @property
    def wanted(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiters)

    async def take(self, at_most: int) -> int:
        """Between one and ``at_most`` places; waits until a lot of them is free."""
        waiter = _Waiter(at_most, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._serve()
        try:
            return await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.cancelled():
                # Whoever came later may want less.
                self._serve()
            else:
                self.give(waiter.granted.result())
            raise

    def give(self, places: int) -> None:
        """Put places back."""
        self._free += places
        self._serve()

    def resize(self, size: int) -> None:
        """From now on there are so many. Where there are fewer than before, those that are held
        beyond it are not handed out again."""
        self._free += size - self._size
        self._size = size
        self._lot = _lot(size)
        self._serve()

    def _serve(self) -> None:
        while self._waiters:
            first = self._waiters[0]
            if not first.granted.cancelled():
                if self._free < min(first.at_most, self._lot):
                    return
                places = min(self._free, first.at_most)
                self._free -= places
                first.granted.set_result(places)
            self._waiters.popleft()


def _lot(size: int) -> int:
    return max(1, int(size * LOT))
