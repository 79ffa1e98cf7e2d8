"""Who ends one of the long commands gets back a machine on which nothing of it runs any more."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.processes import Processes
from tests.support.waiting import eventually


@pytest.fixture
def folder() -> Iterator[Path]:
    """For whatever is temporary; its name is short enough for PostgreSQL's sockets."""
    with tempfile.TemporaryDirectory(prefix="ending-", ignore_cleanup_errors=True) as name:
        made = Path(name)
        # Where root runs this, servers run as somebody else.
        made.chmod(0o711)
        yield made
        for pid in belonging_to(made):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def belonging_to(folder: Path) -> dict[int, str]:
    """Processes that were started below a folder, by their ids.

    Ours inherit it in their environment; servers, which write over theirs, work in it.
    """
    found: dict[int, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            inherited = f"TMPDIR={folder}\0".encode() in (process / "environ").read_bytes()
            if inherited or str(folder) in str((process / "cwd").readlink()):
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(process.name)] = words.decode("utf-8", "replace")
        except OSError:
            # It has ended meanwhile, or is somebody else's.
            continue
    return found


@pytest.mark.parametrize(
    ("command", "number"),
    [
        (("tests.chaos", "--trials", "2", "--lanes", "2", "--seed", "3"), signal.SIGTERM),
        (("tests.chaos", "--trials", "2", "--lanes", "1", "--seed", "3"), signal.SIGINT),
        (("tests.chaos.soak", "--minutes", "1"), signal.SIGTERM),
        (("tests.chaos.database_kills", "--recipients", "20000"), signal.SIGINT),
    ],
    ids=["trials, SIGTERM", "trials, SIGINT", "soak, SIGTERM", "database kills, SIGINT"],
)
def test_who_is_ended_by_a_signal_stops_what_it_started(
    processes: Processes,
    folder: Path,
    tmp_path: Path,
    command: tuple[str, ...],
    number: signal.Signals,
) -> None:
    remains = ("--remains", str(tmp_path)) if command[0] == "tests.chaos" else ()
    process = processes.start(
        sys.executable, "-m", *command, *remains, name="long", env={"TMPDIR": str(folder)}
    )

    def in_full_swing() -> bool:
        words = " ".join(belonging_to(folder).values())
        assert process.returncode is None, process.output()
        servers = "redis-server" in words and "postgres" in words
        # The command, and a carrier, a beat, workers.
        return servers and words.count("-m ") >= 6

    eventually(in_full_swing, timeout=60, message="all of it runs")
    # A second signal, as of somebody who is impatient, breaks nothing off.
    os.kill(process.pid, number)
    os.kill(process.pid, number)
    assert process.wait(timeout=60) == 128 + number, process.output()
    left = belonging_to(folder)
    assert not left, left
    assert not list(folder.glob("sluice-tests-*/*")), "no server's files are left"
