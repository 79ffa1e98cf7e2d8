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


@dataclass(slots=True)
class Account:
    """AnyAdapter, transport and places of one account, and how it fares.

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

    def per_second(self, now: datetime) -> float | None:
        """The rate to keep to at ``now``, ``None`` where the account has none."""
        ceiling = self.config.per_second
        return None if ceiling is None else ceiling * self.condition.factor(now)
