"""Runs a set of processes together: they start together, and end together when they are told to.

One that ends by itself is started again, after a pause that doubles each time. The rest without it
would look like health, so one that cannot be kept alive is the end of all: whoever runs Sluice
(systemd, a person) then sees that it is over.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType

from campaigns.errors import ConfigurationError
from cli import lifeline
from cli.restarts import Backoff, Restarts

#: How long processes may take to finish what they do after SIGTERM, in seconds. A send worker
#: finishes the requests that are under way.
GRACE_SECONDS = 25.0

_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Ended:
    """Why it is over: a signal to us (``signum``), or a process that ends again and again."""

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


@dataclass(slots=True)
class _Member:
    """One of the processes, running or about to be started again."""

    name: str
    command: list[str]
    restarts: Restarts
    process: subprocess.Popen[str] | None = None
    #: Moments on the monotonic clock: when it was started last, and when it is started next.
    started: float = 0.0
    due: float = 0.0
    readers: list[threading.Thread] = field(default_factory=list)


class Supervisor:
    """Runs ``commands`` and hands each line of their output to ``write(name, line)``.

    What happens to the processes is told to ``say``, in one line each.
    """

    def __init__(
        self,
        commands: Mapping[str, list[str]],
        *,
        environment: Mapping[str, str],
        write: Callable[[str, str], None],
        say: Callable[[str], None],
        cwd: Path | None = None,
        grace: float = GRACE_SECONDS,
        backoff: Backoff | None = None,
    ) -> None:
        self._environment = dict(environment)
        self._cwd = cwd
        self._write = write
        self._say = say
        self._grace = grace
        self._backoff = backoff or Backoff()
        self._signum: int | None = None
        self._members = [
            _Member(name, command, Restarts(self._backoff)) for name, command in commands.items()
        ]

    def run(self) -> Ended:
        """Run until a signal comes or a process cannot be kept alive, then end all.

        Must be called in the main thread.

        Raises:
            ConfigurationError: a program does not exist.
        """
        with _Signals(self._note_signal):
            try:
                self._check()
                for member in self._members:
                    self._start(member)
                ended = self._watch()
            finally:
                self._stop()
        return ended

    def _note_signal(self, signum: int, _: FrameType | None) -> None:
        self._signum = signum

    def _check(self) -> None:
        for member in self._members:
            if shutil.which(member.command[0], path=self._environment.get("PATH")) is None:
                raise ConfigurationError(
                    f"{member.name}: {member.command[0]} cannot be started (no such program)."
                )

    def _start(self, member: _Member) -> None:
        try:
            process = subprocess.Popen(  # noqa: S603
                lifeline.tied(member.command),
                env=self._environment,
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                # A Ctrl-C at the terminal is for us; we pass it on in our own way.
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigurationError(
                f"{member.name}: {member.command[0]} cannot be started ({error.strerror})."
            ) from None
        member.process = process
        member.started = time.monotonic()
        reader = threading.Thread(target=self._read, args=(member.name, process), daemon=True)
        member.readers = [*filter(threading.Thread.is_alive, member.readers), reader]
        reader.start()

    def _read(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._write(name, line.rstrip("\n"))

    def _watch(self) -> Ended:
        while self._signum is None:
            for member in self._members:
                if (ended := self._look_after(member, time.monotonic())) is not None:
                    return ended
            # No event: the handler that set it could interrupt this very wait, or itself.
            time.sleep(_POLL_SECONDS)
        ended = Ended(self._signum)
        self._say(f"{ended}; stopping")
        return ended

    def _look_after(self, member: _Member, now: float) -> Ended | None:
        """Start it again once that is due; its end, if it is given up."""
        if member.process is None:
            if now >= member.due:
                self._start(member)
            return None
        code = member.process.poll()
        if code is None:
            return None
        member.process = None
        ended = Ended(None, member.name, code)
        pause = member.restarts.ended(now, ran=now - member.started)
        if pause is None:
            often = f"{self._backoff.deaths} times within {self._backoff.within:g} s"
            self._say(f"{ended}, {often}; stopping")
            return ended
        self._say(f"{ended}; starting it again in {pause:g} s")
        member.due = now + pause
        return None

    def _stop(self) -> None:
        running = [member.process for member in self._members if member.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._grace
        for process in running:
            try:
                process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for reader in (reader for member in self._members for reader in member.readers):
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
