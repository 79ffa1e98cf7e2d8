"""What happens when in the demo: the window, its pauses, and the hand on the pause button.

Pure: takes ``now``, does no I/O. Times are UTC; campaigns are planned in whole seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.schedule.active import ActiveTime
from campaigns.schedule.flow import Turn
from campaigns.schedule.windows import Interval, Window, active_intervals

#: The shortest window in which everything has room.
SHORTEST = 12
LONGEST = 600

#: Between the submission and the start of the window: it has to come out of the queue first.
LEAD = timedelta(seconds=4)

#: Where in the window things happen, as parts of its length.
_FIRST_PAUSE, _BY_HAND, _SECOND_PAUSE = 0.2, 0.45, 0.7
#: How long they last in a window of one minute, in seconds.
_PAUSE_SECONDS, _BY_HAND_SECONDS = 7.0, 4.0
_LONGEST_PAUSE, _SHORTEST_BY_HAND = 8.0, 1.5


@dataclass(frozen=True, slots=True)
class Timeline:
    """The plan of one demo."""

    start: datetime
    finish: datetime
    expiry: datetime
    pauses: tuple[Interval, ...]
    #: When the demo presses pause, and for how long it holds.
    press_at: datetime
    hold: timedelta

    @property
    def window(self) -> Window:
        """As the scheduler's arithmetic takes it."""
        return Window(self.start, self.finish, self.expiry, self.pauses)

    @property
    def turn(self) -> Turn:
        """The window as a forecast takes it."""
        return Turn((ActiveTime(tuple(active_intervals(self.window))),), self.finish)


def plan(now: datetime, seconds: int) -> Timeline:
    """A window of so many ``seconds`` that begins shortly after ``now``.

    Raises:
        ValueError: it would be too short to show anything, or too long to watch.
    """
    if not SHORTEST <= seconds <= LONGEST:
        raise ValueError(f"must lie between {SHORTEST} and {LONGEST}")
    start = (now + LEAD).replace(microsecond=0) + timedelta(seconds=1)
    finish = start + timedelta(seconds=seconds)
    length = round(min(_PAUSE_SECONDS * seconds / 60, _LONGEST_PAUSE))
    hold = max(min(_BY_HAND_SECONDS * seconds / 60, _BY_HAND_SECONDS), _SHORTEST_BY_HAND)

    def pause(part: float) -> Interval:
        begin = start + timedelta(seconds=round(part * seconds))
        return Interval(begin, begin + timedelta(seconds=length))

    return Timeline(
        start=start,
        finish=finish,
        expiry=finish + timedelta(seconds=20),
        pauses=(pause(_FIRST_PAUSE), pause(_SECOND_PAUSE)),
        press_at=start + timedelta(seconds=_BY_HAND * seconds),
        hold=timedelta(seconds=hold),
    )
