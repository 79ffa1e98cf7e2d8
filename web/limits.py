"""How many requests a token may make, or how often an address may fail: a token bucket each, in
this process's memory.

It protects the door from one program's mistake, and is no promise about sending: that one is the
throttle's. With several web processes each counts for itself.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable

#: A program that begins may be this many seconds ahead of its rate.
BURST_SECONDS = 2.0

#: More tokens than this are not remembered at once; whoever was quiet longest is forgotten, and a
#: forgotten bucket is a full one.
MOST_KNOWN = 10_000


class Limits:
    """``rate`` requests per second for each token, ``burst`` seconds ahead of it at most; may be
    asked by several threads."""

    def __init__(self, rate: float, burst: float = BURST_SECONDS) -> None:
        self._interval = 1.0 / rate
        self._tolerance = max(burst - self._interval, 0.0)
        self._lock = threading.Lock()
        #: When the next request of a token would be on time, in monotonic seconds (GCRA's TAT).
        self._due: dict[Hashable, float] = {}

    def ahead(self, token: Hashable, now: float) -> float:
        """What :meth:`wait` would answer; nothing is counted."""
        with self._lock:
            return max(self._due.get(token, now) - now - self._tolerance, 0.0)

    def wait(self, token: Hashable, now: float) -> float:
        """0 where the token may make a request at ``now``, in monotonic seconds; else the seconds
        until it may. Only a request that may be made is counted."""
        with self._lock:
            due = max(self._due.pop(token, now), now)
            early = due - now - self._tolerance
            # Put in again at the end: the first ones are those who were quiet longest.
            self._due[token] = due if early > 0 else due + self._interval
            if len(self._due) > MOST_KNOWN:
                del self._due[next(iter(self._due))]
        return max(early, 0.0)
