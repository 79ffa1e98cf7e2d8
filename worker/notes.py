"""The file in which a process notes what departs of one batch, and how it is read after its death.

It is of one size and mapped into memory. What is written there costs no system call and survives
the process in the page cache. It does not survive the machine, so the file names the boot that it
is valid in.

A file, in little-endian::

     0  8s   magic and version
     8  16s  boot id
    24  q    batch id
    32  16s  lease token
    48  i    losses of the batch's slices (campaigns/run/adoption.sql)
    52  i    messages in the batch
    56  i    state: free, leasing, covered, reading, unread
    64       records of 16 bytes: run id, a, b

A record is a stretch ``a <= seq < b`` of the batch's rows, or a departure of the row ``a``, with
``b == ~a``. Fields are written in this order and the state last, so that whatever a process was
writing when it died does not count: it had not acted on it yet.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

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

_FREE, _LEASING, _COVERED, _READING, _UNREAD = range(5)

#: States of notes about a batch, and those of them in which none of its rows is noted.
_UNDER_WAY = (_LEASING, _COVERED, _READING, _UNREAD)
_WITHOUT_ROWS = (_LEASING, _UNREAD)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

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
    #: It died before it could claim anything: in the lease, or over what the messages share.
    early: bool = False

    @property
    def losses_after(self) -> int:
        """How often its rows are lost after this; more than once only where it must be this one."""
        return self.losses + 1 if self.is_alone else 1

    @property
    def is_alone(self) -> bool:
        """Whether one row was sent by itself, because it is suspected."""
        return self.messages == 1 and self.losses > 0


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

    def cover(
        self,
        losses: int,
        messages: int,
        rows: Sequence[tuple[int, int, int]],
        *,
        reading: bool = False,
    ) -> None:
        """Before anything of it is claimed: its rows, as stretches (run id, first, one past).

        Just before: until then a death is the fault of what the messages share, for all one knows.
        ``reading``: what the messages share is not read yet, and this is called once more after it.
        """
        self._at = _RECORDS_AT
        if len(rows) + messages > CAPACITY:
            self._set_state(_FREE)
            return
        for stretch in rows:
            _pack_record(self._buffer, self._at, *stretch)
            self._at += _RECORD.size
        _LOSSES.pack_into(self._buffer, _LOSSES_AT, losses, messages)
        self._set_state(_READING if reading else _COVERED)

    def leave_unread(self) -> None:
        """Before the batch is handed back as it was leased: it is not what this process dies of."""
        self._set_state(_UNREAD)

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


def read(path: Path) -> Left | None:
    """What the notes in ``path`` say; ``None`` where they are about nothing, or of another boot.

    Raises:
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    if len(data) != SIZE:
        return None
    magic, boot, batch_id, token, losses, messages, state = _HEADER.unpack_from(data)
    if magic != _MAGIC or boot != boot_id() or state not in _UNDER_WAY:
        return None
    rows: set[tuple[int, int]] = set()
    departed: set[tuple[int, int]] = set()
    if state not in _WITHOUT_ROWS:
        for run_id, a, b in _RECORD.iter_unpack(data[_RECORDS_AT:]):
            if b == ~a:
                departed.add((run_id, a))
            elif 0 <= a < b <= a + CAPACITY:
                rows.update((run_id, seq) for seq in range(a, b))
    early = state in (_LEASING, _READING)
    if state in _WITHOUT_ROWS:
        # What stands there is of the batch before.
        losses = messages = 0
    return Left(
        batch_id,
        UUID(bytes=token),
        losses,
        messages,
        frozenset(rows),
        frozenset(departed),
        early,
    )


def boot_id() -> bytes | None:
    """Names the present boot of the machine, in any container (proc_sys_kernel(5))."""
    try:
        return UUID(_BOOT_ID.read_text("ascii").strip()).bytes
    except (OSError, ValueError):
        return None


def create(path: Path, boot: bytes) -> Notes:
    """A new file for notes about one batch after the other.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
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
