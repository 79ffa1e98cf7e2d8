"""When each lane may send, remembered from tick to tick.

A window with hours of every day over a year takes milliseconds to compute and microseconds to look
up. It is computed again when something that it depends on changed: the campaign, the team, or the
window of the run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from campaigns import queries
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.schedule.active import ActiveTime, active_time
from campaigns.schedule.stored import run_calendars, run_window
from campaigns.schedule.windows import FOREVER
from scheduler.model import LaneKey

log = logging.getLogger(__name__)

_SQL = queries.load("scheduler", "tick.sql")

#: How far ahead the hours of a run without an end are computed, and how near to the end of that
#: they are computed again.
AHEAD = timedelta(days=60)
_AGAIN = timedelta(days=30)

#: What was stored by another release, or in a zone that the time zone database has lost, may not be
#: readable. That closes one run, and stops no other.
UNREADABLE = (Invalid, LookupError, ValueError)
_UNREADABLE_FOR = timedelta(minutes=10)


#: What tells whether an entry is still good. Looked at for every lane in every tick.
_stamp: Callable[[Mapping[str, Any]], tuple[object, ...]] = itemgetter(
    "campaign_at", "team_at", "window_at", "finishes_at", "expires_at", "timezone"
)


@dataclass(frozen=True, slots=True)
class Times:
    """Whenever a lane may send, and the part of that up to the finish."""

    active: ActiveTime
    paced: ActiveTime
    #: What has to be computed again then, though nothing was changed.
    good_until: datetime = FOREVER


@dataclass(frozen=True, slots=True)
class _Entry:
    stamp: tuple[object, ...]
    times: Times


class ActiveTimes:
    """A cache of :class:`Times`."""

    def __init__(self) -> None:
        self._entries: dict[LaneKey, _Entry] = {}

    def of(
        self, conn: Connection, rows: Sequence[Mapping[str, Any]], now: datetime
    ) -> dict[LaneKey, Times]:
        """The times of all lanes in ``rows``, which are some of ``open_runs`` in tick.sql."""
        known: dict[LaneKey, Times] = {}
        missing: list[Mapping[str, Any]] = []
        for row in rows:
            key = LaneKey(row["id"], row["lane"])
            entry = self._entries.get(key)
            if entry is not None and entry.stamp == _stamp(row) and now < entry.times.good_until:
                known[key] = entry.times
            else:
                missing.append(row)
        if missing:
            run_ids = sorted({row["id"] for row in missing})
            found = conn.execute(_SQL.calendars, {"run_ids": run_ids}).fetchall()
            by_run = {settings["id"]: settings for settings in found}
            for row in missing:
                key = LaneKey(row["id"], row["lane"])
                entry = self._entries[key] = _entry(row, by_run[row["id"]], now)
                known[key] = entry.times
        return known

    def keep(self, run_ids: Container[int]) -> None:
        """Forget the lanes of all other runs."""
        gone = [key for key in self._entries if key.run_id not in run_ids]
        for key in gone:
            del self._entries[key]


def _entry(row: Mapping[str, Any], settings: Mapping[str, Any], now: datetime) -> _Entry:
    try:
        return _computed(row, settings, now)
    except UNREADABLE as error:
        log.error(
            "run %d is closed: its calendars cannot be read any more (%s)",
            row["id"],
            type(error).__name__,
        )
        nothing = ActiveTime()
        return _Entry(_stamp(row), Times(nothing, nothing, now + _UNREADABLE_FOR))


def _computed(row: Mapping[str, Any], settings: Mapping[str, Any], now: datetime) -> _Entry:
    window = run_window(settings)
    calendars = run_calendars(settings, row["timezone"])
    through = now + AHEAD
    if any(not calendar.is_open_always for calendar in calendars) and window.end > through:
        window = replace(window, expiry=max(through, window.finish or through))
        good_until = now + _AGAIN
    else:
        good_until = FOREVER
    active = active_time(window, calendars, through)
    paced = active.until(window.finish) if window.finish is not None else active
    return _Entry(_stamp(row), Times(active, paced, good_until))
