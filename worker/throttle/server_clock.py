"""When it was by the local clock what the server's clock showed, however slow the answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from worker.throttle.gcra import SECOND_US

#: How far two clocks may drift apart, in seconds per second. A quartz is within 100 ppm, and time
#: services slew by no more than 500 ppm (clock_adjtime(2), ADJ_FREQUENCY).
DRIFT = 0.0006


@dataclass(slots=True)
class ServerClock:
    """The offset of a server's clock, narrowed down by every answer that says what it showed.

    It was read after the question was put and before the answer was here. That alone is as vague
    as the way is long, and on a busy machine the longest way is that from the socket to whoever
    waits. But the offset stays the same, so all answers together tell it as well as the quickest
    of them: the intersection of intervals of Marzullo's algorithm, RFC 5905 section 11.2.1.
    """

    _least: float = float("-inf")
    _most: float = float("inf")
    _learnt_at: float = 0.0

    def learn(self, shown_us: int, asked: float, answered: float) -> float:
        """The moment of the local clock at which the server's showed ``shown_us``.

        At the latest, so that what is counted from there is never early; and never after
        ``answered``. ``asked`` and ``answered`` are moments of the local clock, in seconds.
        """
        shown = shown_us / SECOND_US
        drift = max(answered - self._learnt_at, 0.0) * DRIFT
        least = max(self._least - drift, shown - answered)
        most = min(self._most + drift, shown - asked)
        if least > most:
            # One of the clocks was set: what was learnt before is about another one.
            least, most = shown - answered, shown - asked
        self._least, self._most, self._learnt_at = least, most, answered
        return shown - least
