"""What messages cost, learned while they are rendered: the claim has to guess it."""

from __future__ import annotations

import math
from collections.abc import Iterable

#: For how long a message that found no room is reckoned with, in seconds.
REMEMBERED = 60.0


class Estimate:
    """The units that a message of one batch costs on average, starting from a guess."""

    def __init__(self, guess: float) -> None:
        self._units = guess
        self._messages = 1

    def learn(self, costs: Iterable[int]) -> None:
        """Take in what messages did cost."""
        for cost in costs:
            self._units += cost
            self._messages += 1

    @property
    def mean(self) -> float:
        """Units per message; at least one."""
        return max(self._units / self._messages, 1.0)

    def units(self, messages: int) -> int:
        """What to ask for to send that many messages."""
        return math.ceil(messages * self.mean)

    def messages(self, units: int) -> int:
        """How many messages to claim for that many units; at least one."""
        return max(1, math.floor(units / self.mean + 1e-9))


class Stragglers:
    """The messages of an account that were too dear for what was leased, by their run.

    Whoever sends for that run next leases enough at once, or at a slow rate such a message would
    be claimed and given back for ever.
    """

    def __init__(self) -> None:
        self._dearest: dict[int, tuple[int, float]] = {}

    def note(self, run_id: int, cost: int, now: float) -> None:
        """A message of ``run_id`` that costs so much was given back at ``now``."""
        dearest = max(cost, self.needed([run_id], now))
        self._dearest[run_id] = (dearest, now + REMEMBERED)

    def sent(self, run_id: int, cost: int) -> None:
        """A message of ``run_id`` that costs so much found room."""
        if run_id in self._dearest and self._dearest[run_id][0] <= cost:
            del self._dearest[run_id]

    def needed(self, run_ids: Iterable[int], now: float) -> int:
        """The units that a message of these runs may need at once; 1 where none is known."""
        self._dearest = {run: found for run, found in self._dearest.items() if found[1] > now}
        return max((self._dearest[run][0] for run in run_ids if run in self._dearest), default=1)
