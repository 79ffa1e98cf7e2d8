"""The end of a worker process takes no longer than it may, whatever hangs.

A process that is told to end claims nothing more and waits for what is under way. After three
quarters of its time it stops waiting for providers, and records what they did not answer as
unknown. Should something hang even then, such as the database, the process ends all the same, and
the end of its leases decides about what it could not record.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

#: The parts of the time after which providers are no longer waited for, and after which the process
#: ends by force.
BREAK_OFF, FORCE = 0.75, 0.95

#: The exit code of a process that had to be ended by force.
FORCED = 1


class Drain:
    """Watches over the end of this process, which takes at most ``seconds``."""

    def __init__(self, seconds: float, break_off: Callable[[float], None]) -> None:
        """``break_off`` is told how many seconds are left after it."""
        self._seconds = seconds
        self._break_off = break_off
        self._begun = threading.Event()
        self._hurried = threading.Event()
        # Begun before it is needed: a signal handler must not start a thread, since the signal may
        # have come while one is being started.
        threading.Thread(target=self._watch, name="sluice-drain", daemon=True).start()

    def begin(self, *, hurry: bool = False) -> None:
        """The process was told to end; ``hurry``: without waiting for providers."""
        if hurry:
            self._hurried.set()
        self._begun.set()

    def _watch(self) -> None:
        self._begun.wait()
        self._hurried.wait(self._seconds * BREAK_OFF)
        left = self._seconds * (FORCE - BREAK_OFF)
        self._break_off(left)
        # The process ends while this waits, or not at all.
        threading.Event().wait(left)
        log.error("something hangs: ending by force, what is not recorded is left to its lease")
        os._exit(FORCED)
