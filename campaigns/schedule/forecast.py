"""What a window will bring, if nothing unforeseen happens: messages per interval, and the end.

The same arithmetic as the pacing's, in the large: a straight line over the active time up to the
finish, never above the account's ceiling, and what is left goes on at the ceiling after the finish
where the leftover policy says so.

Pure: takes ``now``, does no I/O. Counts are messages, rates messages per second, times UTC.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.schedule.windows import FOREVER, Interval, Window, active_intervals


@dataclass(frozen=True, slots=True)
class Part:
    """One active interval and the messages that will leave in it."""

    interval: Interval
    messages: int
    #: Before the finish: on the line. After it, or without one: as fast as the account takes them.
    paced: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """The parts in their order, and how it ends."""

    parts: tuple[Part, ...]
    #: When the last message leaves; ``None``: not known, because the account has no ceiling.
    finish: datetime | None
    #: Recipients that the window has no room for.
    left: int
    #: Recipients that the ceiling pushes out of a throttled window, beyond its finish.
    late: int


def forecast(
    messages: int,
    window: Window,
    per_second: float | None,
    now: datetime,
    *,
    guard: timedelta = timedelta(0),
) -> Forecast:
    """What becomes of ``messages`` from ``now`` on.

    ``per_second`` is the account's ceiling, ``None`` if it has none. In the last ``guard`` of an
    interval nothing is granted any more.
    """
    intervals = _remaining(active_intervals(window), now)
    before = [i for i in intervals if window.finish is not None and i.end <= window.finish]
    after = intervals[len(before) :]
    on_line = _on_line(messages, before, per_second, guard)
    left = messages - sum(on_line)
    late = left if before else 0
    at_ceiling = _at_ceiling(left, after, per_second, guard)
    left -= sum(at_ceiling)
    parts = tuple(
        Part(interval, count, paced)
        for group, counts, paced in ((before, on_line, True), (after, at_ceiling, False))
        for interval, count in zip(group, counts, strict=True)
    )
    return Forecast(parts, _finish(parts, per_second), left, late)


def _remaining(intervals: Sequence[Interval], now: datetime) -> list[Interval]:
    return [Interval(max(i.start, now), i.end) for i in intervals if i.end > now]


def _on_line(
    messages: int, intervals: Sequence[Interval], per_second: float | None, guard: timedelta
) -> list[int]:
    """Proportional to the length, rounded along the sum so that nothing is lost to rounding."""
    total = sum(interval.length.total_seconds() for interval in intervals)
    if not total:
        return []
    if per_second is not None and messages > per_second * total:
        return _at_ceiling(messages, intervals, per_second, guard)
    counts: list[int] = []
    seconds = 0.0
    done = 0
    for interval in intervals:
        seconds += interval.length.total_seconds()
        upto = math.floor(messages * seconds / total + 1e-9)
        counts.append(upto - done)
        done = upto
    return counts


def _at_ceiling(
    messages: int, intervals: Sequence[Interval], per_second: float | None, guard: timedelta
) -> list[int]:
    counts: list[int] = []
    for interval in intervals:
        count = min(messages, _capacity(interval, per_second, guard))
        counts.append(count)
        messages -= count
    return counts


def _capacity(interval: Interval, per_second: float | None, guard: timedelta) -> int:
    if per_second is None or interval.end == FOREVER:
        # Any number, but as an integer: more than there are people.
        return 10**12
    seconds = max((interval.length - guard).total_seconds(), 0.0)
    return math.floor(per_second * seconds + 1e-9)


def _finish(parts: Sequence[Part], per_second: float | None) -> datetime | None:
    last = next((part for part in reversed(parts) if part.messages), None)
    if last is None:
        return parts[0].interval.start if parts else None
    if last.paced:
        return last.interval.end
    if per_second is None:
        return None
    return last.interval.start + timedelta(seconds=last.messages / per_second)
