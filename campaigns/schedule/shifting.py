"""Moving the window of a campaign to another occurrence, or to the next day.

A window is what its author saw on the clock: "from 9 to 17, not from 12 to 13". So every boundary
keeps its distance to the start as clocks show it, not as seconds pass. Where that would turn the
order of two boundaries around, because clocks go back between them, the distance in seconds is
kept instead.

Pure: no clock, no I/O. Instants are in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.schedule.local import readings, to_local, to_utc
from campaigns.schedule.windows import Interval, Window

_ZERO = timedelta(0)
_ONE_DAY = timedelta(days=1)


def shifted(window: Window, zone: str, occurrence: datetime) -> Window:
    """``window`` moved to start at ``occurrence``, by the clocks of ``zone``.

    Boundaries in a gap are at its instant, those in an overlap at the first reading that is not
    before the occurrence. A pause that lies in a gap vanishes; a finish or an expiry after the
    start stays after it.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: there is no such zone.
    """
    if occurrence == window.start:
        return window
    local = to_local(occurrence, zone)
    meant = datetime.combine(local.date(), to_local(window.start, zone).time())
    if to_utc(meant, zone) == occurrence:
        # The start is in a gap, but the rest of the window need not move with it.
        local = meant
    return _Shift(zone, window.start, occurrence, local).window(window)


def next_day(window: Window, zone: str, after: datetime | None = None) -> Window:
    """``window`` on the first later day on which it starts at or after ``after``.

    ``after`` is its finish if not given. The expiry stays where it is. To keep the time of day
    for good, pass the window as its author gave it, and the finish of the present one as
    ``after``: a day on which the start is in a gap would otherwise move all days that follow.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: there is no such zone.
    """
    earliest = after or window.finish or window.start
    local = to_local(window.start, zone)
    days = max((to_local(earliest, zone).date() - local.date()).days, 1)
    start = to_utc(local + days * _ONE_DAY, zone)
    while start < earliest:
        days += 1
        start = to_utc(local + days * _ONE_DAY, zone)
    moved = _Shift(zone, window.start, start, local + days * _ONE_DAY).window(window)
    return Window(moved.start, moved.finish, window.expiry, moved.pauses, window.leftover)


@dataclass(frozen=True, slots=True)
class _Shift:
    """From a window that starts at ``origin`` to one that starts at ``start``."""

    zone: str
    origin: datetime
    start: datetime
    #: What the clock should show at ``start``, be it a time that does not exist.
    local_start: datetime

    def window(self, window: Window) -> Window:
        finish = window.finish and self._end(window.finish)
        expiry = window.expiry and self._end(window.expiry)
        if window.finish and window.expiry and finish and expiry and window.finish <= window.expiry:
            expiry = max(expiry, finish)
        pauses = [self._pause(pause) for pause in window.pauses]
        kept = tuple(pause for pause in pauses if pause.start < pause.end)
        return Window(self.start, finish, expiry, kept, window.leftover)

    def _end(self, moment: datetime) -> datetime:
        found, _ = self._moved(moment)
        if moment > self.origin and found <= self.start:
            return self.start + (moment - self.origin)
        return found

    def _pause(self, pause: Interval) -> Interval:
        start, local_start = self._moved(pause.start)
        # Counted from its own start, its end comes before it in no case: only a gap can close it.
        end, _ = _Shift(self.zone, pause.start, start, local_start)._moved(pause.end)
        return Interval(start, end)

    def _moved(self, moment: datetime) -> tuple[datetime, datetime]:
        """Where ``moment`` goes, and what the clock should show there."""
        elapsed = moment - self.origin
        distance = to_local(moment, self.zone) - to_local(self.origin, self.zone)
        if (distance > _ZERO) != (elapsed > _ZERO):
            found = self.start + elapsed
            return found, to_local(found, self.zone)
        local = self.local_start + distance
        first, last = readings(local, self.zone)
        return last if elapsed >= _ZERO and first < self.start else first, local
