"""What a process notes, and what is left of it after any kind of death."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.support.waiting import eventually
from worker import journal, notes
from worker.journal import Journal
from worker.notes import CAPACITY, SIZE, Left, Notes

TOKEN = UUID(int=7)


@pytest.fixture
def own(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "departures")


def file(noted: Notes) -> Path:
    assert noted.path is not None
    return noted.path


def covered(own: Journal) -> Notes:
    """Notes about rows 10 to 19 of run 1 and row 3 of run 2."""
    noted = own.begin(5, TOKEN)
    noted.cover(2, 11, [(1, 10, 20), (2, 3, 4)])
    return noted


def test_what_was_noted_is_read(own: Journal) -> None:
    noted = covered(own)
    noted.departing(1, 10)
    noted.departing(2, 3)
    rows = frozenset({*((1, seq) for seq in range(10, 20)), (2, 3)})
    expected = Left(5, TOKEN, 2, 11, rows, frozenset({(1, 10), (2, 3)}))
    assert notes.read(file(noted)) == expected


def test_before_its_rows_are_known_nothing_can_have_been_claimed(own: Journal) -> None:
    noted = own.begin(5, TOKEN)
    assert notes.read(file(noted)) == Left(5, TOKEN, 0, 0, frozenset(), frozenset(), early=True)


def test_of_a_suspected_batch_the_rows_are_known_before_anything_else_is_read(own: Journal) -> None:
    noted = own.begin(5, TOKEN)
    noted.cover(2, 1, [(1, 10, 11)], reading=True)
    early = Left(5, TOKEN, 2, 1, frozenset({(1, 10)}), frozenset(), early=True)
    assert notes.read(file(noted)) == early
    noted.cover(2, 1, [(1, 10, 11)])
    noted.departing(1, 10)
    later = Left(5, TOKEN, 2, 1, early.rows, departed=early.rows)
    assert notes.read(file(noted)) == later


def test_what_stands_there_of_the_batch_before_says_nothing_of_the_next(own: Journal) -> None:
    own.end(covered(own))
    noted = own.begin(6, TOKEN)
    assert notes.read(file(noted)) == Left(6, TOKEN, 0, 0, frozenset(), frozenset(), early=True)


def test_what_has_ended_is_gone_and_its_file_serves_the_next_batch(own: Journal) -> None:
    noted = covered(own)
    noted.departing(1, 10)
    path = file(noted)
    own.end(noted)
    assert notes.read(path) is None
    again = own.begin(6, TOKEN)
    again.cover(0, 1, [(3, 0, 1)])
    assert again.path == path
    assert notes.read(path) == Left(6, TOKEN, 0, 1, frozenset({(3, 0)}), frozenset())


@pytest.mark.parametrize("size", [0, 1, 63, 64, SIZE - 1, SIZE + 1])
def test_a_file_of_another_size_says_nothing(own: Journal, size: int) -> None:
    noted = covered(own)
    os.truncate(file(noted), size)
    assert notes.read(file(noted)) is None


def test_garbage_says_nothing(own: Journal) -> None:
    path = file(covered(own))
    path.write_bytes(os.urandom(SIZE))
    assert notes.read(path) is None
    path.write_bytes(bytes(SIZE))
    assert notes.read(path) is None


def test_another_boot_says_nothing(own: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was in memory when the machine went down is not in the file."""
    path = file(covered(own))
    monkeypatch.setattr(notes, "boot_id", lambda: uuid4().bytes)
    assert notes.read(path) is None


@pytest.mark.parametrize("cut", range(1, 16))
def test_a_departure_that_is_not_whole_did_not_take_place(own: Journal, cut: int) -> None:
    """It is noted before the request leaves: who died while noting it had not sent it."""
    noted = covered(own)
    noted.departing(1, 10)
    noted.departing(1, 0x01020304)
    data = bytearray(file(noted).read_bytes())
    last = 64 + 3 * 16
    data[last + cut : last + 16] = bytes(16 - cut)
    file(noted).write_bytes(data)
    left = notes.read(file(noted))
    assert left is not None
    assert left.departed == {(1, 10)}
    assert len(left.rows) == 11


def test_a_batch_that_is_too_large_has_no_journal(own: Journal) -> None:
    noted = own.begin(5, TOKEN)
    noted.cover(0, CAPACITY, [(1, 0, CAPACITY)])
    assert notes.read(file(noted)) is None


def test_more_departures_than_there_is_room_for_leave_everything_in_doubt(own: Journal) -> None:
    noted = covered(own)
    for _ in range(CAPACITY):
        noted.departing(1, 10)
    assert notes.read(file(noted)) is None
    own.end(noted)
    assert covered(own) is noted
    assert notes.read(file(noted)) is not None


def test_a_place_where_no_folder_can_be_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    check_silenced(Journal(tmp_path / "file" / "departures"), caplog)


def test_a_full_disk_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    own = Journal(tmp_path / "departures")
    monkeypatch.setattr("worker.notes.os.posix_fallocate", full)
    check_silenced(own, caplog)
    assert not list((tmp_path / "departures").iterdir())


def check_silenced(own: Journal, caplog: pytest.LogCaptureFixture) -> None:
    """Batches are sent all the same."""
    for _ in range(3):
        noted = covered(own)
        noted.departing(1, 10)
        assert noted.path is None
        own.lose(noted)
        assert own.next_lost() is None
        own.end(noted)
    own.close()
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "no journal of departures" in warnings[0].getMessage()


def test_a_closed_journal_leaves_what_is_still_noted(own: Journal) -> None:
    folder = own.folder
    assert folder is not None
    kept, ended = covered(own), covered(own)
    own.end(ended)
    own.close()
    assert sorted(folder.iterdir()) == sorted([file(kept), folder / journal.LOCK])
    descriptor = journal.lock(folder)
    assert descriptor is not None
    os.close(descriptor)


def test_a_closed_journal_without_notes_is_gone(own: Journal) -> None:
    folder = own.folder
    assert folder is not None
    own.end(covered(own))
    own.close()
    assert not folder.exists()


NOTING = """
import sys, uuid
from pathlib import Path
from worker.journal import Journal
noted = (own := Journal(Path(sys.argv[1]))).begin(5, uuid.UUID(int=7))
noted.cover(0, 3, [(1, 0, 3)])
noted.departing(1, 2)
print(own.folder, flush=True)
sys.stdin.read()
"""


def test_a_killed_process_leaves_its_journal_open_and_a_stopped_one_does_not(
    tmp_path: Path,
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", NOTING, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    try:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert journal.lock(folder) is None
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        assert journal.lock(folder) is None
    finally:
        process.kill()
        process.communicate()
    descriptor = eventually(lambda: journal.lock(folder), message="the lock is free")
    assert descriptor is not None
    assert journal.lock(folder) is None, "one adopts at a time"
    (path,) = folder.glob(journal.PATTERN)
    left = notes.read(path)
    assert left is not None
    assert left.rows - left.departed == {(1, 0), (1, 1)}
    path.unlink()
    journal.remove(folder)
    os.close(descriptor)
    assert not list(tmp_path.iterdir())


def test_a_lock_that_was_removed_meanwhile_is_worth_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opened it before another adopter removed it must not take the next one for his."""
    folder = tmp_path / "journal"
    folder.mkdir()
    real = journal.fcntl.flock

    def slow(descriptor: int, how: int) -> None:
        (folder / journal.LOCK).rename(tmp_path / "removed")
        (folder / journal.LOCK).write_bytes(b"")
        real(descriptor, how)

    monkeypatch.setattr(journal.fcntl, "flock", slow)
    assert journal.lock(folder) is None
