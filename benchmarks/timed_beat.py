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

_LINE = re.compile(r"a tick took (\S+) ms$", re.MULTILINE)


class TimedScheduler(TickScheduler):
    """Counts a tick from its begin to its last published message."""

    def tick(self, *args: Any, **options: Any) -> float:
        """Tick, and say how long it took."""
        begin = time.perf_counter()
        pause = super().tick(*args, **options)
        # As a warning, because beat does not show less by itself.
        log.warning("a tick took %.2f ms", (time.perf_counter() - begin) * 1000)
        return pause


def durations(log: str) -> list[float]:
    """The durations in a log, in milliseconds."""
    return [float(match[1]) for match in _LINE.finditer(log)]
