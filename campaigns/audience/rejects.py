"""The reject file of an import: which lines were left out, and why."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import IO, Self

from campaigns.errors import Invalid


class RejectFile:
    """A CSV file of ``line,reason`` that appears under its name only when :meth:`keep` is called.

    Until then it stands beside it under another name, so that an import that is refused leaves an
    earlier reject file as it was. Without a path it only counts.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._draft = path.with_name(path.name + ".part") if path else None
        self._file: IO[bytes] | None = None
        #: Lines added one by one.
        self.count = 0

    def __enter__(self) -> Self:
        if self._draft is not None:
            try:
                self._file = self._draft.open("wb")
            except OSError as error:
                reason = (error.strerror or "unknown reason").lower()
                raise Invalid("rejects", str(self._path), f"cannot be written: {reason}") from None
            self._file.write(b"line,reason\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None and self._draft is not None:
            self._file.close()
            self._draft.unlink(missing_ok=True)

    def add(self, line: int, reason: str) -> None:
        """Note one line. The reason holds none of the line's content."""
        self.count += 1
        if self._file is not None:
            quoted = reason.replace('"', '""')
            self._file.write(f'{line},"{quoted}"\n'.encode())

    def add_block(self, block: bytes) -> None:
        """Append lines that are CSV already; they are not counted."""
        if self._file is not None:
            self._file.write(block)

    def complete(self) -> None:
        """Nothing more will be added. A full disk shows here, before anything is stored."""
        if self._file is not None:
            self._file.close()

    def keep(self) -> None:
        """Put the completed file under its name, in place of an earlier one."""
        if self._draft is not None and self._path is not None:
            self._draft.replace(self._path)
