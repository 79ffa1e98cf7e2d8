"""The providers file as it is now: read again when it changes, while processes keep running."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from campaigns import providers
from campaigns.errors import ConfigurationError
from campaigns.providers import Providers

log = logging.getLogger(__name__)

#: How often the file is looked at, in seconds, however often it is asked for.
LOOK_EVERY = 0.5

#: A file that was written so little ago, in seconds, may not be complete: half of a providers file
#: can be a valid one with fewer accounts.
SETTLING = 0.2

#: Modification time, size and inode; ``None``: there is no file.
_Stamp = tuple[int, int, int] | None


class Watched:
    """The accounts of a providers file. May be asked by several threads.

    A faulty or vanished file changes nothing: the last good one counts until there is a better
    one, and the fault is logged once.

    Raises:
        ConfigurationError: the file is faulty when it is read for the first time.
    """

    def __init__(
        self,
        path: Path,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._monotonic = monotonic
        self._wall = wall
        self._lock = threading.Lock()
        self._seen = _stamp(path)
        self._current = providers.load(path)
        self._look_at = monotonic() + LOOK_EVERY

    def current(self) -> Providers:
        """The accounts as of :data:`LOOK_EVERY` seconds ago at most; the same object while the
        file stays as it is."""
        with self._lock:
            now = self._monotonic()
            if now >= self._look_at:
                self._look_at = now + LOOK_EVERY
                self._look()
            return self._current

    def _look(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._seen or _fresh(stamp, self._wall()):
            return
        self._seen = stamp
        try:
            found = self._load()
        except ConfigurationError as error:
            log.error("the providers stay as they were: %s", error)
            return
        changed = _changed(self._current, found)
        self._current = found
        log.info("%s was read again; changed: %s", self._path, ", ".join(changed) or "nothing")

    def _load(self) -> Providers:
        if self._seen is None:
            raise ConfigurationError(f"{self._path}: is gone.")
        return providers.load(self._path)


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _fresh(stamp: _Stamp, now: float) -> bool:
    return stamp is not None and 0 <= now - stamp[0] / 1e9 < SETTLING


def _changed(before: Providers, after: Providers) -> list[str]:
    """Names of the accounts that are new, gone or different."""
    names = {**before.by_name, **after.by_name}
    return [name for name in names if before.by_name.get(name) != after.by_name.get(name)]
