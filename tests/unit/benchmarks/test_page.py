"""The page on pacing gets its figures between two marks, and keeps everything else."""

from __future__ import annotations

import pytest

from benchmarks.pacing import page


def test_what_stands_between_the_marks_is_replaced():
    text = page.PAGE.read_text("utf-8")
    first = page.filled(text, "| one |")
    assert "| one |" in first
    assert page.filled(first, "| two |") == page.filled(text, "| two |")
    assert first.startswith(text.partition("<!--")[0])
    assert first.endswith(text.rpartition("-->")[2])


def test_a_page_without_marks_is_not_written_over():
    with pytest.raises(ValueError, match="needs the lines"):
        page.filled("no marks", "| one |")


def test_a_missed_promise_is_seen_in_the_table():
    figure = {
        "what": "lag", "value": 2.0, "unit": "s", "promise": "at most 1.5", "kept": False,
        "detail": "of 10",
    }  # fmt: skip
    machine = {
        "title": "Many", "date": "2030-01-01", "cores": 2, "processor": "X", "memory_gb": 8,
        "system": "Linux", "python": "3.11",
    }  # fmt: skip
    lines = page.table([{"machine": machine, "figures": [figure]}]).splitlines()
    assert lines[2] == "| **Many** | | | |"
    assert lines[3] == "| lag | 2 s (of 10) | at most 1.5 | MISSED |"
    assert lines[-1] == "Measured on 2030-01-01: 2 cores (X), 8 GB, Linux, Python 3.11."
