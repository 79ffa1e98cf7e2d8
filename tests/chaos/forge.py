"""Starts Sluice's processes quickly: forked from one that has loaded the libraries already.

Loading them takes most of a worker's start, and a trial starts half a dozen. Sluice's own modules
are imported after the fork, under the environment that the process is given, as they would be in
one that was started by a shell. Whoever was forked dies with the forge, and the forge with the one
who asked for it.

``python -m tests.chaos.forge`` reads one request per line, and answers with the process id.
"""

from __future__ import annotations

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

from tests.support.processes import REPOSITORY, environment

_LIBRARIES = (
    "celery.__main__", "celery.apps.beat", "celery.apps.worker", "celery.bin.celery",
    "celery.concurrency.thread", "celery.worker.consumer", "click", "dateutil.rrule",
    "email_validator", "httptools", "httpx", "kombu.transport.redis", "phonenumbers", "psycopg",
    "psycopg_pool", "pydantic", "pyreqwest.client", "redis.asyncio", "uvicorn", "uvloop",
    "uvicorn.protocols.http.httptools_impl",
)  # fmt: skip

#: prctl(2): the signal that a process gets when its parent dies.
_PR_SET_PDEATHSIG = 1


class Forged:
    """A process of the forge; what is said of it is never said of another with its old id."""

    def __init__(self, pid: int, log: Path) -> None:
        self.pid = pid
        self.log = log
        try:
            self._descriptor: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._descriptor = None

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        if self._descriptor is None:
            return False
        # A pidfd can be read once its process has ended (pidfd_open(2)).
        if not select.select([self._descriptor], [], [], 0)[0]:
            return True
        os.close(self._descriptor)
        self._descriptor = None
        return False

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


class Forge:
    """The forge's other end. Use as a context manager: it ends all that were forked."""

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.forge"],
            cwd=REPOSITORY,
            env=environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._lock = threading.Lock()

    def start(self, words: Sequence[str], *, env: Mapping[str, str], log: Path) -> Forged:
        """Start ``python -m`` with ``words`` under ``env`` and nothing else of ``SLUICE_``."""
        log.touch()
        request = {"words": list(words), "env": environment(env), "log": str(log)}
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        with self._lock:
            self._popen.stdin.write(json.dumps(request).encode() + b"\n")
            self._popen.stdin.flush()
            answer = self._popen.stdout.readline()
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
        self._popen.kill()
        self._popen.wait()


def main() -> None:
    """Fork what is asked for, until nobody asks any more."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    # The dead are nobody's concern here: the one who asked watches them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    forge = os.getpid()
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(request, forge)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become(request: Mapping[str, object], forge: int) -> NoReturn:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != forge:
        os._exit(1)
    os.setsid()
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
