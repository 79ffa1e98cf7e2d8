"""Calendars and series as they stand in rows of the database.

What is stored was checked when it was saved, so nothing is refused here. Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from campaigns.schedule import recurrence
from campaigns.schedule.calendars import Calendar, parse_hours
from campaigns.schedule.occurrences import Series, Single, Times
from campaigns.schedule.recurrence import Rule
from campaigns.schedule.shifting import next_day, shifted
from campaigns.schedule.windows import Interval, Window


def calendar_of(row: Mapping[str, Any], prefix: str = "") -> Calendar:
    """The calendar in the columns ``timezone``, ``sending_hours``, ``quiet_hours``, ``holidays``.

    ``prefix`` stands before each of these names.
    """
    sending, quiet = row[f"{prefix}sending_hours"], row[f"{prefix}quiet_hours"]
    return Calendar(
        zone=row[f"{prefix}timezone"],
        sending=parse_hours(sending, "sending_hours") if sending else (),
        quiet=parse_hours(quiet, "quiet_hours") if quiet else (),
        holidays=frozenset(row[f"{prefix}holidays"]),
    )


def series_of(row: Mapping[str, Any]) -> Series:
    """The occurrences and policies in a row of ``campaigns``."""
    return Series(
        campaign=row["id"],
        times=_times(row),
        overlap=row["overlap"],
        start_deadline=_seconds(row["start_deadline"]),
        catch_up=row["catch_up"],
        catch_up_cap=row["catch_up_cap"],
        jitter=timedelta(seconds=row["jitter"]),
    )


def window_of(row: Mapping[str, Any], occurrence: datetime) -> Window:
    """The window, without its pauses, of that occurrence of the campaign in ``row``."""
    given = Window(row["scheduled_send_date"], row["scheduled_finish_date"], row["expiry_date"])
    return shifted(given, row["timezone"], occurrence)


def run_window(row: Mapping[str, Any]) -> Window:
    """The present window of the run in ``row``, with its pauses: the campaign's, moved.

    Beside the columns of ``campaigns`` it has those of ``runs``, ``pause_starts`` and
    ``pause_ends``.
    """
    starts, ends = row["pause_starts"] or (), row["pause_ends"] or ()
    given = Window(
        row["scheduled_send_date"],
        row["scheduled_finish_date"],
        row["expiry_date"],
        tuple(Interval(*pause) for pause in zip(starts, ends, strict=True)),
        row["leftover"],
    )
    moved = shifted(given, row["timezone"], row["window_at"])
    # The run's own ends count: what is left of an earlier window keeps its expiry.
    return replace(
        moved,
        start=max(row["starts_at"], row["window_at"]),
        finish=row["finishes_at"],
        expiry=row["expires_at"],
    )


def run_calendars(row: Mapping[str, Any], lane_zone: str | None) -> list[Calendar]:
    """The calendars of campaign and team that a lane of the run in ``row`` keeps to.

    The team's columns have the prefix ``team_``. ``lane_zone`` is the zone of a lane's recipients.
    """
    if row["is_test"]:
        # Somebody asked for this one message, now, to an address of their own.
        return []
    found = [calendar_of(row, ""), calendar_of(row, "team_")]
    return [calendar.in_zone(lane_zone) for calendar in found] if lane_zone else found


def next_window(row: Mapping[str, Any], window_at: datetime) -> Window | None:
    """The window after the one at ``window_at``; ``None``: there is none.

    A recurring campaign has one with each occurrence, another one has it on each following day.
    """
    times = _times(row)
    if not isinstance(times, Single):
        occurrence = times.after(window_at)
        return window_of(row, occurrence) if occurrence else None
    given = window_of(row, row["scheduled_send_date"])
    present = window_of(row, window_at)
    return next_day(given, row["timezone"], present.finish)


def _times(row: Mapping[str, Any]) -> Times:
    start: datetime = row["scheduled_send_date"]
    if row["schedule_rrule"] is None:
        return Single(start)
    exdates, rdates = tuple(row["schedule_exdates"]), tuple(row["schedule_rdates"])
    return _rule(row["schedule_rrule"], row["timezone"], start, exdates, rdates)


@lru_cache(maxsize=4096)
def _rule(
    text: str,
    zone: str,
    start: datetime,
    exdates: tuple[datetime, ...],
    rdates: tuple[datetime, ...],
) -> Rule:
    return recurrence.parse(text, zone=zone, start=start, exdates=exdates, rdates=rdates)


def _seconds(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(seconds=number)
