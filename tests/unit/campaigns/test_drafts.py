"""Drafts: a file is replaced by a complete one or not at all, and only a file ever is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from campaigns.drafts import Draft
from campaigns.errors import Invalid


def test_a_draft_takes_its_name_when_it_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "report.csv"
    target.write_text("old")
    draft = Draft("out", target)
    draft.file.write_text("new")
    assert target.read_text() == "old"
    draft.keep()
    draft.drop()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_draft_that_is_dropped_leaves_everything_as_it_was(tmp_path: Path) -> None:
    draft = Draft("out", tmp_path / "report.csv")
    draft.file.write_text("half")
    draft.drop()
    assert list(tmp_path.iterdir()) == []


def test_a_link_keeps_pointing_where_it_does(tmp_path: Path) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    draft = Draft("out", link)
    draft.file.write_text("new")
    draft.keep()
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert draft.is_same(target)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    pipe, circle = tmp_path / "pipe", tmp_path / "circle"
    os.mkfifo(pipe)
    circle.symlink_to(circle)
    for path in (pipe, circle, tmp_path, Path("/"), Path(), Path(os.devnull)):
        with pytest.raises(Invalid, match=r"^out: '.* is not a regular file\.$"):
            Draft("out", path)
    assert pipe.is_fifo()


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    draft = Draft("out", tmp_path / "gone" / "report.csv")
    with pytest.raises(FileNotFoundError) as error:
        draft.file.write_text("x")
    sentence = str(draft.cannot_write(error.value))
    assert sentence.endswith("cannot be written: no such file or directory.")
