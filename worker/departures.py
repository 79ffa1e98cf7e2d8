"""When each message of a chunk may leave, by what it costs. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from worker.throttle.base import Permits


@dataclass(frozen=True, slots=True)
class Departure:
    """A message leaves not before ``at`` and not after ``latest``, on the monotonic clock.

    A process that stood still must not send everything at once when it wakes: others own the
    moments that have come by then.
    """

    at: float
    latest: float


def lapsed(permits: Permits, now: float) -> int:
    """How many units of ``permits``, from the first on, can no longer be used at ``now``."""
    if not permits.interval:
        return 0
    return bisect_left(range(permits.count), now - permits.tolerance, key=permits.at)


def departures(
    permits: Permits, costs: Sequence[int], latest: float, now: float = -math.inf
) -> list[Departure | None]:
    """A departure for each message, in order, whose units ``permits`` still holds at ``now``;
    ``None`` for one that is too dear for what is left.

    Where nothing limits, all leave at once. Nobody leaves after ``latest``.
    """
    if not permits.interval:
        return [Departure(permits.start, latest)] * len(costs)
    found: list[Departure | None] = []
    used = lapsed(permits, now)
    for cost in costs:
        at = permits.at(used, cost) if used + cost <= permits.count else math.inf
        if at > latest:
            found.append(None)
            continue
        found.append(Departure(at, min(at + permits.tolerance, latest)))
        used += cost
    return found
