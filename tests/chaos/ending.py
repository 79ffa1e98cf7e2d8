"""Ending a long command by a signal: what it has started is stopped, the rest stays as it is."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from tests.support.outages import children

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def end_by_signal() -> None:
    """Let SIGTERM and SIGINT end the main thread like an exception, which closes its contexts.

    Only the first one does: the others would break off the stopping.
    """
    for number in _SIGNALS:
        signal.signal(number, _end)


@contextmanager
def with_children() -> Iterator[None]:
    """Whoever leaves this by an exception leaves no child process behind.

    One whose start was broken off by a signal is known to nobody else.
    """
    try:
        yield
    except BaseException:
        for pid in children(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        raise


def _end(number: int, _: FrameType | None) -> None:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)
