"""Why nothing may be sent at a moment: in a pause, on a holiday, outside of the hours.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from campaigns.schedule.calendars import Calendar, closed
from campaigns.schedule.windows import Window

_MOMENT = timedelta(seconds=1)


def why_closed(window: Window, calendars: Sequence[Calendar], moment: datetime) -> str:
    """What closes ``window`` at ``moment``, in words that continue "it is ...".

    What somebody decided for this campaign alone comes before what holds for all days.
    """
    if any(moment in pause for pause in window.pauses):
        return "in a pause"
    if window.finish is not None and moment >= window.finish and window.leftover == "next_window":
        return "between two windows"
    for words, parts in (
        ("on a holiday", ("holidays",)),
        ("in quiet hours", ("holidays", "quiet")),
        ("outside of the sending hours", ("holidays", "quiet", "sending")),
    ):
        if any(_closes(_only(calendar, parts), moment) for calendar in calendars):
            return words
    return "outside of its window"


def _closes(calendar: Calendar, moment: datetime) -> bool:
    return bool(closed(calendar, moment, moment + _MOMENT))


def _only(calendar: Calendar, parts: Sequence[str]) -> Calendar:
    return replace(
        calendar,
        sending=calendar.sending if "sending" in parts else (),
        quiet=calendar.quiet if "quiet" in parts else (),
    )
