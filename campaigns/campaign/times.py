"""Points in time as they are written in requests: read any of three forms, write one.

    2026-11-25 15:25:00          UTC (Passona, HORISEN)
    2026-11-25T16:25:00+01:00    ISO 8601 with an offset or Z
    1795620300                   Unix time in seconds, as a number or as digits (Callback API)

A time without an offset is UTC, with a ``T`` in the middle too: nothing ever depends on the clock
settings of the machine that reads it. The exceptions of a recurrence rule are the one place where
such a time is local, to the campaign's own time zone (RFC 5545, section 3.3.5). Campaigns are
planned in whole seconds, so a fraction of a second is cut off.

Pure: no clock, no I/O.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from campaigns.schedule.local import to_utc

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

FORM = (
    "must be a time such as '2026-11-25 15:25:00' (UTC), ISO 8601 with an offset, "
    "or Unix time in seconds"
)
LOCAL_FORM = (
    "must be a time such as '2026-11-25 15:25:00' (local to the campaign's time zone), ISO 8601 "
    "with an offset, or Unix time in seconds"
)
RANGE = "must lie between the years 2000 and 2100 (Unix time is counted in seconds)"

_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DIGITS = re.compile(r"[0-9]{1,20}")


def parse(value: object) -> datetime:
    """The moment that ``value`` names, in UTC and whole seconds.

    An aware ``datetime`` is taken as it is.

    Raises:
        ValueError: ``value`` has none of the three forms (:data:`FORM`), or lies outside of
            :data:`EARLIEST` to :data:`LATEST` (:data:`RANGE`). Unix milliseconds lie far outside,
            and so are refused rather than misread.
    """
    moment = _read(value)
    if not EARLIEST <= moment <= LATEST:
        raise ValueError(RANGE)
    return moment.replace(microsecond=0)


def parse_local(value: object, zone: str) -> datetime:
    """Like :func:`parse`, but a time without an offset is local to ``zone``.

    One that does not exist there, because clocks go forward over it, means the first valid instant
    after it; of two readings, where clocks go back, the first counts.

    Raises:
        ValueError: like :func:`parse`, with :data:`LOCAL_FORM`.
    """
    try:
        moment = parse(value)
    except ValueError as error:
        raise ValueError(LOCAL_FORM if str(error) == FORM else str(error)) from None
    match = _ISO.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[3]:
        return moment
    return to_utc(moment.replace(tzinfo=None), zone)


def render(moment: datetime) -> str:
    """``moment`` as ``Y-m-d H:i:s`` in UTC, the form of every answer."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _read(value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, int) and not isinstance(value, bool):
        return _from_unix(value)
    if isinstance(value, str):
        text = value.strip()
        if _DIGITS.fullmatch(text):
            return _from_unix(int(text))
        if match := _ISO.fullmatch(text):
            return _from_iso(*match.groups())
    raise ValueError(FORM)


def _from_unix(seconds: int) -> datetime:
    if not EARLIEST.timestamp() <= seconds <= LATEST.timestamp():
        raise ValueError(RANGE)
    return datetime.fromtimestamp(seconds, UTC)


def _from_iso(date: str, time: str, offset: str | None) -> datetime:
    if not EARLIEST.year <= int(date[:4]) <= LATEST.year:
        raise ValueError(RANGE)
    try:
        return datetime.fromisoformat(f"{date}T{time}{offset or 'Z'}").astimezone(UTC)
    except ValueError:
        raise ValueError(FORM) from None
