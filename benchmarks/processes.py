"""Processes that a benchmark starts, with their output in files and a sure end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

_POLL_SECONDS = 0.05
_LAST_WORDS = 2000


class EndedError(RuntimeError):
    """A process ended, or did not do what it was started for; carries its last words."""


class Child:
    """A Python module that runs as a process of its own, leader of its own group."""

    def __init__(self, log: Path, env: Mapping[str, str], module: str, *arguments: str) -> None:
        self._log = log
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=_environment(env),
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The id of the process and of its group."""
        return self._popen.pid

    def wait_for(self, pattern: str, *, seconds: float = 60.0) -> re.Match[str]:
        """Wait until the output matches ``pattern``.

        Raises:
            EndedError: it ended before, or took longer than ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while True:
            ended = self._popen.poll() is not None
            if match := re.search(pattern, self._output()):
                return match
            if ended or time.monotonic() > deadline:
                raise self._failed(f"did not print {pattern!r}")
            time.sleep(_POLL_SECONDS)

    def result(self, *, seconds: float) -> str:
        """Wait for a successful end and return the output.

        Raises:
            EndedError: it failed, or took longer than ``seconds``.
        """
        try:
            code = self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._failed(f"still runs after {seconds:g} s") from None
        if code:
            raise self._failed(f"ended with {code}")
        return self._output()

    def stop(self, *, seconds: float = 30.0) -> None:
        """End it in an orderly way, and by force what is left of its group after ``seconds``."""
        self._popen.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def _output(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def _failed(self, what: str) -> EndedError:
        command = " ".join(map(str, self._popen.args[1:]))  # type: ignore[index]
        return EndedError(f"{command}: {what}\n{self._output()[-_LAST_WORDS:]}")


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Ours, without settings that belong to another installation."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **extra}
