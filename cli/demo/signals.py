"""Being told to end, without leaving anything behind."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ASK = (signal.SIGTERM, signal.SIGHUP)


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived; not to be caught as an error."""

    def __init__(self, signum: int) -> None:
        self.signum = signum
        super().__init__(signal.Signals(signum).name)


@contextmanager
def raising() -> Iterator[None]:
    """Inside of the block, SIGTERM and SIGHUP unwind the stack, as Ctrl-C does."""

    def end(signum: int, _: FrameType | None) -> None:
        raise Terminated(signum)

    with _handled(_ASK, end):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside of the block, nobody can interrupt: it is already ending."""
    with _handled((*_ASK, signal.SIGINT), signal.SIG_IGN):
        yield


@contextmanager
def _handled(
    signums: tuple[signal.Signals, ...],
    handler: Callable[[int, FrameType | None], None] | signal.Handlers,
) -> Iterator[None]:
    before = {signum: signal.signal(signum, handler) for signum in signums}
    try:
        yield
    finally:
        for signum, former in before.items():
            signal.signal(signum, former)
