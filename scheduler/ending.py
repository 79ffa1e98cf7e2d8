"""Ending a beat between two ticks, and not in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

#: For how long a tick may put off the end of the process, in whole seconds: a database that hangs
#: must not keep it alive.
PATIENCE = 10


@contextmanager
def put_off() -> Iterator[None]:
    """Put off SIGTERM and SIGINT to the end of the block, for at most :data:`PATIENCE` seconds.

    A beat that ended between the commit of a tick and its messages would leave batches behind that
    count as published: the next beat would publish them again only after seconds of silence. Who
    asks a second time is obeyed at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {number: signal.getsignal(number) for number in (*_SIGNALS, signal.SIGALRM)}
    asked: list[signal.Signals] = []

    def restore() -> None:
        signal.alarm(0)
        for number, handler in usual.items():
            signal.signal(number, handler)

    def later(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGALRM:
            asked.append(signal.Signals(number))
        if len(asked) == 1 and number != signal.SIGALRM:
            signal.alarm(PATIENCE)
            return
        restore()
        signal.raise_signal(asked[0])

    for number in usual:
        signal.signal(number, later)
    try:
        yield
    finally:
        restore()
        if asked:
            signal.raise_signal(asked[0])
