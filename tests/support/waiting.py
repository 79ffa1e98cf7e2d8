"""Waiting for a condition; the only place of the tests that sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_INTERVAL_SECONDS = 0.02


def eventually(
    condition: Callable[[], T], *, timeout: float = 30.0, message: str = "the condition"
) -> T:
    """Ask until ``condition()`` is true, and return what it returned.

    ``timeout`` (seconds) only bounds a failure; it says nothing about how fast something is.

    Raises:
        AssertionError: it was never true; ``message`` says what was waited for.
    """
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{message}: not so within {timeout:g} s (last: {found!r})")
        time.sleep(_INTERVAL_SECONDS)
    return found
