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
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

log = logging.getLogger(__name__)

#: The parts of the time after which providers are no longer waited for, and after which the process
#: ends by force.
BREAK_OFF, FORCE = 0.75, 0.95

#: The exit code of a process that had to be ended by force.
FORCED = 1


class Drain:
    """Watches over the end of this process, which takes at most ``seconds``."""

    def __init__(
        self, seconds: float, begun: Callable[[], None], break_off: Callable[[float], None]
    ) -> None:
        """``begun`` is called as soon as the process was told to end, ``break_off`` with how many
        seconds are left after it; both in a thread of their own."""
        self._seconds = seconds
        self._begun = begun
        self._break_off = break_off
        # Locks and events are no good inside signal handlers: the second signal interrupts the
        # first one's handler, and would wait for ever for what that one holds. This is made for it.
        self._told: SimpleQueue[bool] = SimpleQueue()
        # Begun before it is needed: a signal handler must not start a thread, since the signal may
        # have come while one is being started.
        threading.Thread(target=self._watch, name="sluice-drain", daemon=True).start()

    def begin(self, *, hurry: bool = False) -> None:
        """The process was told to end; ``hurry``: without waiting for providers.

        May be called inside signal handlers, and again.
        """
        self._told.put(hurry)

    def _watch(self) -> None:
        hurry = self._told.get()
        self._begun()
        until = time.monotonic() + self._seconds * BREAK_OFF
        with suppress(Empty):
            while not hurry:
                hurry = self._told.get(timeout=max(until - time.monotonic(), 0.0))
        left = self._seconds * (FORCE - BREAK_OFF)
        self._break_off(left)
        # The process ends while this waits, or not at all.
        threading.Event().wait(left)
        log.error("something hangs: ending by force, what is not recorded is left to its lease")
        os._exit(FORCED)
