"""What a scenario hands back."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.figures import Report


@dataclass(frozen=True, slots=True)
class Result:
    """The figures, and where there is something to see, an SVG of them."""

    report: Report
    picture: str | None = None
