"""Recognising and ending server processes that somebody else may have started.

A process is known by its id and by its command line together: after a reboot or in a container
an old id soon belongs to a stranger.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_POLL_SECONDS = 0.02
_LARGEST_LOG_BYTES = 10_000_000


def command_line(pid: int) -> str:
    """The command line of a living process, empty if there is none.

    A zombie has none. /proc/PID/cmdline can be read without the right to trace the process, which
    root lacks in a default container; /proc/PID/cwd and exe cannot (proc(5)).
    """
    if not (_PROC / "self").exists():
        return _command_line_from_ps(pid)
    try:
        raw = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    return raw.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")


def _command_line_from_ps(pid: int) -> str:
    state, _, command = _ps("-ww", "-p", str(pid), "-o", "stat=,command=").strip().partition(" ")
    return "" if state.startswith("Z") else command.strip()


def _ps(*options: str) -> str:
    """What ps prints, where there is no /proc."""
    command = ["ps", *options]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout


def find(matches: Callable[[str], bool]) -> list[int]:
    """The ids of the living processes whose command line ``matches``."""
    if (_PROC / "self").exists():
        pids: Iterable[int] = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
    else:
        pids = (int(word) for word in _ps("-axo", "pid=").split())
    return [pid for pid in pids if pid != os.getpid() and matches(command_line(pid))]


def read_number(file: Path) -> int | None:
    """The number on the first line of ``file``, a pid or a port; ``None`` without one."""
    try:
        return int(file.read_text("utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def end(
    find_them: Callable[[], list[int]], steps: Iterable[tuple[signal.Signals, float]]
) -> list[int]:
    """Signal the processes step by step until none is left; each step waits so many seconds.

    Returns:
        the ids of those that survived every step.
    """
    left = find_them()
    for number, seconds in steps:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while (left := find_them()) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        if not left:
            break
    return left


def free_port(preferred: int | None) -> int:
    """``preferred`` if nothing listens there, else a port that the system chooses."""
    for port in (preferred or 0, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As the servers do: connections of a server that just ended do not block its port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise OSError("no port is free on 127.0.0.1")


def rotate(log: Path) -> None:
    """Set a large log aside before its server starts; the one before that goes."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > _LARGEST_LOG_BYTES:
            log.replace(log.with_name(log.name + ".1"))


def last_line(log: Path) -> str:
    """The last line of a server's log: the reason why it did not start."""
    try:
        lines = log.read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return "its log cannot be read"
    return lines[-1] if lines else "its log is empty"
