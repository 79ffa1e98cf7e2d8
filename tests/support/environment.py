"""What processes of tests are started with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: ours without its ``SLUICE_`` variables, plus ``extra``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **extra}
