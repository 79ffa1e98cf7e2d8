"""The log as the carrier writes it: buffered, but on its way to the file within 100 ms.

A flush hands the lines to the operating system, so they outlive the process, not a power cut.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

from campaigns.errors import ConfigurationError
from cli.carrier.core import LARGEST_BODY
from cli.carrier.log import LINE_START

_FLUSH_SECONDS = 0.05
_FLUSH_BYTES = 1_000_000
_READ_BYTES = 262_144

#: JSON in ASCII needs at most six bytes for one of a request.
_LONGEST_LINE = 6 * LARGEST_BODY + 1000


class Journal:
    """An open log, written from within one event loop.

    ``limit`` is the number of lines it takes, ``None`` for any. When a flush fails the log is not
    exact any more: ``failure`` says why, and ``on_failure`` is called.
    """

    def __init__(self, file: FileIO, *, limit: int | None) -> None:
        self.failure: OSError | None = None
        self.on_failure: Callable[[], None] | None = None
        self._file = file
        self._limit = limit
        self._lines: list[bytes] = []
        self._bytes = 0
        self._taken = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, line: bytes) -> None:
        """Take one line."""
        if self._limit is not None and self._taken >= self._limit:
            return
        self._taken += 1
        self._lines.append(line)
        self._bytes += len(line)
        if self._bytes >= _FLUSH_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Hand everything to the operating system."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._lines or self.failure is not None:
            return
        content = b"".join(self._lines)
        self._lines.clear()
        self._bytes = 0
        try:
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            self.failure = error
            if self.on_failure is not None:
                self.on_failure()

    def clear(self) -> None:
        """Empty the log, the file too."""
        self.flush()
        self._file.truncate(0)
        self._taken = 0

    def chunks(self) -> Iterator[bytes]:
        """The log as it stands now, in pieces."""
        self.flush()
        descriptor = self._file.fileno()
        offset, end = 0, os.fstat(descriptor).st_size
        while offset < end:
            piece = os.pread(descriptor, min(_READ_BYTES, end - offset), offset)
            if not piece:
                return
            offset += len(piece)
            yield piece


def open_file(path: Path | None) -> FileIO:
    """The file of a log, ready for more lines; ``None``: one that vanishes with the process.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    if path is None:
        return tempfile.TemporaryFile("a+b", buffering=0, prefix="carrier-")
    try:
        file = path.open("a+b", buffering=0)
        _cut_torn_line(path, file)
    except OSError as error:
        raise ConfigurationError(
            f"--log {path}: cannot be written ({error.strerror}); name a file that can be."
        ) from None
    return file


def _cut_torn_line(path: Path, file: FileIO) -> None:
    """Remove what a killed carrier left of its last line, so that the next one stands alone."""
    size = file.seek(0, os.SEEK_END)
    begin = max(size - _LONGEST_LINE, 0)
    tail = os.pread(file.fileno(), size - begin, begin)
    torn = tail[tail.rfind(b"\n") + 1 :]
    head = os.pread(file.fileno(), len(LINE_START), 0)
    if not all(LINE_START.startswith(piece[: len(LINE_START)]) for piece in (head, torn)):
        raise ConfigurationError(f"--log {path}: is another kind of file; name a new one.")
    if torn:
        file.truncate(size - len(torn))
