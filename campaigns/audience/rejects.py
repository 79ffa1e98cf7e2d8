"""The reject file of an import: which lines were left out, and why."""

from __future__ import annotations

from types import TracebackType
from typing import IO, Self

from campaigns.drafts import Draft


class RejectFile:
    """A CSV file of ``line,reason`` that appears under its name only when :meth:`keep` is called.

    An import that is refused leaves an earlier reject file as it was. Without a draft it only
    counts.
    """

    def __init__(self, draft: Draft | None) -> None:
        self._draft = draft
        self._file: IO[bytes] | None = None
        #: Lines added one by one.
        self.count = 0

    def __enter__(self) -> Self:
        if self._draft is not None:
            try:
                self._file = self._draft.file.open("wb")
            except OSError as error:
                raise self._draft.cannot_write(error) from None
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
            self._draft.drop()

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
        if self._draft is not None:
            self._draft.keep()
