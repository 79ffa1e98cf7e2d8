"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = ("celery", "httpx", "kombu", "psycopg", "pyreqwest", "redis", "uvloop")


def facts() -> dict[str, Any]:
    """Date, cores, memory, versions, and how busy the machine is with other things right now."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "busy_with_others": busy_percent(),
    }


def busy_percent() -> float:
    """Percent of all cores that are busy, looked at for a second before anything starts."""
    return float(psutil.cpu_percent(interval=1.0))


def _processor() -> str:
    """Linux names the model in /proc only."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
