"""What the carrier got, read from its log while it writes."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

from cli.carrier.log import parse, received
from tests.chaos.judge import place


class Arrivals:
    """Messages by run and sequence, as their references tell; grows with each :meth:`read`.

    Several threads may use it.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = 0
        self._lock = threading.RLock()
        #: How often each sequence of a run arrived, by run.
        self.by_run: dict[int, Counter[int]] = {}
        self.total = 0

    def read(self) -> int:
        """Take in what was written since; returns how many messages there are by now."""
        with self._lock:
            for arrival in received(parse(self._lines())):
                run_id, seq = place(arrival)
                self.by_run.setdefault(run_id, Counter())[seq] += 1
                self.total += 1
            return self.total

    def start_anew(self) -> None:
        """Read what is left of a log that nobody writes any more, and remove it."""
        with self._lock:
            self.read()
            self._log.unlink()
            self._offset = 0

    def _lines(self) -> list[bytes]:
        """What was written since, up to the last end of a line."""
        if not self._log.exists():
            return []
        with self._log.open("rb") as file:
            file.seek(self._offset)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.splitlines(keepends=True)
