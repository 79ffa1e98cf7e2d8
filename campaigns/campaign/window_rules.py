"""The order of a campaign's times, among each other and with ``now``, and that they leave time.

Pure: takes ``now``. Each function raises :class:`campaigns.errors.Invalid` for the first rule that
is broken.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import pairwise

from campaigns.campaign import rules, times
from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.planning import Plan
from campaigns.errors import Invalid
from campaigns.schedule.active import active_time
from campaigns.schedule.calendars import Calendar, closed
from campaigns.schedule.shifting import shifted
from campaigns.schedule.windows import Interval, Window, active_intervals, active_seconds

#: How long a throttled window may be.
LONGEST_WINDOW = timedelta(days=366)
#: Clocks of two places never differ by more: UTC-12 and UTC+14.
_WIDEST_OFFSET = timedelta(hours=26)
#: How many occurrences are looked at for one that can be sent, and for two that are too close.
_OCCURRENCES = 50


def check_times(
    spec: CampaignSpec, plan: Plan, now: datetime, settled: Collection[datetime | None] = ()
) -> None:
    """The order of all times; ``settled`` ones were accepted before, and may be past by now.

    Raises:
        Invalid: a time comes too early or too late, or pauses and calendar leave nothing of the
            window.
    """
    # Of a series they are those of its first occurrence, which may be long ago.
    present = None if plan.rule else now
    _check_finish(spec, plan.start, present, settled)
    _check_expiry(spec.expiry_date, spec.scheduled_finish_date, plan.start, present, settled)
    _check_pauses(spec, plan.start)
    _check_jitter(spec, plan)
    _check_calendar(spec, plan)


def check_expiry(expiry: datetime | None, start: datetime, now: datetime) -> None:
    """The expiry of a message without a window; raises ``Invalid``."""
    _check_expiry(expiry, None, start, now, ())


def _check_finish(
    spec: CampaignSpec, start: datetime, now: datetime | None, settled: Collection[datetime | None]
) -> None:
    finish = spec.scheduled_finish_date
    if finish is None:
        return
    if finish <= start:
        raise _invalid(
            "scheduled_finish_date", finish, f"must be later than the start {times.render(start)}"
        )
    if now and finish <= now and finish not in settled:
        raise _invalid("scheduled_finish_date", finish, "must not lie in the past")
    if finish - start > LONGEST_WINDOW:
        raise _invalid(
            "scheduled_finish_date",
            finish,
            f"must be at most {LONGEST_WINDOW.days} days after the start {times.render(start)}",
        )


def _check_expiry(
    expiry: datetime | None,
    finish: datetime | None,
    start: datetime,
    now: datetime | None,
    settled: Collection[datetime | None],
) -> None:
    if expiry is None:
        return
    if expiry <= start:
        raise _invalid("expiry_date", expiry, f"must be later than the start {times.render(start)}")
    if now and expiry <= now and expiry not in settled:
        raise _invalid("expiry_date", expiry, "must not lie in the past")
    if finish is not None and expiry < finish:
        raise _invalid(
            "expiry_date",
            expiry,
            f"must not be earlier than scheduled_finish_date {times.render(finish)}",
        )


def _check_pauses(spec: CampaignSpec, start: datetime) -> None:
    finish = spec.scheduled_finish_date
    if finish is None or not spec.pauses:
        return
    # Where the window comes again, its pauses do, and there is nothing else that they could be in.
    end = finish if spec.leftover == "next_window" else spec.expiry_date or finish
    for index, pause in enumerate(spec.pauses):
        where = f"pauses[{index}]"
        if pause.end_at <= pause.start_at:
            raise _invalid(
                f"{where}.end_at",
                pause.end_at,
                f"must be later than its start_at {times.render(pause.start_at)}",
            )
        if pause.start_at < start:
            raise _invalid(
                f"{where}.start_at",
                pause.start_at,
                f"must not be earlier than the start {times.render(start)}",
            )
        if pause.end_at > end:
            raise _invalid(
                f"{where}.end_at",
                pause.end_at,
                f"must not be later than the end {times.render(end)}",
            )
    if not active_seconds(active_intervals(rules.window_of(spec, start)), start, finish):
        raise Invalid(
            "pauses", None, f"leave no time to send before the finish {times.render(finish)}"
        )


def _check_jitter(spec: CampaignSpec, plan: Plan) -> None:
    if not spec.jitter:
        return
    jitter = timedelta(seconds=spec.jitter)
    end = spec.scheduled_finish_date or spec.expiry_date
    if end and jitter >= end - plan.start:
        raise Invalid(
            "jitter",
            spec.jitter,
            f"must be shorter than the window of {_seconds(end - plan.start)} seconds",
        )
    gaps = [b - a for a, b in pairwise(plan.occurrences(_OCCURRENCES))]
    if gaps and jitter >= min(gaps):
        raise Invalid(
            "jitter",
            spec.jitter,
            f"must be shorter than the {_seconds(min(gaps))} seconds between two occurrences",
        )


def _check_calendar(spec: CampaignSpec, plan: Plan) -> None:
    calendar = rules.calendar_of(spec)
    if calendar.is_open_always:
        return
    window = rules.window_of(spec, plan.start)
    moved = [shifted(window, spec.timezone, moment) for moment in plan.occurrences(_OCCURRENCES)]
    if any(_leaves_time(one, calendar, spec.recipient_local) for one in moved):
        return
    names = ("sending_hours", "quiet_hours", "holidays", "pauses")
    given = [name for name in names if getattr(spec, name)]
    together = f", together with {' and '.join(given[1:])}" if given[1:] else ""
    others = f", nor in the {len(moved) - 1} occurrences after that" if moved[1:] else ""
    raise Invalid(
        given[0],
        None,
        f"leave no time to send between {times.render(moved[0].start)} and "
        f"{times.render(_last_look(moved[0]))}{others}{together}",
    )


def _leaves_time(window: Window, calendar: Calendar, anywhere: bool) -> bool:
    """Whether something could be sent; ``anywhere``: to somebody, wherever that person may be."""
    end = _last_look(window)
    if anywhere:
        whole = Interval(window.start - _WIDEST_OFFSET, end + _WIDEST_OFFSET)
        return closed(calendar, whole.start, whole.end) != [whole]
    return active_time(window, [calendar], end).seconds(window.start, end) > 0


def _last_look(window: Window) -> datetime:
    return min(window.finish or window.end, window.start + LONGEST_WINDOW)


def _seconds(distance: timedelta) -> int:
    return int(distance.total_seconds())


def _invalid(field: str, moment: datetime, rule: str) -> Invalid:
    return Invalid(field, times.render(moment), rule)
