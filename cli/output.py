"""What people see: tables and sentences that fit 80 columns, with and without a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from rich.console import Console
from rich.table import Table
from rich.text import Text

from campaigns.campaign import times


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``whole`` ones are never broken or cut: ids that people copy."""

    title: str
    align: Literal["left", "right"] = "left"
    whole: bool = False


def console(*, stderr: bool = False) -> Console:
    """Where people read; rich honours ``NO_COLOR`` and falls back to 80 columns by itself."""
    return Console(stderr=stderr, highlight=False, emoji=False, markup=False)


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> Table:
    """A table without lines, with its columns two blanks apart."""
    result = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    texts = [[cell(value) for value in row] for row in rows]
    for index, column in enumerate(columns):
        widths = (len(row[index]) for row in texts)
        result.add_column(
            column.title,
            justify=column.align,
            overflow="fold",
            no_wrap=column.whole,
            min_width=max(widths, default=0) if column.whole else None,
        )
    for row in texts:
        result.add_row(*map(Text, row))
    return result


def facts(pairs: Iterable[tuple[str, object]]) -> Table:
    """Names and values below each other; what has no value is left out."""
    result = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    result.add_column(no_wrap=True, style="bold")
    result.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None:
            result.add_row(Text(name), Text(cell(value)))
    return result


def text(value: str) -> Text:
    """A text of several lines, without control characters that steer a terminal."""
    return Text("\n".join(cell(line) for line in value.splitlines()))


def cell(value: object) -> str:
    """One value as people read it: times in UTC, numbers in groups of three."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return times.render(value)
    if isinstance(value, int):
        return f"{value:,}"
    # Names that others wrote must not steer a terminal.
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value)
    )


def without_secrets(url: str) -> str:
    """A URL as far as it can be shown: without its account, password and query."""
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(not a URL)"
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))


def write_json(value: object) -> None:
    """One JSON document on standard output, and nothing else."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def json_line(value: object) -> str:
    """``value`` as one line of JSON."""
    return json.dumps(plain(value), ensure_ascii=False)


def plain(value: object) -> Any:
    """``value`` in JSON's types; times as ``Y-m-d H:i:s`` in UTC, dates as ``Y-m-d``,
    spans in seconds.

    Raises:
        TypeError: there is no such form.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime):
        return times.render(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, Iterable):
        return [plain(entry) for entry in value]
    raise TypeError(f"{type(value).__name__} has no JSON form here")
