"""Every test, in rows side by side: ``python -m tests``, which is what ``make test`` runs.

First what does not care how long anything takes, as much at once as keeps two cores busy: rows that
compute, and rows that mostly wait for processes. Then, when nothing of that runs any more, the
tests that judge at which moments messages arrive (marked ``moments``): beside busy rows they would
judge the machine.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_LOGS = _ROOT / ".tests"
_WIDTH = 79


@dataclass(frozen=True)
class Row:
    """Tests that run one after the other, in a process of their own."""

    name: str
    #: What pytest is given.
    words: tuple[str, ...]

    @property
    def log(self) -> Path:
        """All that it prints."""
        return _LOGS / f"{self.name}.log"


@dataclass(frozen=True)
class Result:
    """How a row ended."""

    row: Row
    code: int
    seconds: float

    @property
    def summary(self) -> str:
        """pytest's last line, which counts."""
        lines = self.row.log.read_text("utf-8", "replace").split("\n")
        return next((line.strip("= ") for line in reversed(lines) if line.strip()), "no output")


def _acceptance(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/acceptance/test_{name}.py" for name in names)


#: What is asked over HTTP.
_DOOR = "tests/integration/web"
#: Whole installations that come and go.
_INSTALLATIONS = _acceptance("demo", "up")
#: The tests about moments, in parts that take about equally long.
_OUTAGES = _acceptance("degraded", "shutdown", "accounts")
_PACES = _acceptance("throttling", "live")


def _without(files: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"--ignore={file}" for file in files)


#: The rows of each phase run at the same time, and take about equally long.
PHASES: tuple[tuple[Row, ...], ...] = (
    (
        Row("arithmetic", ("tests/unit", "tests/contract", "tests/simulation", "tests/model")),
        Row("servers", ("tests/integration", *_without((_DOOR,)))),
        Row("door", (_DOOR,)),
        Row("installations", (*_INSTALLATIONS, "tests/chaos", "-m", "not moments")),
        Row("processes", ("tests/acceptance", "-m", "not moments", *_without(_INSTALLATIONS))),
    ),
    (
        Row("outages", (*_OUTAGES, "-m", "moments")),
        Row("paces", (*_PACES, "-m", "moments")),
        Row("windows", ("tests/acceptance", "-m", "moments", *_without((*_OUTAGES, *_PACES)))),
    ),
)


def main() -> int:
    """Run all of it; 1 if anything failed."""
    _LOGS.mkdir(exist_ok=True)
    # A shell lets its background jobs ignore SIGINT, and theirs would too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    results: list[Result] = []
    for rows in PHASES:
        _say(f"Side by side: {', '.join(row.name for row in rows)}")
        results += _side_by_side(rows)
    failed = [result for result in results if result.code]
    for result in failed:
        _say("", f" {result.row.name} failed ".center(_WIDTH, "="))
        _say(result.row.log.read_text("utf-8", "replace"))
    _say("", *(_line(result) for result in results))
    return 1 if failed else 0


def _side_by_side(rows: Sequence[Row]) -> list[Result]:
    started = [(row, _started(row)) for row in rows]
    begin = time.monotonic()

    def ended(row: Row, process: subprocess.Popen[bytes]) -> Result:
        code = process.wait()
        return Result(row, code, time.monotonic() - begin)

    results = []
    with ThreadPoolExecutor(len(rows)) as threads:
        try:
            for future in as_completed([threads.submit(ended, *one) for one in started]):
                results.append(future.result())
                _say(_line(results[-1]))
        except KeyboardInterrupt:
            # Only once, so that each still stops what it has started.
            for _, process in started:
                process.send_signal(signal.SIGINT)
            raise
    return results


def _started(row: Row) -> subprocess.Popen[bytes]:
    # Hundreds of processes start, each of which would otherwise compile our modules anew.
    env = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with row.log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "--color=no", "--durations=25", *row.words],
            cwd=_ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _line(result: Result) -> str:
    mark = "FAILED" if result.code else "passed"
    return f"  {mark}  {result.row.name:<13} {result.summary}"


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
