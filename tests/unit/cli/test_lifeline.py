"""A process ends with the one that started it, however that ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from cli import lifeline
from cli.embedded import processes as processes_of
from tests.support.processes import Processes
from tests.support.waiting import eventually

#: Supervises three processes whose command lines tell them apart from all others.
PARENT = """
import os, sys
from cli.supervisor import Supervisor, raise_on_sigterm

raise_on_sigterm()
child = [sys.executable, "-c", "import signal; signal.pause()", sys.argv[1]]
commands = dict.fromkeys("abc", child)
supervisor = Supervisor(
    commands, environment=os.environ, write=lambda *_: None, say=lambda _: None
)
print("starting", flush=True)
supervisor.run()
"""


def children(mark: Path) -> list[int]:
    return processes_of.find(lambda command: f"pause() {mark}" in command)


def test_processes_end_with_their_supervisor_when_it_is_killed(
    processes: Processes, tmp_path: Path
) -> None:
    parent = processes.python("-c", PARENT, tmp_path)
    eventually(lambda: len(children(tmp_path)) == 3, message="all were started")
    parent.kill()
    eventually(lambda: not children(tmp_path), message="they ended with it")


def test_processes_end_with_a_supervisor_that_is_killed_while_it_starts_them(
    processes: Processes, tmp_path: Path
) -> None:
    """Ten of them, each at another moment of its start, whichever that is."""
    for _ in range(10):
        parent = processes.python("-c", PARENT, tmp_path)
        parent.wait_for("^starting")
        parent.kill()
    eventually(lambda: not children(tmp_path), message="they ended with it")


def test_who_lost_its_parent_before_it_could_ask_does_not_become_its_command(
    tmp_path: Path,
) -> None:
    command = lifeline.tied(["touch", str(tmp_path / "touched")])
    gone = subprocess.Popen(["true"])
    gone.wait()
    command[command.index(lifeline.__file__) + 1] = str(gone.pid)
    assert subprocess.run(command, check=False).returncode == -signal.SIGTERM
    assert not (tmp_path / "touched").exists()


def test_a_parent_that_ignores_sigterm_does_not_pass_that_on() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        handler = "import signal; print(signal.getsignal(signal.SIGTERM).name)"
        answer = subprocess.run(
            lifeline.tied([sys.executable, "-c", handler]), capture_output=True, text=True
        )
    finally:
        signal.signal(signal.SIGTERM, before)
    assert answer.stdout == "SIG_DFL\n"


def test_a_program_that_is_gone_is_told_in_one_line() -> None:
    answer = subprocess.run(
        lifeline.tied(["no-such-program"]), check=False, capture_output=True, text=True
    )
    assert answer.returncode == 127
    assert answer.stderr == "no-such-program cannot be started (No such file or directory).\n"
