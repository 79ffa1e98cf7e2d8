"""How much earlier than it is needed something has to begin, by how long it took lately."""

from __future__ import annotations

#: How fast a long time is forgotten: by this part of the difference with each shorter one.
DECAY = 1 / 16


class Lead:
    """The longest time that was seen lately, in seconds, and never more than ``most``.

    A moment that is missed is lost, while beginning early only costs time that nobody else wants.
    So one long time counts at once, and is forgotten slowly.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """How much earlier to begin."""
        return self._seconds

    def learn(self, seconds: float) -> None:
        """It took so long this time."""
        seconds = min(seconds, self._most)
        if seconds < self._seconds:
            seconds = self._seconds + (seconds - self._seconds) * DECAY
        self._seconds = seconds
