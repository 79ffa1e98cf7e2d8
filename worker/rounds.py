"""Something that is done again and again beside the loop, in a thread of its own.

Not by an executor: none takes anything more once the main thread has ended, but until the last
batch is done the loop goes on, and what it relies on has to.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import psycopg

from campaigns.errors import Unavailable

log = logging.getLogger(__name__)


class Rounds:
    """Does ``work`` every ``pause`` seconds until it is closed, whatever it raises."""

    def __init__(self, what: str, work: Callable[[], object], pause: float) -> None:
        """``what`` names it in the log."""
        self._what = what
        self._work = work
        self._pause = pause
        self._closed = threading.Event()
        threading.Thread(target=self._run, name=f"sluice-{what}", daemon=True).start()

    def close(self) -> None:
        """Begin no more rounds; one that has begun is not waited for."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._work()
            except (psycopg.Error, Unavailable) as error:
                log.warning("%s: not now (%s)", self._what, type(error).__name__)
            except Exception as error:
                # Or nobody would do it from now on.
                log.error("%s failed (%s)", self._what, type(error).__name__)
            self._closed.wait(self._pause)
