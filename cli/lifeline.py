"""Lets a process end with the one that started it, even if that is killed.

    python -I -S lifeline.py PARENT COMMAND...

The kernel sends SIGTERM to a child whose parent died, if the child asks for it (prctl(2)). It asks
here, in a process of its own that then becomes the command. Asked between fork and exec, the answer
could be lost: until the exec a child has its parent's signal handlers, which note in the wrong
process that somebody is to end.

Run as a file, without anything but the standard library, because that starts in no time.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

#: As a shell says that there is no such program.
_NOT_FOUND = 127


def tied(command: list[str]) -> list[str]:
    """What to start in the place of ``command``, so that it ends with us; on Linux only.

    Whoever starts it must be the main thread: the signal comes when the starting thread ends.
    """
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main(parent: str, *command: str) -> int:
    """Ask to be ended with ``parent``, and become ``command``; returns only if that fails."""
    # From here on a signal ends this process; what the parent ignored, it would ignore as well.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # Compared with what it was, not with 1: in a container, 1 may be the parent.
    if os.getppid() != int(parent):
        os.kill(os.getpid(), signal.SIGTERM)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command is our caller's
    except OSError as error:
        print(f"{command[0]} cannot be started ({error.strerror}).", file=sys.stderr)
    return _NOT_FOUND


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
