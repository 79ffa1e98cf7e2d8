"""Moments in the forms that providers write them in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator

from worker.adapters.reply import identifier, moment, unix_moment

_UNITS = {"unix": 1, "unix_ms": 1000}


def _format(text: str) -> str:
    if text != "iso" and text not in _UNITS and "%" not in text:
        raise ValueError("must be 'iso', 'unix', 'unix_ms', or a pattern such as '%Y-%m-%d %H:%M'")
    return text


#: ``iso`` (ISO 8601 with an offset), ``unix`` and ``unix_ms`` (since 1970), or a pattern of
#: strftime, in UTC unless the pattern has an offset.
TimeFormat = Annotated[str, AfterValidator(_format)]


def write_moment(at: datetime, form: str) -> str | int:
    """``at`` in the form."""
    if form == "iso":
        return at.astimezone(UTC).isoformat(timespec="seconds")
    if form in _UNITS:
        return int(at.timestamp() * _UNITS[form])
    return at.astimezone(UTC).strftime(form)


def read_moment(value: Any, form: str) -> datetime | None:
    """The moment that ``value`` is in the form; ``None`` if it is none."""
    if form in _UNITS:
        return unix_moment(value, _UNITS[form])
    if form == "iso":
        # In a query a plus that was not escaped reads as a space.
        return moment(value) or (moment(value.replace(" ", "+")) if _is_text(value) else None)
    text = identifier(value)
    if text is None:
        return None
    try:
        found = datetime.strptime(text, form)  # noqa: DTZ007
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
