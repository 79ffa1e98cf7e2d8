"""One run of a campaign, foretold: its windows, its active time, and what leaves when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from campaigns.campaign.store import Campaign
from campaigns.schedule.active import ActiveTime, active_time
from campaigns.schedule.flow import Turn
from campaigns.schedule.occurrences import starts_at
from campaigns.schedule.stored import (
    next_window,
    run_calendars,
    run_window,
    series_of,
    window_of,
)
from campaigns.schedule.windows import FOREVER, Interval, Window, merged, subtract
from campaigns.team.teams import Team
from scheduler.forecast import Forecast, forecast
from scheduler.pacing import Ramp

#: How many windows are foretold of a run whose rest waits for the next one.
MOST_WINDOWS = 1_000

#: How far ahead the hours of a run without an end are looked at, until nothing is left.
_HORIZONS = (timedelta(days=60), timedelta(days=400), timedelta(days=4_000))

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of active time, and the messages that leave in it."""

    interval: Interval
    messages: int
    #: Before the finish of an evenly paced window; otherwise as fast as the limits allow.
    paced: bool


@dataclass(frozen=True, slots=True)
class Prospect:
    """One run."""

    starts_at: datetime
    #: The windows that are needed; more than one where the rest waits for the next one.
    windows: tuple[Window, ...]
    stretches: tuple[Stretch, ...]
    #: Whenever somebody may be sent to, as one list without boundaries.
    open: tuple[Interval, ...]
    forecast: Forecast

    @property
    def finish(self) -> datetime | None:
        """The end of the first window; ``None``: it has none."""
        return self.windows[0].finish

    @property
    def expiry(self) -> datetime | None:
        """When what is left is given up; ``None``: never."""
        last = self.windows[-1]
        if last.end != FOREVER:
            return last.end
        if last.leftover == "next_window" and len(self.windows) < MOST_WINDOWS:
            # There is no other window to wait for.
            return last.finish if self.forecast.left else None
        return None

    @property
    def last_sign(self) -> datetime:
        """The latest moment that anything is known to happen."""
        pieces = self.forecast.pieces
        moments = [window.finish for window in self.windows if window.finish]
        moments += [pieces[-1].end] if pieces else []
        if self.forecast.left and self.expiry:
            moments.append(self.expiry)
        return max(moments, default=self.starts_at)

    def closed(self, start: datetime, end: datetime) -> list[Interval]:
        """When nobody may be sent to within ``[start, end)``."""
        return subtract(Interval(start, end), self.open)

    def pauses(self) -> list[Interval]:
        """The pauses that somebody planned, of all windows."""
        return merged(pause for window in self.windows for pause in window.pauses)


def prospect(
    campaign: Campaign,
    team: Team,
    lanes: Sequence[tuple[str | None, int]],
    per_second: float | None,
    occurrence: datetime,
    now: datetime,
) -> Prospect:
    """What becomes of the ``lanes``, each a zone and how many recipients are sent to in it."""
    row = run_row(campaign, team, occurrence)
    found = _within(row, campaign, lanes, per_second, now, _HORIZONS[0])
    for horizon in _HORIZONS[1:]:
        end = found.expiry or FOREVER
        if not found.forecast.left or end <= _through(row, now, horizon):
            break
        found = _within(row, campaign, lanes, per_second, now, horizon)
    return found


def run_row(campaign: Campaign, team: Team, occurrence: datetime) -> dict[str, Any]:
    """The row of a run that does not exist yet, with the columns of its campaign and team."""
    row: dict[str, Any] = {name: getattr(campaign, name) for name in _OF_CAMPAIGN}
    row |= {f"team_{name}": getattr(team, name) for name in _OF_TEAM}
    window = window_of(row, occurrence)
    return {
        **row,
        "is_test": False,
        "pause_starts": [pause.start_at for pause in campaign.pauses],
        "pause_ends": [pause.end_at for pause in campaign.pauses],
        "window_at": occurrence,
        "starts_at": starts_at(series_of(row), occurrence),
        "finishes_at": window.finish,
        "expires_at": window.expiry,
    }


