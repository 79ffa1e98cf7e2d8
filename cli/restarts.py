"""When a process that ended is started again, and when that has no use any more.

Pure: takes the time, a moment on the monotonic clock, in seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """How patient somebody is with a process that ends by itself. Times in seconds."""

    #: The pause before the first start over; it doubles each time.
    first: float = 1.0
    longest: float = 30.0
    #: What ended so often within this time is given up.
    deaths: int = 5
    within: float = 60.0
    #: What ran for so long once can run, and is never given up: it takes about ten deaths of a
    #: worker to find the one message that kills it.
    proven: float = 60.0


class Restarts:
    """The ends of one process."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._ends: deque[float] = deque(maxlen=backoff.deaths)
        self._pause = 0.0
        self._proven = False

    def ended(self, now: float, *, ran: float) -> float | None:
        """It ended at ``now``, ``ran`` seconds after it was started.

        Returns:
            the pause before it is started again; ``None`` if it is to be given up.
        """
        backoff = self._backoff
        self._ends.append(now)
        self._proven = self._proven or ran >= backoff.proven
        often = len(self._ends) == backoff.deaths and now - self._ends[0] <= backoff.within
        if often and not self._proven:
            return None
        # Whatever ailed it before, it was well for a while.
        recovered = ran >= backoff.within
        self._pause = backoff.first if recovered else min(self._next(), backoff.longest)
        return self._pause

    def _next(self) -> float:
        return self._pause * 2 or self._backoff.first
