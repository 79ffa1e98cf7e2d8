"""What a benchmark found out, as a table for people and as JSON for comparisons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

#: Where results are kept for comparison.
RESULTS = Path(__file__).with_name("results")

#: Tables are read in logs too, where the width of the terminal is not known.
_WIDTH = 118


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. ``promise`` is what Sluice holds on any machine, empty for information."""

    what: str
    value: float
    unit: str
    promise: str = ""
    kept: bool = True
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one benchmark."""

    name: str
    title: str
    figures: Sequence[Figure]

    @property
    def kept(self) -> bool:
        """Whether every promise among the figures was kept."""
        return all(figure.kept for figure in self.figures)


def at_most(what: str, value: float, unit: str, limit: float, detail: str = "") -> Figure:
    """A figure that must not exceed ``limit``."""
    return Figure(what, value, unit, f"at most {limit:g}", value <= limit, detail)


def at_least(what: str, value: float, unit: str, limit: float, detail: str = "") -> Figure:
    """A figure that must reach ``limit``."""
    return Figure(what, value, unit, f"at least {limit:g}", value >= limit, detail)


def median_of(what: str, values: Sequence[float], unit: str) -> Figure:
    """The median of several runs, with all of them beside it."""
    return Figure(what, median(values), unit, detail=runs(values))


def runs(values: Sequence[float]) -> str:
    """The single results behind a median."""
    return "runs: " + ", ".join(shown(value) for value in values)


def show(report: Report) -> None:
    """Print the table."""
    table = Table(title=report.title, title_justify="left", title_style="bold")
    table.add_column("figure")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("promise", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("detail", overflow="fold")
    for figure in report.figures:
        value = shown(figure.value)
        row = (figure.what, value, figure.unit, figure.promise, verdict(figure), figure.detail)
        table.add_row(*row)
    Console(width=_WIDTH, highlight=False).print(table)


def save(report: Report, machine: Mapping[str, Any], folder: Path) -> Path:
    """Write ``<name>.json`` into ``folder``; returns its path."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{report.name}.json"
    document = {"machine": machine, "figures": [asdict(figure) for figure in report.figures]}
    file.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return file


def shown(value: float) -> str:
    """A number with as many digits as mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def verdict(figure: Figure) -> str:
    """Whether the figure is as promised, in one word; empty for information."""
    if not figure.promise:
        return ""
    return "met" if figure.kept else "MISSED"
