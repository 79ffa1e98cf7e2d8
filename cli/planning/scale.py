"""Round numbers and round local times along an axis. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

from campaigns.schedule.local import to_local, to_utc

_STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (
        *(1, 2, 5, 10, 15, 30),
        *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
        *(3_600 * hours for hours in (1, 2, 3, 6, 12)),
        *(86_400 * days for days in (1, 2, 7, 14, 28, 56, 112, 365, 1_000)),
    )
)
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
#: Monday, midnight.
_ORIGIN = datetime.fromisoformat("2001-01-01")


def amounts(most: float, ticks: int) -> list[int]:
    """Round numbers from 0 to at least ``most``, in about so many steps."""
    raw = max(most, 1) / ticks
    power = 10.0 ** math.floor(math.log10(raw))
    step = max(1, round(next(n * power for n in (1, 2, 5, 10) if n * power >= raw)))
    return [n * step for n in range(max(math.ceil(most / step), 1) + 1)]


def moments(
    start: datetime, end: datetime, zone: str, ticks: int
) -> Iterator[tuple[datetime, str]]:
    """Round local times from ``start`` to ``end`` and how to write them, at most so many."""
    wanted = (end - start) / ticks
    step = next((step for step in _STEPS if step >= wanted), _STEPS[-1])
    begin = to_local(start, zone)
    shown = _ORIGIN + math.ceil((begin - _ORIGIN) / step) * step
    previous = None
    while (moment := to_utc(shown, zone)) <= end:
        if moment >= start and moment != previous:
            yield moment, written(shown, step)
        previous = moment
        shown += step


def written(shown: datetime, step: timedelta) -> str:
    """A local time as exact as steps of ``step`` need it; a day at its midnight."""
    if step >= _DAY or (step >= _MINUTE and shown.hour == shown.minute == 0):
        return f"{shown:%d %b}"
    if step >= _MINUTE:
        return f"{shown:%H:%M}"
    return f"{shown:%H:%M:%S}"
