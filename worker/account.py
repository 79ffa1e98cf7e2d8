"""A configured provider account as a send process holds it."""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.providers import ProviderConfig
from worker.adapters.base import Adapter
from worker.slots import Slots
from worker.transport.base import Transport

#: How long an account rests that could not be reached, in seconds; doubles up to the limit.
UNREACHABLE_COOLING = 1.0
LONGEST_UNREACHABLE_COOLING = 30.0


@dataclass(slots=True)
class Account:
    """Adapter, transport and places of one account, and how it fares.

    What is configured may be replaced while requests are under way: whoever sends looks at it when
    it needs it, and keeps hold of the adapter that encoded a request until its answer is read.
    """

    config: ProviderConfig
    adapter: Adapter
    transport: Transport
    slots: Slots
    #: No longer in the providers file: nothing more is claimed for it.
    removed: bool = False
    cooling_reason: str = ""
    failures: int = 0
    held_until: float = 0.0

    def unreachable(self, now: float) -> float:
        """Note at the monotonic time ``now`` that no connection came about.

        Returns the seconds to stay away. All requests that fail while the account is held count
        as one failure, however many were under way.
        """
        if now >= self.held_until:
            longer = UNREACHABLE_COOLING * 2.0 ** min(self.failures, 10)
            self.held_until = now + min(longer, LONGEST_UNREACHABLE_COOLING)
            self.failures += 1
        return self.held_until - now

    def reached(self) -> None:
        """Note that the provider answered."""
        self.failures = 0
