"""The providers file is read again when it changes, and a mistake in it changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from campaigns.errors import ConfigurationError
from campaigns.watched import LOOK_EVERY, SETTLING, Watched

#: When files are written, in Unix seconds.
WRITTEN = 1_800_000_000.0


class World:
    """A file and the time, both of which the test moves."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "providers.toml"
        self.elapsed = 0.0
        self.written = WRITTEN
        self.write("1/s")
        self.elapsed = 10.0
        self.watched = Watched(
            self.file, monotonic=lambda: self.elapsed, wall=lambda: WRITTEN + self.elapsed
        )

    def write(self, rate: str) -> None:
        self.replace(f'[providers.a]\nadapter = "http"\nchannel = "sms"\nrate = "{rate}"\n')

    def replace(self, text: str) -> None:
        self.file.write_text(text)
        moment = WRITTEN + self.elapsed
        os.utime(self.file, (moment, moment))

    def rate(self, after: float = 0.0) -> float | None:
        self.elapsed += after
        return self.watched.current().by_name["a"].per_second


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_change_is_seen_and_an_unchanged_file_is_not_read_again(world):
    before = world.watched.current()
    assert world.rate(after=5.0) == 1.0
    assert world.watched.current() is before
    world.write("2/s")
    assert world.rate(after=1.0) == 2.0


def test_the_file_is_looked_at_rarely_however_often_it_is_asked_for(world):
    assert world.rate(after=LOOK_EVERY) == 1.0
    world.elapsed += SETTLING
    world.write("2/s")
    assert world.rate(after=LOOK_EVERY - SETTLING - 0.01) == 1.0
    assert world.rate(after=0.02) == 2.0


def test_a_file_that_is_being_written_is_left_alone_until_it_is_complete(world):
    """Its first half has no accounts: nobody must see that."""
    world.elapsed += 5
    world.replace("")
    assert world.rate() == 1.0
    world.write("2/s")
    assert world.rate(after=LOOK_EVERY) == 2.0


def test_a_file_of_the_same_length_and_moment_is_another_one_by_its_inode(world):
    """As an editor leaves it that writes beside the file and renames."""
    kept = world.file.stat()
    beside = world.file.with_name("beside")
    beside.write_text(world.file.read_text().replace("1/s", "2/s"))
    os.utime(beside, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    beside.rename(world.file)
    assert world.rate(after=1.0) == 2.0


@pytest.mark.parametrize("text", ["[providers.a", '[providers.a]\nadapter = "http"', None])
def test_a_fault_keeps_the_last_good_file_and_is_told_once(world, caplog, text):
    if text is None:
        world.file.unlink()
    else:
        world.replace(text)
    for _ in range(5):
        assert world.rate(after=1.0) == 1.0
    (record,) = caplog.records
    assert str(world.file) in record.getMessage()
    world.write("3/s")
    assert world.rate(after=1.0) == 3.0


def test_the_first_reading_raises(tmp_path):
    file = tmp_path / "providers.toml"
    file.write_text("[providers.a")
    with pytest.raises(ConfigurationError):
        Watched(file)
