"""CSV that is safe to open in a spreadsheet.

A cell that begins with ``=``, ``+``, ``-``, ``@``, TAB or CR is a formula to a spreadsheet (OWASP,
"CSV Injection"), and an address or an error code is somebody else's text. Such a cell gets a
leading apostrophe, except where it is a plain whole number such as the chat id ``-1001234``, which
no spreadsheet takes for anything else.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_WHOLE_NUMBER = re.compile(r"-[0-9]+")


def safe_cell(value: object) -> str:
    """``value`` as a cell that stays text or number; nothing where there is no value.

    Truth is ``yes`` or ``no``, and what is several is one text with blanks between.
    """
    text = _text(value)
    if text.startswith(_FORMULA_STARTS) and not _WHOLE_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return " ".join(map(str, value))
        case _:
            return str(value)


def write(stream: TextIO, header: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write header and rows (RFC 4180) and return the number of rows."""
    writer = csv.writer(stream)
    writer.writerow(header)
    count = 0
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
        count += 1
    return count
