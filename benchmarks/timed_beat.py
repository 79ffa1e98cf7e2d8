"""Sluice's own beat, with a line in its log for the duration of each tick.

celery -A scheduler.app beat --scheduler benchmarks.timed_beat:TimedScheduler
"""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from scheduler.beat import TickScheduler

log = logging.getLogger(__name__)

_LINE = re.compile(r"a tick took (\S+) ms, (\S+) ms of CPU$", re.MULTILINE)


class TimedScheduler(TickScheduler):
    """Counts a tick from its begin to its last published message."""

    def tick(self, *args: Any, **options: Any) -> float:
        """Tick, and say how long it took."""
        begin, cpu = time.perf_counter(), time.process_time()
        pause = super().tick(*args, **options)
        took, used = time.perf_counter() - begin, time.process_time() - cpu
        # As a warning, because beat does not show less by itself.
        log.warning("a tick took %.2f ms, %.2f ms of CPU", took * 1000, used * 1000)
        return pause


def durations(log: str) -> list[float]:
    """The durations in a log, in milliseconds."""
    return [float(match[1]) for match in _LINE.finditer(log)]


def cpu_times(log: str) -> list[float]:
    """The CPU time that beat itself took for each, in milliseconds: other work on the machine
    hardly shows in it."""
    return [float(match[2]) for match in _LINE.finditer(log)]
