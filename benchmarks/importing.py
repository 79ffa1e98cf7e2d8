"""Import of a CSV file: speed, and memory that does not grow with the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks import contacts, figures
from benchmarks.figures import Figure, Report
from benchmarks.place import Place
from benchmarks.processes import Child
from campaigns import database
from campaigns.audience import groups
from campaigns.team import teams

LINES = 1_000_000

#: What any of Sluice's processes may need, whatever the size of its work.
PROMISED_MB = 200


def measure(place: Place, *, scale: int = 1) -> Report:
    """A file imported for the first time, and the same file once more."""
    lines = LINES // scale
    folder = place.folder()
    file = folder / "contacts.csv"
    contacts.write_csv(file, lines)
    with place.database() as url:
        with database.opened(url) as conn:
            groups.create(conn, teams.find(conn, "default").id, "imported")
        first = _import(url, file, folder / "first.log")
        again = _import(url, file, folder / "again.log")
    size = file.stat().st_size / 1e6
    return Report(
        "import",
        f"Import of {lines:,} lines ({size:.0f} MB of CSV, phone and two fields)",
        [
            Figure("first import", first["seconds"], "s", detail=_counts(first)),
            Figure("first import", lines / first["seconds"], "lines/s"),
            Figure("same file again", again["seconds"], "s", detail=_counts(again)),
            figures.at_most("peak memory, first", first["peak_mb"], "MB", PROMISED_MB),
            figures.at_most("peak memory, again", again["peak_mb"], "MB", PROMISED_MB),
        ],
    )


def _import(url: str, file: Path, log: Path) -> dict[str, Any]:
    child = Child(log, {}, "benchmarks.import_once", url, "imported", str(file))
    output: dict[str, Any] = json.loads(child.result(seconds=900).splitlines()[-1])
    return output


def _counts(result: dict[str, Any]) -> str:
    names = ("added", "updated", "unchanged", "duplicates", "invalid")
    return ", ".join(f"{result[name]:,} {name}" for name in names if result[name])
