"""Arrays as PostgreSQL reads them (documentation, section 8.15.6), for statements with many rows.

psycopg adapts a list value by value, which takes the send path as long as the statement takes the
server.
"""

from __future__ import annotations

from collections.abc import Iterable


def numbers(values: Iterable[int]) -> str:
    """An array of integers."""
    return f"{{{','.join(map(str, values))}}}"


def truths(values: Iterable[bool]) -> str:
    """An array of booleans."""
    return f"{{{','.join(['t' if value else 'f' for value in values])}}}"


def texts(values: Iterable[str | None]) -> str:
    """An array of texts, whatever they hold; NULL for ``None``."""
    return f"{{{','.join(['NULL' if value is None else _quoted(value) for value in values])}}}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
