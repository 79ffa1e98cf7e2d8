"""Starts Sluice's processes quickly: forked from one that has loaded their modules already.

Loading takes most of a worker's start, and a test starts half a dozen. What reads the settings is
imported after the fork, under the environment that the process is given, as it would be in one that
was started by a shell. Whoever was forked dies with the forge, and the forge with the one who asked
for it.

``python -m tests.support.forge`` reads one request per line, and answers with the process id.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from tests.support.environment import REPOSITORY, environment
from tests.support.waiting import eventually

_LOADED = (
    "celery.__main__", "celery.apps.beat", "celery.apps.worker", "celery.bin.celery",
    "celery.concurrency.thread", "celery.worker.consumer", "click", "dateutil.rrule",
    "email_validator", "httptools", "httpx", "kombu.transport.redis", "phonenumbers", "psycopg",
    "psycopg_pool", "pydantic", "pyreqwest.client", "redis.asyncio", "uvicorn", "uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "cli.carrier.command", "scheduler.beat", "worker.broker", "worker.envelope", "worker.garbage",
    "worker.redaction", "worker.runtime", "worker.tasks.internal", "worker.tasks.public",
)  # fmt: skip
#: These read the settings.
_NEVER_LOADED = ("scheduler.app", "worker.app")

#: prctl(2): the signal that a process gets when its parent dies.
_PR_SET_PDEATHSIG = 1


class Forged:
    """A process of the forge; what is said of it is never said of another with its old id."""

    def __init__(self, pid: int, log: Path) -> None:
        self.pid = pid
        self.log = log
        self._returncode: int | None = None
        try:
            self._descriptor: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._descriptor = None

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return not self._ended(0)

    def signal(self, number: signal.Signals) -> bool:
        """Send it a signal; false if it has ended."""
        if self._descriptor is None:
            return False
        try:
            signal.pidfd_send_signal(self._descriptor, number)
        except ProcessLookupError:
            return False
        return True

    def output(self) -> str:
        """What it has printed."""
        return self.log.read_text("utf-8", "replace")

    # As of subprocess.Popen.

    def poll(self) -> int | None:
        """The exit code, negative for a signal; ``None`` while it runs."""
        return self._code() if self._ended(0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; the exit code. Raises ``subprocess.TimeoutExpired``."""
        if not self._ended(timeout):
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return self._code()

    def terminate(self) -> None:
        """Send it SIGTERM, if it runs."""
        self.signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL, if it runs."""
        self.signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> bool:
        if self._descriptor is None:
            return True
        # A pidfd can be read once its process has ended (pidfd_open(2)).
        if not select.select([self._descriptor], [], [], timeout)[0]:
            return False
        os.close(self._descriptor)
        self._descriptor = None
        return True

    def _code(self) -> int:
        if self._returncode is None:
            file = _ending(self.log, self.pid)
            eventually(file.exists, message="the forge has heard of the end")
            self._returncode = int(file.read_text("ascii"))
        return self._returncode


def _ending(log: Path, pid: int) -> Path:
    """Where the forge writes the exit code of a process."""
    return log.with_name(f"{log.name}.{pid}.ended")


class Forge:
    """The forge's other end. Use as a context manager: it ends all that were forked."""

    def __init__(self) -> None:
        self._running: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self, words: Sequence[str], *, env: Mapping[str, str], log: Path) -> Forged:
        """Start ``python -m`` with ``words`` under ``env`` and nothing else of ``SLUICE_``."""
        log.touch()
        request = {"words": list(words), "env": environment(env), "log": str(log)}
        with self._lock:
            popen = self._popen()
            assert popen.stdin is not None
            assert popen.stdout is not None
            popen.stdin.write(json.dumps(request).encode() + b"\n")
            popen.stdin.flush()
            answer = popen.stdout.readline()
        if not answer:
            raise RuntimeError("the forge has ended")
        return Forged(int(answer), log)

    def __enter__(self) -> Forge:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()

    def _popen(self) -> subprocess.Popen[bytes]:
        """The forge's process, which starts with the first request."""
        if self._running is None:
            self._running = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forge"],
                cwd=REPOSITORY,
                env=environment({}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        return self._running


def main() -> None:
    """Fork what is asked for, until nobody asks any more."""
    for name in _LOADED:
        importlib.import_module(name)
    assert not set(_NEVER_LOADED) & set(sys.modules)
    gc.freeze()
    woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    forge, logs = os.getpid(), dict[int, Path]()
    while True:
        asked, _, _ = select.select([sys.stdin, woken], [], [])
        if woken in asked:
            os.read(woken, 4096)
            _note_the_dead(logs)
        if sys.stdin in asked:
            if not (line := sys.stdin.buffer.readline()):
                return
            request = json.loads(line)
            pid = os.fork()
            if pid == 0:
                _become(request, forge)
            logs[pid] = Path(request["log"])
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()


def _note_the_dead(logs: dict[int, Path]) -> None:
    """Write down how each process ended that has, for those who want to know."""
    while logs:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        log = logs.pop(pid)
        code = str(os.waitstatus_to_exitcode(status))
        # The folder may be gone, and with it whoever could ask.
        with contextlib.suppress(OSError):
            new = log.with_name(f"{log.name}.{pid}.new")
            new.write_text(code, "ascii")
            new.replace(_ending(log, pid))


def _become(request: Mapping[str, object], forge: int) -> NoReturn:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != forge:
        os._exit(1)
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(str(request["log"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for descriptor, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, descriptor)
    env = request["env"]
    words = request["words"]
    assert isinstance(env, dict)
    assert isinstance(words, list)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = list(words)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    main()
