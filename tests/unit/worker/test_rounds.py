"""What is done again and again goes on whatever happens, until it is closed."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading

import psycopg
import pytest

from tests.support.repository import ROOT
from tests.support.waiting import eventually
from worker.rounds import Rounds

#: The main thread is over, Python takes no more work for executors, a batch is still under way.
ENDING = """
import threading
from concurrent.futures import ThreadPoolExecutor
from tests.support.waiting import eventually
from worker.rounds import Rounds

ended, seen = threading.Event(), threading.Event()
executor = ThreadPoolExecutor(2)

def takes_no_more():
    try:
        executor.submit(int)
    except RuntimeError:
        return True

def batch():
    eventually(takes_no_more, message="the process ends")
    ended.set()
    print("gone on" if seen.wait(10) else "stopped", flush=True)

Rounds("looking", lambda: ended.is_set() and seen.set(), 0.01)
executor.submit(batch)
"""


def test_a_round_that_fails_is_not_the_last_one(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = iter([psycopg.OperationalError("x"), ValueError("secret")])
    done: list[bool] = []

    def work() -> None:
        if (error := next(outcomes, None)) is not None:
            raise error
        done.append(True)

    with caplog.at_level(logging.WARNING):
        rounds = Rounds("looking", work, 0.01)
        eventually(lambda: len(done) > 1, message="two more rounds")
        rounds.close()
    assert caplog.messages == [
        "looking: not now (OperationalError)",
        "looking failed (ValueError)",
    ]
    assert not any(record.exc_info for record in caplog.records)


def test_none_begins_after_it_was_closed() -> None:
    handed_over: list[Rounds] = []
    begun: list[Rounds] = []

    def close_it() -> None:
        eventually(lambda: handed_over, message="the test has it")
        handed_over[0].close()
        begun.append(handed_over[0])

    handed_over.append(Rounds("closing", close_it, 0.0))

    def names() -> set[str]:
        return {thread.name for thread in threading.enumerate()}

    eventually(lambda: "sluice-closing" not in names(), message="its thread has ended")
    assert begun == handed_over


def test_rounds_go_on_while_the_process_waits_for_its_last_batch() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", ENDING], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (answer.stdout, answer.stderr) == ("gone on\n", "")
