"""Folders of demos: each its own, the last few kept, and nothing of anybody else's touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from campaigns.errors import ConfigurationError
from cli.demo.folder import KEPT, claimed


def test_demos_at_the_same_time_have_folders_of_their_own(tmp_path: Path) -> None:
    with claimed(tmp_path) as first, claimed(tmp_path) as second:
        assert first.path != second.path
        assert first.logs.is_dir()
        assert second.logs.is_dir()


def test_folders_of_the_last_few_demos_are_kept_and_one_in_use_always_is(tmp_path: Path) -> None:
    with claimed(tmp_path) as living:
        ended = []
        for _ in range(KEPT + 3):
            with claimed(tmp_path) as folder:
                ended.append(folder.path)
        assert living.logs.is_dir()
        kept = [path for path in ended if path.exists()]
        assert kept == ended[-len(kept) :]
        assert len(kept) == KEPT + 1


def test_what_is_not_a_demos_stays(tmp_path: Path) -> None:
    for name in ("embedded", "20261121-120000-000", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").touch()
    (tmp_path / "notes" / "sluice-demo.lock").touch()
    for _ in range(KEPT + 2):
        with claimed(tmp_path):
            pass
    assert all((tmp_path / name / "lock").exists() for name in ("embedded", "notes"))
    assert (tmp_path / "20261121-120000-000" / "lock").exists()


def test_a_noted_process_of_a_dead_demo_is_ended_and_a_stranger_with_its_id_is_not(
    tmp_path: Path,
) -> None:
    sleep = [sys.executable, "-c", "import signal; signal.pause()", str(tmp_path)]
    with subprocess.Popen(sleep) as own, subprocess.Popen(sleep) as stranger:
        try:
            with claimed(tmp_path) as folder:
                folder.note_process(own.pid, sleep)
                folder.note_process(stranger.pid, [*sleep[:-1], "something else"])
            with claimed(tmp_path):
                assert own.wait(timeout=20) != 0
                assert stranger.poll() is None
        finally:
            own.kill()
            stranger.kill()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ConfigurationError, match=r"--home: .*file"), claimed(file):
        pass
