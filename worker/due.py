"""Messages of a chunk that have their moment, and which of them share a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from worker.adapters.base import Message
from worker.departures import Departure
from worker.ledger import Claimed


@dataclass(frozen=True, slots=True)
class Due:
    """A message that has its moment."""

    row: Claimed
    message: Message
    departure: Departure


def groups(due: Sequence[Due], size: int) -> Iterator[Sequence[Due]]:
    """What goes in one request: at most ``size`` messages, and only such as may leave together."""
    for _, together in groupby(due, key=lambda one: one.departure.at):
        while group := list(islice(together, size)):
            yield group
