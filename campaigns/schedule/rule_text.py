"""The text of a recurrence rule, read into a checked value: RFC 5545 section 3.3.10.

Accepted is one RRULE, with or without its name, and before it at most one DTSTART line, as calendar
tools export them::

    FREQ=WEEKLY;BYDAY=MO,WE
    RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20271231
    DTSTART;TZID=Europe/London:20261130T090000
    RRULE:FREQ=DAILY;COUNT=10

Narrower than the RFC where a campaign could do harm: nothing more often than HOURLY, bounded
numbers, no more than one occurrence a minute on average. Everything else is refused in a sentence
that quotes the part at fault.

Pure: no clock, no I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast, get_args

from campaigns.errors import Invalid

FIELD = "schedule_rrule"

Frequency = Literal["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]

#: As the RFC names them, Monday first as in :meth:`datetime.date.weekday`.
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

LONGEST_TEXT = 2_000
HIGHEST_INTERVAL = 1_000
HIGHEST_COUNT = 100_000
EARLIEST_YEAR = 1970
#: Occurrences of a rule: not more than one a minute on average.
MOST_PER_HOUR = 60
MOST_PER_DAY = 24 * MOST_PER_HOUR

_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
_WEEKDAY = re.compile(r"([+-]?[0-9]{1,2})?([A-Z]{2})")
_MOMENT = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z)?)?")
_DTSTART = re.compile(r"DTSTART(?:;TZID=([^:;=]{1,64}))?:([0-9]{8}T[0-9]{6}Z?)")

_LISTS = {
    "BYSECOND": (0, 59),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYSETPOS": (-366, 366),
}
_KEYS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_LISTS})

#: RFC 5545 page 44: the parts that make no sense with a frequency ("N/A" in its table).
_NOT_WITH: dict[str, frozenset[str]] = {
    "BYWEEKNO": frozenset({"HOURLY", "DAILY", "WEEKLY", "MONTHLY"}),
    "BYYEARDAY": frozenset({"DAILY", "WEEKLY", "MONTHLY"}),
    "BYMONTHDAY": frozenset({"WEEKLY"}),
}

#: Ordinal and weekday: (2, 0) is the second Monday, (-1, 4) the last Friday, (0, 0) each Monday.
WeekdayNumber = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Recur:
    """A checked rule. An empty list is a part that was not given."""

    freq: Frequency
    interval: int = 1
    count: int | None = None
    #: Inclusive. Aware: an instant. Naive: local time of the campaign's zone.
    until: datetime | None = None
    by_month: frozenset[int] = frozenset()
    by_week_number: frozenset[int] = frozenset()
    by_year_day: frozenset[int] = frozenset()
    by_month_day: frozenset[int] = frozenset()
    by_day: frozenset[WeekdayNumber] = frozenset()
    by_hour: frozenset[int] = frozenset()
    by_minute: frozenset[int] = frozenset()
    by_second: frozenset[int] = frozenset()
    by_set_position: frozenset[int] = frozenset()
    #: 0 is Monday.
    week_start: int = 0


@dataclass(frozen=True, slots=True)
class StatedStart:
    """What a DTSTART line says."""

    #: Aware in the ``Z`` form, else local time of ``zone``.
    moment: datetime
    #: The TZID as it stands there, not looked up; ``None``: the campaign's own.
    zone: str | None


def read(text: str) -> tuple[Recur, StatedStart | None]:
    """The rule in ``text``, and the start that a DTSTART line before it names.

    Raises:
        Invalid: the text is not one rule of the accepted kind; the message quotes the part.
    """
    if len(text) > LONGEST_TEXT:
        raise _refusal(text, f"must have at most {LONGEST_TEXT:,} characters")
    lines = text.strip().replace("\r\n", "\n").split("\n")
    start = _stated_start(lines.pop(0)) if lines[0].upper().startswith("DTSTART") else None
    if len(lines) != 1:
        raise _refusal(text, "must be one RRULE, with at most a DTSTART line before it")
    return _recur(_parts(lines[0])), start


def _stated_start(line: str) -> StatedStart:
    if (match := _DTSTART.fullmatch(line.strip())) is None:
        raise _refusal(line, "must be written like DTSTART;TZID=Europe/London:20261130T090000")
    zone, moment = match.groups()
    found = _moment("DTSTART", moment)
    if zone is not None and found.tzinfo is not None:
        raise _refusal(line, "must have a TZID or a Z, not both")
    return StatedStart(found, zone)


def _parts(line: str) -> dict[str, str]:
    rule = line.strip().upper().removeprefix("RRULE:")
    parts: dict[str, str] = {}
    for part in rule.removesuffix(";").split(";"):
        key, equals, value = part.partition("=")
        if key not in _KEYS:
            raise _refusal(part, "is not a part of an RRULE that can be used here")
        if not equals or not value:
            raise _refusal(part, "must have a value")
        if key in parts:
            raise _refusal(part, f"must not give {key} twice")
        parts[key] = value
    if "FREQ" not in parts:
        raise _refusal(line, "must have a FREQ")
    return parts


def _recur(parts: dict[str, str]) -> Recur:
    freq = parts["FREQ"]
    if freq not in get_args(Frequency):
        raise _refusal(f"FREQ={freq}", "must be HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY")
    lists = {key: _integers(key, parts.get(key)) for key in _LISTS}
    recur = Recur(
        freq=cast(Frequency, freq),
        interval=_integer("INTERVAL", parts.get("INTERVAL", "1"), 1, HIGHEST_INTERVAL),
        count=_integer("COUNT", parts["COUNT"], 1, HIGHEST_COUNT) if "COUNT" in parts else None,
        until=_moment("UNTIL", parts["UNTIL"]) if "UNTIL" in parts else None,
        by_month=lists["BYMONTH"],
        by_week_number=lists["BYWEEKNO"],
        by_year_day=lists["BYYEARDAY"],
        by_month_day=lists["BYMONTHDAY"],
        by_day=_weekday_numbers(parts.get("BYDAY")),
        by_hour=lists["BYHOUR"],
        by_minute=lists["BYMINUTE"],
        by_second=lists["BYSECOND"],
        by_set_position=lists["BYSETPOS"],
        week_start=_weekday("WKST", parts.get("WKST", "MO")),
    )
    _check_combination(recur, parts)
    _check_amount(recur)
    _check_positions(recur)
    return recur


def _check_combination(recur: Recur, parts: dict[str, str]) -> None:
    """What the RFC forbids, each part being right by itself."""
    if recur.count is not None and recur.until is not None:
        raise _refusal(f"UNTIL={parts['UNTIL']}", "must not stand beside a COUNT")
    for key, frequencies in _NOT_WITH.items():
        if key in parts and recur.freq in frequencies:
            raise _refusal(f"{key}={parts[key]}", f"must not stand beside FREQ={recur.freq}")
    if any(ordinal for ordinal, _ in recur.by_day):
        byday = f"BYDAY={parts['BYDAY']}"
        if recur.freq not in ("MONTHLY", "YEARLY"):
            raise _refusal(byday, f"must have no ordinals with FREQ={recur.freq}")
        if recur.by_week_number:
            raise _refusal(byday, "must have no ordinals beside BYWEEKNO")
    if recur.by_set_position and not any(
        key.startswith("BY") for key in parts.keys() - {"BYSETPOS"}
    ):
        raise _refusal(f"BYSETPOS={parts['BYSETPOS']}", "must stand beside another BY part")


def _check_amount(recur: Recur) -> None:
    per_hour = max(len(recur.by_minute), 1) * max(len(recur.by_second), 1)
    if recur.freq == "HOURLY" and per_hour > MOST_PER_HOUR:
        raise _refusal(None, f"must have at most {MOST_PER_HOUR} occurrences an hour")
    if recur.freq != "HOURLY" and per_hour * max(len(recur.by_hour), 1) > MOST_PER_DAY:
        raise _refusal(None, f"must have at most {MOST_PER_DAY:,} occurrences a day")


def _check_positions(recur: Recur) -> None:
    """Saves a search: an hour or a day can be looked through in advance."""
    if recur.freq not in ("HOURLY", "DAILY"):
        return
    size = max(len(recur.by_minute), 1) * max(len(recur.by_second), 1)
    if recur.freq == "DAILY":
        size *= max(len(recur.by_hour), 1)
    if recur.by_set_position and min(map(abs, recur.by_set_position)) > size:
        positions = ",".join(map(str, sorted(recur.by_set_position)))
        raise _refusal(
            f"BYSETPOS={positions}", f"must be at most {size}, which is what one period has"
        )


def _integer(key: str, text: str, lowest: int, highest: int) -> int:
    if _NUMBER.fullmatch(text) is None or not lowest <= int(text) <= highest:
        raise _refusal(f"{key}={text}", f"must be a whole number from {lowest} to {highest:,}")
    return int(text)


def _integers(key: str, text: str | None) -> frozenset[int]:
    """Of the parts that may be negative, 0 is no number: they count from 1, or from the end."""
    if text is None:
        return frozenset()
    lowest, highest = _LISTS[key]
    found = frozenset(_integer(key, item, lowest, highest) for item in text.split(","))
    if lowest < 0 and 0 in found:
        raise _refusal(f"{key}={text}", "must not contain 0")
    return found


def _weekday_numbers(text: str | None) -> frozenset[WeekdayNumber]:
    return frozenset(_weekday_number(item) for item in text.split(",")) if text else frozenset()


def _weekday_number(item: str) -> WeekdayNumber:
    match = _WEEKDAY.fullmatch(item)
    ordinal = int(match[1] or 0) if match else 0
    if match is None or match[2] not in WEEKDAYS or (match[1] and not 1 <= abs(ordinal) <= 53):
        raise _refusal(f"BYDAY={item}", "must be a weekday such as MO, or 2MO, or -1FR")
    return ordinal, WEEKDAYS.index(match[2])


def _weekday(key: str, text: str) -> int:
    if text not in WEEKDAYS:
        raise _refusal(f"{key}={text}", f"must be one of {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(text)


def _moment(key: str, text: str) -> datetime:
    """Aware in the ``Z`` form, else naive; a date alone is its last second."""
    match = _MOMENT.fullmatch(text)
    if match is not None and int(match[1][:4]) >= EARLIEST_YEAR:
        written = match[1] + (match[2] or "235959")
        try:
            found = datetime.strptime(written, "%Y%m%d%H%M%S")  # noqa: DTZ007
        except ValueError:
            pass
        else:
            return found.replace(tzinfo=UTC) if match[3] else found
    raise _refusal(f"{key}={text}", "must be a time such as 20261130T090000, with or without a Z")


def _refusal(part: str | None, rule: str) -> Invalid:
    return Invalid(FIELD, part, rule)
