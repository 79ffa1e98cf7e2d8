"""Which events go out together. Pure; ``gather`` in gathering.sql says the same in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

#: The most events that are told at once. The Callback API sets no bound; this one keeps a body
#: below 100 kB.
MOST = 500


def packs(
    noted: Sequence[datetime], now: datetime, window: timedelta, most: int = MOST
) -> list[tuple[int, int]]:
    """Stretches of events of one kind in one run that go out now, each from the first to one past.

    ``noted`` is when each of them was noted, in the order of the queue. They are divided into
    stretches of ``most`` from the front; one that is full goes out, and so does one with an event
    that has waited for ``window``. The others wait for more.
    """
    stretches = [(start, min(start + most, len(noted))) for start in range(0, len(noted), most)]
    return [
        (lo, hi) for lo, hi in stretches if hi - lo == most or min(noted[lo:hi]) <= now - window
    ]
