"""How a batch is spread over its interval, chunk by chunk. Pure: takes ``now``."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: The most rows that one claim takes.
CHUNK = 100

#: A chunk covers at most this much of a batch's spread, in seconds.
STEP_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Spread:
    """So many messages, evenly from ``start`` to ``end`` on the monotonic clock."""

    start: float
    end: float
    messages: int

    def due_at(self, index: int) -> float:
        """When the message with this index is due."""
        return self.start + max(self.end - self.start, 0.0) * index / self.messages

    def step(self, taken: int, now: float) -> int:
        """How many messages the next chunk may take after ``taken``: what is due within a step,
        and what is overdue."""
        left = self.messages - taken
        span = self.end - self.start
        if span <= STEP_SECONDS:
            return min(CHUNK, left)
        per_step = math.ceil(self.messages * STEP_SECONDS / span)
        overdue = math.floor(max(now - self.due_at(taken), 0.0) * self.messages / span)
        return min(CHUNK, left, per_step + overdue)
