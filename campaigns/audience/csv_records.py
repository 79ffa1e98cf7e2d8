"""Records of a CSV file, with physical line numbers, in bounded memory whatever the file holds.

RFC 4180: a field may be quoted, and a quoted field may hold line ends. A line that cannot be read
is reported and skipped, and reading goes on with the next physical line, so that one stray
quotation mark does not swallow the lines after it.
"""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from campaigns.errors import Invalid

#: Longest physical line in bytes, and longest record of several lines in characters.
LONGEST_LINE = 1 << 20

#: What every supported encoding must read as ASCII does: addresses, delimiters and line ends. The
#: escapes at its end tell Python's own notations from encodings of files.
_PLAIN = bytes({*range(0x20, 0x7F)} - {*b"\\"}) + b"\t\r\n" + rb"\u0041.xn--ls8h."

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Record(NamedTuple):
    """The cells of one record. ``line`` is the physical line it begins on, counted from 1."""

    line: int
    cells: list[str]


class BadLine(NamedTuple):
    """A line that is no part of a readable record, and why. The reason shows none of it."""

    line: int
    reason: str


class _Line(NamedTuple):
    number: int
    text: str
    fault: str | None


class _UnreadableError(Exception):
    """The record under way cannot be completed."""


class Lines:
    """The physical lines of a file, decoded one by one.

    Iterating feeds ``csv.reader``; the lines it took for the record under way can be given back.
    """

    def __init__(self, file: BinaryIO, name: str, encoding: str) -> None:
        self._file = file
        self._name = name
        self._encoding = checked_encoding(encoding)
        self._number = 0
        self._given_back: deque[_Line] = deque()
        self._size = 0
        self.bytes_read = 0
        #: Lines of the record under way.
        self.taken: list[_Line] = []
        self._skip_bom()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else self._read()
        self.taken.append(line)
        self._size += len(line.text)
        if line.fault is not None:
            raise _UnreadableError
        if self._size > LONGEST_LINE:
            raise _UnreadableError(f"begins a record of more than {LONGEST_LINE} characters")
        return line.text

    def begin_record(self) -> None:
        """The lines taken so far were used; a new record begins."""
        self.taken = []
        self._size = 0

    def give_back(self, count: int) -> None:
        """The last ``count`` lines taken are read again."""
        if count:
            self._given_back.extendleft(reversed(self.taken[-count:]))

    def _read(self) -> _Line:
        start = self.bytes_read
        raw = self._file.readline(LONGEST_LINE + 1)
        if not raw:
            raise StopIteration
        self._number += 1
        self.bytes_read += len(raw)
        if len(raw) > LONGEST_LINE and not raw.endswith(b"\n"):
            self._skip_rest_of_line()
            return _Line(self._number, "", f"is longer than {LONGEST_LINE} bytes")
        if b"\0" in raw:
            return _Line(self._number, "", "contains NUL bytes")
        try:
            return _Line(self._number, raw.decode(self._encoding), None)
        except UnicodeDecodeError as error:
            raise Invalid(
                "file",
                self._name,
                f"is not {self._encoding}: line {self._number} cannot be decoded at byte "
                f"{start + error.start} of the file; name its encoding, for example cp1252",
            ) from None

    def _skip_rest_of_line(self) -> None:
        while raw := self._file.readline(LONGEST_LINE):
            self.bytes_read += len(raw)
            if raw.endswith(b"\n"):
                return

    def _skip_bom(self) -> None:
        start = self._file.read(len(codecs.BOM_UTF8))
        if start.startswith(_UTF16):
            raise Invalid("file", self._name, "is UTF-16; save it as UTF-8")
        if start == codecs.BOM_UTF8 and self._encoding == "utf-8":
            self.bytes_read = len(start)
        else:
            self._file.seek(0)


def first_line(lines: Lines) -> str | None:
    """The first line that is not blank, left in place; ``None`` in an empty file.

    Raises:
        Invalid: it cannot be the header of a CSV file.
    """
    lines.begin_record()
    for text in _until_unreadable(lines):
        if text.strip():
            if "\r" in text.rstrip("\r\n"):
                raise Invalid(
                    "file", None, "has lines that end in CR alone; save it with LF or CRLF"
                )
            lines.give_back(1)
            return text
        lines.begin_record()
    if lines.taken:
        bad = lines.taken[-1]
        raise Invalid("file", None, f"line {bad.number}, the header, {bad.fault}")
    return None


def records(lines: Lines, delimiter: str) -> Iterator[Record | BadLine]:
    """The records of a file and the lines that are none, in order; blank lines are left out.

    Raises:
        Invalid: the file is not in its encoding.
    """
    # Strict: text after a closing quotation mark, and a quoted field without an end, are errors.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (_UnreadableError, csv.Error) as error:
            first, *others = lines.taken
            lines.give_back(len(others))
            yield BadLine(first.number, first.fault or _reason(error, bool(others)))
            continue
        if cells:
            yield Record(lines.taken[0].number, cells)


def checked_encoding(name: str) -> str:
    """The encoding under its canonical name.

    Raises:
        Invalid: Python does not know it, or it is no superset of ASCII.
    """
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)
    except (LookupError, ValueError):
        raise Invalid("encoding", name, "is not a known text encoding") from None
    try:
        if _PLAIN.decode(codec) == _PLAIN.decode("ascii"):
            return codec
    except ValueError:
        pass
    raise Invalid("encoding", name, "is not supported; save the file as UTF-8")


def open_file(path: Path) -> BinaryIO:
    """The file, opened for reading.

    Raises:
        Invalid: it cannot be read or is not a regular file.
    """
    if path.exists() and not path.is_file():
        raise Invalid("file", path.name, "is not a regular file")
    try:
        return path.open("rb")
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise Invalid("file", path.name, f"cannot be read: {reason}") from None


def _until_unreadable(lines: Lines) -> Iterator[str]:
    try:
        yield from lines
    except _UnreadableError:
        return


def _reason(error: Exception, several_lines: bool) -> str:
    text = str(error)
    if isinstance(error, _UnreadableError) and text:
        return text
    if "expected after" in text and not several_lines:
        return "has text after a closing quotation mark"
    if "new-line character" in text:
        return "has a carriage return in the middle"
    if "field limit" in text and not several_lines:
        return f"has a field of more than {csv.field_size_limit()} characters"
    return "opens a quotation mark that is not closed properly"
