"""A configured provider account as a send process holds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from campaigns.providers import ProviderConfig
from worker.adapters.base import AnyAdapter
from worker.condition import Condition
from worker.costs import Stragglers
from worker.slots import Slots
from worker.transport.base import AnyTransport
from worker.window import Window


@dataclass(slots=True)
class Account:
    """Adapter, transport and places of one account, and how it fares.

    What is configured may be replaced while requests are under way: whoever sends looks at it when
    it needs it, and keeps hold of the adapter that encoded a request until its answer is read.
    """

    config: ProviderConfig
    adapter: AnyAdapter
    transport: AnyTransport
    slots: Slots
    condition: Condition = field(default_factory=Condition)
    stragglers: Stragglers = field(default_factory=Stragglers)
    #: No longer in the providers file: nothing more is claimed for it.
    removed: bool = False
    window: Window = field(init=False)

    def __post_init__(self) -> None:
        self.window = Window(self.config.max_in_flight)

    def resize(self, places: int) -> None:
        """From now on so many requests may be under way."""
        self.slots.resize(places)
        self.window.resize(places)

    def leave(self, messages: int) -> None:
        """Give back the places of so many messages, and their room in the window."""
        self.slots.give(messages)
        self.window.give(messages)

    def per_second(self, now: datetime) -> float | None:
        """The rate to keep to at ``now``, ``None`` where the account has none."""
        ceiling = self.config.per_second
        return None if ceiling is None else ceiling * self.condition.factor(now)
