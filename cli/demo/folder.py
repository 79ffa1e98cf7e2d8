"""A folder of its own for every demo, and cleaning up after demos that were killed.

Demos keep their folders beside each other. Each holds a lock on its own for as long as it lives,
which the kernel lets go of however it ends (flock(2)); so a folder whose lock is free belongs to
nobody, and the next demo ends what still runs for it. What a person may want to look at afterwards
(logs, report, lists) is kept for a few demos, the databases are not.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from campaigns.errors import ConfigurationError, SluiceError
from cli import embedded
from cli.embedded import processes

#: Folders of earlier demos that are kept.
KEPT = 3

_LOCK = "sluice-demo.lock"
_NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{3}")
_PIDS = "processes.jsonl"
_STOP_STEPS = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


class Folder:
    """The places of one demo."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.carrier_log = path / "carrier.jsonl"
        self.report = path / "report.csv"
        self.providers = path / "providers.toml"
        self.lists = path / "lists"
        self.logs = path / "logs"

    def note_process(self, pid: int, command: Sequence[str]) -> None:
        """Remember a process that was started, for whoever has to clean up."""
        with (self.path / _PIDS).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"pid": pid, "command": list(command)}) + "\n")

    def end_everything(self) -> None:
        """End what still runs for this demo, whoever started it, and drop its databases.

        Raises:
            SluiceError: a server cannot be stopped.
        """
        processes.end(self._leftovers, _STOP_STEPS)
        (self.path / _PIDS).unlink(missing_ok=True)
        embedded.stop(self.path)
        shutil.rmtree(self.path / "embedded", ignore_errors=True)

    def _leftovers(self) -> list[int]:
        """Noted processes that live, told from strangers with the same id by their words."""
        found = []
        with suppress(FileNotFoundError), (self.path / _PIDS).open(encoding="utf-8") as file:
            for line in file:
                # The last line is cut short if its writer was killed.
                with suppress(ValueError):
                    noted = json.loads(line)
                    words = " ".join(noted["command"][1:])
                    if words in processes.command_line(noted["pid"]):
                        found.append(noted["pid"])
        return found


@contextmanager
def claimed(base: Path) -> Iterator[Folder]:
    """A fresh folder below ``base`` for the length of a ``with`` block; the dead are buried first.

    Raises:
        ConfigurationError: ``base`` cannot be used.
    """
    try:
        base.mkdir(parents=True, exist_ok=True)
        with _locked(base / _LOCK):
            _bury(base)
            path = _fresh(base)
            own = _open_lock(path / _LOCK)
            fcntl.flock(own, fcntl.LOCK_EX)
    except OSError as error:
        raise ConfigurationError(
            f"--home: {base} cannot be used ({error.strerror}): "
            "choose a folder that belongs to you."
        ) from None
    folder = Folder(path)
    folder.lists.mkdir()
    folder.logs.mkdir()
    try:
        yield folder
    finally:
        os.close(own)


def _fresh(base: Path) -> Path:
    while True:
        # To the millisecond, so that the order of names is that of time.
        path = base / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"[:-3]
        with suppress(FileExistsError):
            path.mkdir()
            return path


def _bury(base: Path) -> None:
    """End what dead demos left running, and remove the folders of all but the last few."""
    found = (path.parent for path in base.glob(f"*/{_LOCK}"))
    ours = sorted(path for path in found if _NAME.fullmatch(path.name))
    dead = [path for path in ours if _is_dead(path)]
    for path in dead:
        with suppress(SluiceError):
            Folder(path).end_everything()
    for path in dead[: max(len(dead) - KEPT, 0)]:
        shutil.rmtree(path, ignore_errors=True)


def _is_dead(path: Path) -> bool:
    descriptor = _open_lock(path / _LOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    descriptor = _open_lock(file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open_lock(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
