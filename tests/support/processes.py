"""Real processes for acceptance tests, with their output in files and a sure end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.support.environment import REPOSITORY, environment
from tests.support.forge import Forge, Forged
from tests.support.waiting import eventually

_SHOWN_OUTPUT = 4000


class Process:
    """A started command, leader of its own process group, whose output goes to ``log``."""

    def __init__(
        self, command: list[str], log: Path, popen: subprocess.Popen[bytes] | Forged
    ) -> None:
        self.command = command
        self.log = log
        self._popen = popen

    @classmethod
    def start(
        cls,
        command: list[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | int | None = None,
    ) -> Process:
        """Start ``command`` with the ``SLUICE_`` variables of ``env`` and no others."""
        with log.open("ab") as output:
            popen = subprocess.Popen(
                command,
                env=environment(env or {}),
                cwd=cwd or REPOSITORY,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(command, log, popen)

    @classmethod
    def forged(
        cls, forge: Forge, words: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
    ) -> Process:
        """The same for ``python -m`` with ``words``, in a fraction of the time."""
        return cls(["python", "-m", *words], log, forge.start(words, env=env or {}, log=log))

    @property
    def pid(self) -> int:
        """The id of the process, which is also the id of its group."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, ``None`` while it runs; negative for a signal."""
        return self._popen.poll()

    def output(self) -> str:
        """All that it and its children printed so far."""
        return self.log.read_text("utf-8", "replace")

    def wait_for(self, pattern: str, *, timeout: float = 30.0) -> re.Match[str]:
        """Wait until the output matches ``pattern`` (multi-line regular expression).

        Raises:
            AssertionError: it ended without printing that, or did not print it in time.
        """
        wanted = re.compile(pattern, re.MULTILINE)

        def seen() -> re.Match[str] | None:
            ended = self.returncode is not None
            if (match := wanted.search(self.output())) is None and ended:
                raise AssertionError(f"ended without printing {pattern!r}\n{self._story()}")
            return match

        try:
            found = eventually(seen, timeout=timeout, message=f"the output has {pattern!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._story()}") from None
        assert found is not None
        return found

    def wait(self, *, timeout: float = 30.0) -> int:
        """Wait for the end and return the exit code.

        Raises:
            AssertionError: it still runs after ``timeout`` seconds.
        """
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs after {timeout:g} s\n{self._story()}") from None

    def succeed(self, *, timeout: float = 30.0) -> str:
        """Wait for the end, which must be a success, and return the output."""
        code = self.wait(timeout=timeout)
        assert code == 0, f"ended with {code}\n{self._story()}"
        return self.output()

    def terminate(self, *, timeout: float = 30.0) -> int:
        """Ask it to end (SIGTERM), wait, and return the exit code."""
        self._popen.terminate()
        return self.wait(timeout=timeout)

    def kill(self) -> None:
        """End this one process at once (SIGKILL); its children live on."""
        self._popen.kill()
        self._popen.wait()

    def clean_up(self) -> None:
        """End the process and everything else in its group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        # It may not lead its group yet.
        self._popen.kill()
        self._popen.wait()

    def _story(self) -> str:
        return f"$ {' '.join(self.command)}\n{self.output()[-_SHOWN_OUTPUT:]}"


class Processes:
    """Starts processes for one test and ends all of them with it."""

    def __init__(self, folder: Path, forge: Forge | None = None) -> None:
        self._folder = folder
        self._forge = forge
        self._started: list[Process] = []

    def start(
        self,
        *command: str | Path,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | int | None = None,
    ) -> Process:
        """Start a command with the ``SLUICE_`` variables of ``env`` and no others.

        ``user`` (for tests that run as root) is who it runs as.
        """
        words = [str(word) for word in command]
        log = self._log(name or Path(words[0]).name)
        process = Process.start(words, log=log, env=env, cwd=cwd, user=user)
        self._started.append(process)
        return process

    def forged(self, *words: str, name: str, env: Mapping[str, str]) -> Process:
        """Fork ``python -m`` with ``words`` from one that has loaded the modules already.

        Without a forge it is started as :meth:`python` does.
        """
        if self._forge is None:
            return self.python("-m", *words, name=name, env=env)
        process = Process.forged(self._forge, words, log=self._log(name), env=env)
        self._started.append(process)
        return process

    def python(self, *arguments: str | Path, **options: object) -> Process:
        """Start the Python of the tests, e.g. ``python("-m", "cli.main", "migrate")``."""
        return self.start(sys.executable, *arguments, **options)  # type: ignore[arg-type]

    def clean_up(self) -> None:
        """End everything that was started."""
        for process in reversed(self._started):
            process.clean_up()

    def _log(self, label: str) -> Path:
        return self._folder / f"{len(self._started):02d}-{label}.log"
