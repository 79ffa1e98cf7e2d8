"""Being told to end, without leaving anything behind."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ASK = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: An exception out of a signal handler is lost where Python ignores exceptions, such as in a
#: destructor; so it is raised again after so many seconds, until somebody acts on it.
_INSIST_SECONDS = 1.0


class Terminated(BaseException):
    """SIGINT, SIGTERM or SIGHUP arrived; not to be caught as an error."""

    def __init__(self, signum: int) -> None:
        self.signum = signum
        super().__init__(signal.Signals(signum).name)


@contextmanager
def raising() -> Iterator[None]:
    """Inside of the block, a request to end unwinds the stack.

    Raises:
        Terminated: there was one.
    """
    asked: list[int] = []

    def end(signum: int, _: FrameType | None) -> None:
        if signum != signal.SIGALRM:
            asked.append(signum)
        signal.setitimer(signal.ITIMER_REAL, _INSIST_SECONDS)
        raise Terminated(asked[0])

    with _handled((*_ASK, signal.SIGALRM), end):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside of the block, nobody can interrupt: it is already ending."""
    with _handled((*_ASK, signal.SIGALRM), signal.SIG_IGN):
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
        signal.setitimer(signal.ITIMER_REAL, 0)
        for signum, former in before.items():
            signal.signal(signum, former)
