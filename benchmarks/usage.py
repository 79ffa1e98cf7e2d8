"""What processes cost: their highest memory, and the CPU time they took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

#: Bytes in a megabyte, as the promise of 200 MB counts.
MB = 1_000_000

#: The name of the group that nobody asked for: whatever else the machine does meanwhile.
OTHERS = "everything else"


def peak_mb(pid: int) -> float:
    """The most memory that a living process ever had resident, in MB.

    Linux keeps the peak itself (proc(5), VmHWM); elsewhere this is what it has at the moment.
    """
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        for line in status.read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / MB
    return float(psutil.Process(pid).memory_info().rss) / MB


def cpu_seconds(process: psutil.Process) -> float:
    """CPU time of a process and of all its children, those that ended included."""
    times = process.cpu_times()
    total = float(times.user + times.system + times.children_user + times.children_system)
    for child in process.children():
        with suppress(psutil.NoSuchProcess):
            total += cpu_seconds(child)
    return total


class CpuMeter:
    """How many cores each group of processes keeps busy, and everything else on the machine."""

    def __init__(self, groups: Mapping[str, Sequence[psutil.Process]]) -> None:
        self._groups = groups
        self._before = self._read()

    def cores(self, seconds: float) -> dict[str, float]:
        """Cores per group since this meter was made, ``seconds`` ago."""
        now = self._read()
        return {name: (now[name] - self._before[name]) / seconds for name in now}

    def _read(self) -> dict[str, float]:
        read = {
            name: sum(cpu_seconds(process) for process in processes)
            for name, processes in self._groups.items()
        }
        times = psutil.cpu_times()
        busy = sum(times) - times.idle - getattr(times, "iowait", 0.0)
        return {**read, OTHERS: busy - sum(read.values())}
