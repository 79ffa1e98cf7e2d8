"""Messages of a chunk that have their moment, and which of them share a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from worker.departures import Departure
from worker.rendering import Rendered


@dataclass(frozen=True, slots=True)
class Due:
    """A message that has its moment."""

    rendered: Rendered
    departure: Departure


def groups(due: Sequence[Due], size: int) -> Iterator[tuple[Departure, Sequence[Rendered]]]:
    """What goes in one request: at most ``size`` messages, and only such as may leave together.

    They depart at the moment of the first.
    """
    for _, together in groupby(due, key=lambda one: one.departure.at):
        while group := list(islice(together, size)):
            yield group[0].departure, [one.rendered for one in group]
