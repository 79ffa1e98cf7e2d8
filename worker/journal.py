"""The journal of departures: which messages a process had let go when it died.

A worker commits that it will send a row before it sends it, and what came of it afterwards. Whoever
finds a row in between cannot tell from the ledger whether the request left. So each process notes
on its own machine, before a request leaves, which rows are departing; another process of the
machine reads what a dead one left (:mod:`worker.adoption`).

A journal is a folder named by a uuid, with a file ``lock`` that its process holds locked for life
(flock(2)): the kernel lets go of it at death, whatever kind of death it is, and keeps it for a
process that is only stopped. Beside it lies a file per batch under way, of one size and mapped into
memory; once a batch has ended, its file serves the next one. What is written there costs no system
call and survives the process in the page cache. It does not survive the machine, so the file names
the boot that it is valid in.

A file, in little-endian::

     0  8s   magic and version
     8  16s  boot id
    24  q    batch id
    32  16s  lease token
    48  i    losses of the batch's slices (campaigns/run/adoption.sql)
    52  i    messages in the batch
    56  i    state: free, leasing, covered
    64       records of 16 bytes: run id, a, b

A record is a stretch ``a <= seq < b`` of the batch's rows, or a departure of the row ``a``, with
``b == ~a``. Fields are written in this order and the state last, so that whatever a process was
writing when it died does not count: it had not acted on it yet.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import struct
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

log = logging.getLogger(__name__)

_MAGIC = b"SLUICE\x00\x01"
_HEADER = struct.Struct("<8s16sq16siii")
_BATCH = struct.Struct("<q16s")
_BATCH_AT = 24
_LOSSES = struct.Struct("<ii")
_LOSSES_AT = 48
_STATE = struct.Struct("<i")
_STATE_AT = 56
_RECORD = struct.Struct("<qii")
_RECORDS_AT = 64

#: Records in a file: up to 500 stretches and as many departures. A batch that needs more has no
#: journal.
CAPACITY = 1024

#: Bytes of a file.
SIZE = _RECORDS_AT + CAPACITY * _RECORD.size

_FREE, _LEASING, _COVERED = range(3)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

#: Name of the file that a living process holds locked in its folder.
LOCK = "lock"

#: Names of the files about batches.
PATTERN = "*.batch"

_pack_record = _RECORD.pack_into


@dataclass(frozen=True, slots=True)
class Left:
    """What a process left of one batch."""

    batch_id: int
    token: UUID
    #: How often the batch's rows were lost before, and how many it had.
    losses: int
    messages: int
    #: Its rows as (run id, seq); none where nothing can have been claimed yet.
    rows: frozenset[tuple[int, int]]
    #: Those whose request may have left.
    departed: frozenset[tuple[int, int]]


class Notes:
    """The notes about one batch at a time, in a file or, where there is none, for nobody."""

    def __init__(self, buffer: mmap.mmap | bytearray, path: Path | None = None) -> None:
        self._buffer = buffer
        self.path = path
        self._at = _RECORDS_AT

    def begin(self, batch_id: int, token: UUID) -> None:
        """Before the batch is leased."""
        _BATCH.pack_into(self._buffer, _BATCH_AT, batch_id, token.bytes)
        self._set_state(_LEASING)

    def cover(self, losses: int, messages: int, rows: Sequence[tuple[int, int, int]]) -> None:
        """Before anything of it is claimed: its rows, as stretches (run id, first, one past)."""
        if len(rows) + messages > CAPACITY:
            self._set_state(_FREE)
            return
        for stretch in rows:
            _pack_record(self._buffer, self._at, *stretch)
            self._at += _RECORD.size
        _LOSSES.pack_into(self._buffer, _LOSSES_AT, losses, messages)
        self._set_state(_COVERED)

    def departing(self, run_id: int, seq: int) -> None:
        """Before the row's request leaves."""
        at = self._at
        if at == SIZE:
            # Never reached by what was covered. What is not known to have stayed may have left.
            self._set_state(_FREE)
            return
        self._at = at + _RECORD.size
        _pack_record(self._buffer, at, run_id, seq, ~seq)

    def clear(self) -> None:
        """Forget the batch."""
        self._set_state(_FREE)
        self._buffer[_RECORDS_AT : self._at] = bytes(self._at - _RECORDS_AT)
        self._at = _RECORDS_AT

    def _set_state(self, state: int) -> None:
        _STATE.pack_into(self._buffer, _STATE_AT, state)


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
        self._boot = boot_id()
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
                return _open_notes(self._folder / f"{uuid4()}.batch", self._boot)
            except OSError as error:
                self._say(error.strerror or type(error).__name__)
        return Notes(bytearray(SIZE))

    def _say(self, reason: str) -> None:
        if not self._said:
            log.warning(
                "no journal of departures can be kept in %s (%s): should this process be killed, "
                "whatever it had claimed is held as unknown",
                self._home,
                reason,
            )
            self._said = True


def boot_id() -> bytes | None:
    """Names the present boot of the machine, in any container (proc_sys_kernel(5))."""
    try:
        return UUID(_BOOT_ID.read_text("ascii").strip()).bytes
    except (OSError, ValueError):
        return None


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


def read(path: Path) -> Left | None:
    """What the notes in ``path`` say; ``None`` where they are about nothing, or of another boot.

    Raises:
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    if len(data) != SIZE:
        return None
    magic, boot, batch_id, token, losses, messages, state = _HEADER.unpack_from(data)
    if magic != _MAGIC or boot != boot_id() or state not in (_LEASING, _COVERED):
        return None
    rows: set[tuple[int, int]] = set()
    departed: set[tuple[int, int]] = set()
    if state == _COVERED:
        for run_id, a, b in _RECORD.iter_unpack(data[_RECORDS_AT:]):
            if b == ~a:
                departed.add((run_id, a))
            elif 0 <= a < b <= a + CAPACITY:
                rows.update((run_id, seq) for seq in range(a, b))
    return Left(batch_id, UUID(bytes=token), losses, messages, frozenset(rows), frozenset(departed))


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


def _open_notes(path: Path, boot: bytes) -> Notes:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        # With its blocks, or a full disk would show up as a signal in the middle of a store.
        os.posix_fallocate(descriptor, 0, SIZE)
        buffer = mmap.mmap(descriptor, SIZE)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    _HEADER.pack_into(buffer, 0, _MAGIC, boot, 0, bytes(16), 0, 0, _FREE)
    return Notes(buffer, path)
