"""Reading what providers answer, whatever they answer: nothing here raises on bad input."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl

#: Longest id or code that is kept, here and in the ledger; a longer one is not one.
LONGEST_ID = 200

#: More than any report has.
_MOST_FIELDS = 200

_SECONDS = re.compile(r"[0-9]{1,9}")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def parse_json(body: bytes) -> Any:
    """The JSON value in ``body``, ``None`` if it is not JSON."""
    try:
        return json.loads(body)
    # Deep nesting ends in a RecursionError, everything else in a ValueError.
    except (ValueError, RecursionError):
        return None


def parse_form(body: bytes | str) -> list[tuple[str, str]]:
    """The fields of a form or a query, in order; what is none has none."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return []


def at_path(value: Any, path: str) -> Any:
    """What stands at ``path``, such as ``messages.0.id``; ``None`` if nothing does."""
    for step in path.split("."):
        match value:
            case dict():
                value = value.get(step)
            case list() if step.isdecimal() and int(step) < len(value):
                value = value[int(step)]
            case _:
                return None
    return value


def each_at_path(value: Any, path: str) -> list[Any]:
    """What stands at ``path``, in which ``*`` is every item of a list: ``messages.*.id``.

    An item without it counts as ``None``; there is nothing where there is no list.
    """
    steps = path.split(".")
    if "*" not in steps:
        return [at_path(value, path)]
    star = steps.index("*")
    items = at_path(value, ".".join(steps[:star])) if star else value
    if not isinstance(items, list):
        return []
    rest = ".".join(steps[star + 1 :])
    return [at_path(item, rest) if rest else item for item in items]


def identifier(value: Any) -> str | None:
    """An id as text: a JSON text or whole number of a sane length, else ``None``."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int) and abs(value) >= 10**LONGEST_ID:
        return None
    text = str(value)
    return text if 0 < len(text) <= LONGEST_ID and text.isprintable() else None


def short_code(value: Any) -> str | None:
    """A provider's error word, if it is one: no sentence, since those quote numbers and texts."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait out of the field ``Retry-After`` (RFC 9110, section 10.2.3).

    The field holds seconds or a date; a date that has passed means 0, anything else ``None``. A
    date is read by the provider's own clock, as its field ``Date`` shows it, and by ``now`` where
    it has none.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    until = _http_date(text)
    if until is None:
        return None
    return max((until - (_http_date(headers.get("date", "")) or now)).total_seconds(), 0.0)


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def milliseconds(value: Any) -> float | None:
    """Seconds out of a JSON number of milliseconds; ``None`` if it is not a sane one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value / 1000 if 0 <= value < 1e12 else None


def moment(value: Any) -> datetime | None:
    """A moment in ISO 8601 with an offset; ``None`` if it is not one."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return None if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def unix_moment(value: Any, units: int = 1) -> datetime | None:
    """A moment in seconds since 1970, or in ``units`` to the second, as a number or its digits.

    ``None`` if it is not one.
    """
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / units, UTC)
    except (ValueError, OverflowError, OSError):
        return None
