"""The journal of departures: which messages a process had let go when it died.

A worker commits that it will send a row before it sends it, and what came of it afterwards. Whoever
finds a row in between cannot tell from the ledger whether the request left. So each process notes
on its own machine, before a request leaves, which rows are departing; another process of the
machine reads what a dead one left (:mod:`worker.adoption`).

A journal is a folder named by a uuid, with a file ``lock`` that its process holds locked for life
(flock(2)): the kernel lets go of it at death, whatever kind of death it is, and keeps it for a
process that is only stopped. Beside it lies a file per batch under way (:mod:`worker.notes`); once
a batch has ended, its file serves the next one.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

from worker import notes as files
from worker.notes import Notes

log = logging.getLogger(__name__)

#: Name of the file that a living process holds locked in its folder.
LOCK = "lock"

#: Names of the files about batches.
PATTERN = "*.batch"


class Journal:
    """This process' own journal.

    Where no journal can be kept, because the folder cannot be written or the disk is full, that is
    said once, and a death leaves in doubt whatever was claimed.
    """

    def __init__(self, home: Path | None) -> None:
        """``home`` is the folder of all journals of this machine; ``None``: none is wanted."""
        self._home = home
        self._said = False
        self._lock: int | None = None
        self._folder: Path | None = None
        self._free: list[Notes] = []
        #: Notes about batches of which this process itself lost track.
        self._lost: deque[Notes] = deque()
        self._boot = files.boot_id()
        if home is None:
            return
        if self._boot is None:
            self._say("this system does not tell its boots apart")
            return
        try:
            self._folder, self._lock = _create(home)
        except OSError as error:
            self._say(error.strerror or type(error).__name__)

    @property
    def folder(self) -> Path | None:
        """Where it is; ``None``: nowhere."""
        return self._folder

    def begin(self, batch_id: int, token: UUID) -> Notes:
        """Notes about a batch that is about to be leased under ``token``."""
        notes = self._free.pop() if self._free else self._new()
        notes.begin(batch_id, token)
        return notes

    def end(self, notes: Notes) -> None:
        """The batch was handed back with all outcomes recorded, or was never ours."""
        notes.clear()
        if notes.path is not None:
            self._free.append(notes)

    def lose(self, notes: Notes) -> None:
        """The batch has ended, and the ledger may not say how: to be adopted like a dead one's."""
        if notes.path is not None:
            self._lost.append(notes)

    def next_lost(self) -> Notes | None:
        """One of those that were lost; the caller ends it, or loses it again."""
        return self._lost.popleft() if self._lost else None

    def close(self) -> None:
        """Let go of it; whatever is still noted is for others to adopt."""
        if self._folder is None or self._lock is None:
            return
        for notes in self._free:
            assert notes.path is not None
            with suppress(OSError):
                notes.path.unlink()
        self._free.clear()
        with suppress(OSError):
            remove(self._folder)
        os.close(self._lock)
        self._folder = self._lock = None

    def _new(self) -> Notes:
        if self._folder is not None and self._boot is not None:
            try:
                return files.create(self._folder / f"{uuid4()}.batch", self._boot)
            except OSError as error:
                self._say(error.strerror or type(error).__name__)
        return Notes(bytearray(files.SIZE))

    def _say(self, reason: str) -> None:
        if not self._said:
            log.warning(
                "no journal of departures can be kept in %s (%s): should this process be killed, "
                "whatever it had claimed is held as unknown",
                self._home,
                reason,
            )
            self._said = True


def lock(folder: Path) -> int | None:
    """Lock a journal: the descriptor that holds it; ``None`` while its process, or whoever adopts
    it, is alive.

    Raises:
        OSError: it is not there (any more), or cannot be locked at all.
    """
    path = folder / LOCK
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it before may have removed the file that was opened.
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except BlockingIOError:
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def remove(folder: Path) -> None:
    """Remove a journal that is locked by the caller and holds nothing any more.

    Raises:
        OSError: it does hold something.
    """
    if any(file.name != LOCK for file in folder.iterdir()):
        raise OSError(f"{folder} is not empty")
    (folder / LOCK).unlink()
    folder.rmdir()


def _create(home: Path) -> tuple[Path, int]:
    home.mkdir(parents=True, exist_ok=True)
    while True:
        folder = home / str(uuid4())
        folder.mkdir(0o700)
        # Somebody who adopts may find it before it is locked, and remove it.
        with suppress(FileNotFoundError):
            descriptor = lock(folder)
            if descriptor is not None:
                return folder, descriptor
