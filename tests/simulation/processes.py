"""Send processes as such: how fast they are, when they stand still, when they are killed."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from tests.simulation.spans import Spans
from worker.condition import Condition
from worker.costs import Stragglers

T = TypeVar("T")


class Departure(NamedTuple):
    """One message that left for a provider. All that the judges go by."""

    at: datetime
    #: When it is there. Time windows are judged by both, limits by the first one.
    arrives: datetime
    provider: str
    run_id: int
    seq: int
    outcome: str


@dataclass
class Process:
    """One send process. It may stand still for a while, and it may be killed."""

    name: str
    #: Its requests take so many times as long as those of others.
    slowness: float
    stalls: list[tuple[datetime, datetime]] = field(default_factory=list)
    deaths: list[tuple[datetime, datetime]] = field(default_factory=list)
    #: Which of its lives this is: what an earlier one began is lost.
    life: int = 0
    conditions: dict[str, Condition] = field(default_factory=dict)
    read_at: dict[str, float] = field(default_factory=dict)
    _stragglers: dict[str, Stragglers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._asleep = (Spans(self.stalls), Spans(self.deaths))

    def stragglers(self, name: str) -> Stragglers:
        return self._stragglers.setdefault(name, Stragglers())

    def awake(self, at: datetime) -> datetime:
        """``at``, or the end of the time in which it stands still or is dead."""
        for spans in self._asleep:
            if (found := spans.around(at)) is not None:
                return found[1]
        return at

    def die(self) -> None:
        """It is killed, and comes back knowing nothing."""
        self.life += 1
        self.conditions.clear()
        self.read_at.clear()

    def dies_within(self, start: datetime, end: datetime) -> bool:
        return any(start < death <= end for death, _ in self.deaths)


def result(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    raise AssertionError("it waits for something")
