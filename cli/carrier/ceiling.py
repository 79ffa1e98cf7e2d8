"""The carrier's rate ceiling: the generic cell rate algorithm, in integer nanoseconds.

The state is one number, the theoretical arrival time (TAT): when the next request would arrive if
all of them came exactly at the rate. A request may come ``tolerance`` before it (ITU-T I.371,
annex A). In any half-open interval of T seconds at most ``rate * T + burst`` are admitted, and
exactly evenly spaced ones are all admitted.

Pure: no clock, no I/O.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Ceiling:
    """``interval`` between requests at the full rate and ``tolerance``, in nanoseconds."""

    interval: int
    tolerance: int

    @classmethod
    def of(cls, rate: float, burst: int) -> Ceiling:
        """``rate`` requests per second, of which ``burst`` may come at once."""
        # Rounded up: the ceiling is never exceeded for the sake of a fraction of a nanosecond.
        interval = math.ceil(_SECOND / rate)
        return cls(interval, (burst - 1) * interval)

    def admit(self, tat: int, now: int) -> tuple[int, int]:
        """Whether a request may pass at ``now``.

        Returns:
            the new theoretical arrival time, and how long to wait in nanoseconds: 0 if it may.
        """
        # No state lies further ahead than one that was just used up, unless the clock was set
        # back or the rate was raised; without the bound it would stay shut for that long.
        tat = min(max(tat, now), now + self.tolerance + self.interval)
        wait = tat - self.tolerance - now
        return (tat, wait) if wait > 0 else (tat + self.interval, 0)
