"""Linters, types and import contracts, one after the other: ``python -m tests.lint``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]

#: Each with its arguments; the last one is a program beside this Python.
COMMANDS = (
    (sys.executable, "-m", "ruff", "check", "."),
    (sys.executable, "-m", "ruff", "format", "--check", "."),
    (sys.executable, "-m", "mypy"),
    (str(Path(sys.executable).with_name("lint-imports")),),
)


def main() -> int:
    """Run all of them; 1 if one found a fault."""
    found = [subprocess.run(command, cwd=_ROOT, check=False).returncode for command in COMMANDS]
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main())
