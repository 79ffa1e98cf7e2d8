"""Runs a set of processes together: they start together, and when one ends, all do.

A process that is gone would leave the rest running without it, which looks like health; so the
end of one is the end of all, and whoever runs Sluice (systemd, a person) decides about a restart.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

from campaigns.errors import ConfigurationError

#: How long processes may take to finish what they do after SIGTERM, in seconds. A send worker
#: finishes the requests that are under way.
GRACE_SECONDS = 25.0

_POLL_SECONDS = 0.2
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Ended:
    """Why it is over: a signal to us (``signum``), or a process that ended by itself."""

    signum: int | None = None
    name: str = ""
    returncode: int = 0

    def __str__(self) -> str:
        if self.signum is not None:
            return f"{signal.Signals(self.signum).name} received"
        if self.returncode < 0:
            return f"{self.name} was ended by {signal.Signals(-self.returncode).name}"
        return f"{self.name} ended with exit code {self.returncode}"


class StopRequested(BaseException):
    """SIGTERM arrived before the processes were started; not to be caught as an error."""


class Supervisor:
    """Starts ``commands``, hands each line of their output to ``write(name, line)``."""

    def __init__(
        self,
        commands: Mapping[str, list[str]],
        *,
        environment: Mapping[str, str],
        write: Callable[[str, str], None],
        cwd: Path | None = None,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._commands = commands
        self._environment = environment
        self._cwd = cwd
        self._write = write
        self._grace = grace
        self._signum: int | None = None
        self._wake = threading.Event()
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._readers: list[threading.Thread] = []

    def run(self, on_end: Callable[[Ended], None]) -> Ended:
        """Run until a signal comes or a process ends, then end all; ``on_end`` hears why first.

        Must be called in the main thread.

        Raises:
            ConfigurationError: a program does not exist.
        """
        with _Signals(self._note_signal):
            try:
                self._start()
                ended = self._wait()
                on_end(ended)
            finally:
                self._stop()
        return ended

    def _note_signal(self, signum: int, _: FrameType | None) -> None:
        self._signum = signum
        self._wake.set()

    def _start(self) -> None:
        for name, command in self._commands.items():
            try:
                self._running[name] = subprocess.Popen(  # noqa: S603
                    command,
                    env=dict(self._environment),
                    cwd=self._cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    # A Ctrl-C at the terminal is for us; we pass it on in our own way.
                    start_new_session=True,
                    preexec_fn=die_with_parent if sys.platform == "linux" else None,
                )
            except OSError as error:
                raise ConfigurationError(
                    f"{name}: {command[0]} cannot be started ({error.strerror})."
                ) from None
        # Threads only now: a fork with threads around may copy a lock that nobody unlocks.
        for name, process in self._running.items():
            reader = threading.Thread(target=self._read, args=(name, process), daemon=True)
            self._readers.append(reader)
            reader.start()

    def _read(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._write(name, line.rstrip("\n"))

    def _wait(self) -> Ended:
        while self._signum is None:
            for name, process in self._running.items():
                if (code := process.poll()) is not None:
                    return Ended(None, name, code)
            self._wake.wait(_POLL_SECONDS)
        return Ended(self._signum)

    def _stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        deadline = time.monotonic() + self._grace
        for process in self._running.values():
            try:
                process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for reader in self._readers:
            # A grandchild may hold the pipe open; what it prints is not waited for.
            reader.join(1.0)


class _Signals:
    """SIGTERM and SIGINT go to ``handler`` for the length of a ``with`` block."""

    def __init__(self, handler: Callable[[int, FrameType | None], None]) -> None:
        self._handler = handler
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> None:
        for signum in (signal.SIGTERM, signal.SIGINT):
            self._before[signum] = signal.signal(signum, self._handler)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]


def raise_on_sigterm() -> None:
    """Let SIGTERM unwind the stack from now on, so that what was started is stopped again."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise StopRequested

    signal.signal(signal.SIGTERM, stop)


def die_with_parent() -> None:
    """For ``preexec_fn``: the kernel sends SIGTERM to the child when we die (prctl(2)).

    Whoever forks must be the main thread: the signal comes when the forking thread ends.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != _OWN_PID:
        # We died before the child asked to be told.
        os.kill(os.getpid(), signal.SIGTERM)


_LIBC = ctypes.CDLL(None)
#: In the child this still is its parent's id. Not compared with 1: in a container that is us.
_OWN_PID = os.getpid()