_OF_CAMPAIGN = (
    "id", "timezone", "schedule_rrule", "schedule_exdates", "schedule_rdates", "overlap",
    "start_deadline", "catch_up", "catch_up_cap", "jitter", "scheduled_send_date",
    "scheduled_finish_date", "expiry_date", "leftover", "sending_hours", "quiet_hours", "holidays",
)  # fmt: skip
_OF_TEAM = ("timezone", "sending_hours", "quiet_hours", "holidays")


def _through(row: Mapping[str, Any], now: datetime, horizon: timedelta) -> datetime:
    begin: datetime = row["starts_at"]
    return max(begin, now) + horizon


def _within(
    row: Mapping[str, Any],
    campaign: Campaign,
    lanes: Sequence[tuple[str | None, int]],
    per_second: float | None,
    now: datetime,
    horizon: timedelta,
) -> Prospect:
    begin = max(row["starts_at"], now)
    through = _through(row, now, horizon)
    windows: list[Window] = []
    turns: list[Turn] = []

    def asked() -> Iterator[Turn]:
        for window, turn in _turns(row, [zone for zone, _ in lanes], through):
            windows.append(window)
            turns.append(turn)
            yield turn

    ramp = campaign.warm_up
    found = forecast(
        [count for _, count in lanes],
        asked(),
        begin,
        evenly=campaign.pacing == "evenly",
        per_second=per_second,
        ramp=None if ramp is None else Ramp(ramp["first_day"], ramp["factor"]),
        starts_at=row["starts_at"],
    )
    evenly = campaign.pacing == "evenly"
    return Prospect(
        starts_at=row["starts_at"],
        windows=tuple(windows),
        stretches=tuple(_stretches(turns, found, begin, evenly=evenly)),
        open=tuple(merged(i for turn in turns for lane in turn.lanes for i in lane.intervals)),
        forecast=found,
    )


def _turns(
    row: Mapping[str, Any], zones: Sequence[str | None], through: datetime
) -> Iterator[tuple[Window, Turn]]:
    """The windows of the run, one after the other, as the scheduler moves it on."""
    for _ in range(MOST_WINDOWS):
        window = run_window(row)
        times = {zone: _active(window, row, zone, through) for zone in set(zones)}
        yield window, Turn(tuple(times[zone] for zone in zones), window.finish)
        if window.leftover != "next_window" or window.finish is None:
            return
        following = next_window(row, row["window_at"])
        if following is None or following.start >= (window.expiry or FOREVER):
            return
        row = {**row, "window_at": following.start, "finishes_at": following.finish}


def _active(
    window: Window, row: Mapping[str, Any], zone: str | None, through: datetime
) -> ActiveTime:
    calendars = run_calendars(row, zone)
    if window.end > through and any(not calendar.is_open_always for calendar in calendars):
        window = replace(window, expiry=max(through, window.finish or through))
    return active_time(window, calendars, through)


def _stretches(
    turns: Sequence[Turn], found: Forecast, begin: datetime, *, evenly: bool
) -> Iterator[Stretch]:
    """What is open for anybody, with its messages; nothing beyond the last one of them."""
    last = found.pieces[-1].end if found.pieces else begin
    for turn in turns:
        finish = turn.finish or FOREVER
        whole = merged(interval for lane in turn.lanes for interval in lane.intervals)
        for interval in whole:
            for start, end in (
                (interval.start, min(interval.end, finish)),
                (max(interval.start, finish), interval.end),
            ):
                start = max(start, begin)
                paced = evenly and turn.finish is not None and end <= finish
                if start < end and (start <= last or paced):
                    count = _before(found, end) - _before(found, start)
                    yield Stretch(Interval(start, end), count, paced)


def _before(found: Forecast, moment: datetime) -> int:
    """Messages that leave before ``moment``, not at it."""
    return found.count_by(moment - _INSTANT)
