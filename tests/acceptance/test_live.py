"""Settings that are changed while messages are sent, judged by the carrier's own log."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cli.carrier.log import Arrival, peak_in_sliding_window
from tests.support.stack import Stack, group, numbers
from tests.support.waiting import eventually

#: A change is in effect after so many seconds, everywhere and without a restart.
EFFECT = 2.0

#: How long the log is watched after that, in seconds.
WATCHED = 1.5


@pytest.mark.moments
def test_a_changed_rate_of_the_account_counts_within_two_seconds(stack):
    """Up and down, with two send processes, beat and all in the middle of a run."""
    running = stack(rate="20/s")
    members = group(running.conn, "all", numbers(0, 4999))
    running.start(sends=2)
    running.submit(included_contact_groups=[str(members)])
    running.received(at_least=20)
    assert peak_in_sliding_window(running.carrier.log(), 1.0) <= 20
    faster = observed(running, rewritten(running, 'rate = "20/s"', 'rate = "200/s"'))
    assert 100 < peak_in_sliding_window(faster, 1.0) <= 202
    slower = observed(running, rewritten(running, 'rate = "200/s"', 'rate = "5/s"'))
    assert 0 < peak_in_sliding_window(slower, 1.0) <= 6
    assert all(process.returncode is None for process in running.sends)


def rewritten(running: Stack, before: str, after: str) -> float:
    """Change the providers file; when that was, in Unix seconds."""
    file = Path(running.env["SLUICE_PROVIDERS"])
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after), "utf-8")
    return time.time()


def observed(running: Stack, changed: float) -> list[Arrival]:
    """What arrives from the moment on from which the change has to count."""
    start = changed + EFFECT
    end = start + WATCHED
    eventually(lambda: time.time() > end + 0.2, message="the log is long enough")
    return [arrival for arrival in running.carrier.log() if start <= arrival.t < end]
