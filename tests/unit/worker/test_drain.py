"""The end of a worker process: told by signal handlers, which interrupt each other."""

from __future__ import annotations

import signal
import threading

import pytest

from worker import drain
from worker.drain import Drain


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the process would have ended by force."""
    event = threading.Event()

    def end(code: int) -> None:
        event.set()
        # The thread must not go on as if nothing had been.
        threading.Event().wait()

    monkeypatch.setattr(drain.os, "_exit", end)
    return event


class Watched:
    """A drain, and what it did."""

    def __init__(self, seconds: float) -> None:
        self.begun = threading.Event()
        self.broken_off = threading.Event()
        self.left = 0.0
        self.drain = Drain(seconds, self.begun.set, self._break_off)

    def _break_off(self, left: float) -> None:
        self.left = left
        self.broken_off.set()


def test_nothing_happens_before_it_is_told(ended: threading.Event) -> None:
    watched = Watched(0.01)
    assert not watched.begun.wait(0.1)
    watched.drain.begin()
    assert watched.begun.wait(20)
    assert watched.broken_off.wait(20)
    assert ended.wait(20)


def test_whoever_asks_again_in_a_hurry_is_not_kept_waiting(ended: threading.Event) -> None:
    watched = Watched(3600)
    watched.drain.begin()
    assert watched.begun.wait(20)
    watched.drain.begin()
    assert not watched.broken_off.wait(0.1)
    watched.drain.begin(hurry=True)
    assert watched.broken_off.wait(20)
    assert watched.left == pytest.approx(3600 * (drain.FORCE - drain.BREAK_OFF))
    assert not ended.is_set()


def test_a_signal_may_interrupt_the_handler_of_another(ended: threading.Event) -> None:
    """Handlers run in the main thread, between any two instructions of one another."""
    watched = Watched(3600)
    depth = 0

    def told(number: int, _: object) -> None:
        nonlocal depth
        depth += 1
        if depth < 50:
            signal.raise_signal(signal.SIGUSR1)
        watched.drain.begin(hurry=True)

    before = signal.signal(signal.SIGUSR1, told)
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert watched.broken_off.wait(20)
