"""Messages of a chunk that have their moment, and which of them share a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from worker.departures import Departure
from worker.rendering import Rendered


@dataclass(frozen=True, slots=True)
class Due:
    """A message that has its moment."""

    rendered: Rendered
    departure: Departure


def groups(due: Sequence[Due], size: int) -> Iterator[tuple[Departure, Sequence[Rendered]]]:
    """What goes in one request: at most ``size`` messages, and only such as may leave together.

    They depart at the moment of the first. What failed before goes alone: a provider that refuses a
    request of many as a whole, because of one of them that it does not name, would refuse the same
    ones together until the attempts of all are used up.
    """
    for _, together in groupby(due, key=lambda one: one.departure.at):
        fresh: list[Due] = []
        for one in together:
            if one.rendered.row.attempts > 1:
                yield one.departure, [one.rendered]
            else:
                fresh.append(one)
        for start in range(0, len(fresh), size):
            group = fresh[start : start + size]
            yield group[0].departure, [one.rendered for one in group]
