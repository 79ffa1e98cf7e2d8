"""Sluice's own beat, with a line in its log for the duration of each tick.

celery -A scheduler.app beat --scheduler benchmarks.timed_beat:TimedScheduler
"""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from scheduler.beat import Ticker, TickScheduler

log = logging.getLogger(__name__)

_LINE = re.compile(
    r"a tick took (\S+) ms, (\S+) ms of CPU, and (\S+) ms of clearing up after it$", re.MULTILINE
)


class TimedScheduler(TickScheduler):
    """Counts a tick from its begin to its last published message."""

    _took = 0.0
    _used = 0.0

    def step(self, ticker: Ticker) -> None:
        """Step, and remember how long it took."""
        begin, cpu = time.perf_counter(), time.process_time()
        super().step(ticker)
        self._took, self._used = time.perf_counter() - begin, time.process_time() - cpu

    def tick(self, *args: Any, **options: Any) -> float:
        """Tick, and say how long it took."""
        begin = time.perf_counter()
        pause = super().tick(*args, **options)
        after = time.perf_counter() - begin - self._took
        # As a warning, because beat does not show less by itself.
        log.warning(
            "a tick took %.2f ms, %.2f ms of CPU, and %.2f ms of clearing up after it",
            *(seconds * 1000 for seconds in (self._took, self._used, after)),
        )
        return pause


def durations(log: str) -> list[float]:
    """The durations in a log, in milliseconds."""
    return [float(match[1]) for match in _LINE.finditer(log)]


def cpu_times(log: str) -> list[float]:
    """The CPU time that beat itself took for each, in milliseconds: other work on the machine
    hardly shows in it."""
    return [float(match[2]) for match in _LINE.finditer(log)]


def clearing_times(log: str) -> list[float]:
    """What collecting garbage took after each, in milliseconds. Nothing waits for it."""
    return [float(match[3]) for match in _LINE.finditer(log)]
