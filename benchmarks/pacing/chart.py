"""Charts as SVG: panels one below the other, with axes, lines, dots, bars, bands and limits.

Coordinates given to a panel are data; it scales them. Colours follow the reader's light or dark
scheme.

Pure: returns text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Literal

Point = tuple[float, float]
Kind = Literal["measured", "other", "ideal", "limit"]

_WIDTH = 860
_LEFT, _RIGHT = 64, 24
_ABOVE, _BELOW = 50, 40
_TICKS = 6
#: More points than this cannot be told apart.
_MOST_POINTS = 600

_STYLE = """
    .paper { fill: #ffffff; stroke: #d0d7de }
    .frame { fill: none; stroke: #d0d7de }
    .band { fill: #eaeef2 }
    .grid { stroke: #eaeef2 }
    .measured { stroke: #0969da; fill: #0969da }
    .other { stroke: #bc4c00; fill: #bc4c00 }
    .ideal { stroke: #57606a; fill: #57606a; stroke-dasharray: 5 4 }
    .limit { stroke: #cf222e; fill: #cf222e; stroke-dasharray: 2 3 }
    .line { fill: none; stroke-width: 1.5 }
    .dot, .bar { stroke: none }
    .bar { opacity: .8 }
    text { font-family: ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif;
           font-size: 12px; fill: #57606a; stroke: none }
    .name { font-weight: 600; font-size: 14px; fill: #1f2328 }
    .middle { text-anchor: middle }
    .end { text-anchor: end }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; stroke: #30363d }
      .frame { stroke: #30363d }
      .band { fill: #21262d }
      .grid { stroke: #21262d }
      .measured { stroke: #58a6ff; fill: #58a6ff }
      .other { stroke: #db7d37; fill: #db7d37 }
      .ideal { stroke: #9aa4ae; fill: #9aa4ae }
      .limit { stroke: #ff7b72; fill: #ff7b72 }
      text { fill: #9aa4ae }
      .name { fill: #e6edf3 }
    }"""


@dataclass(frozen=True, slots=True)
class Axis:
    """What is shown of one direction: from ``low`` to ``high``, and what that is."""

    low: float
    high: float
    label: str

    def ticks(self) -> list[float]:
        """Round numbers inside, at most one more than a handful."""
        raw = (self.high - self.low) / _TICKS
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(step * power for step in (1, 2, 5, 10) if step * power >= raw)
        first = math.ceil(self.low / step)
        return [n * step for n in range(first, math.floor(self.high / step + 1e-9) + 1)]


class Panel:
    """One diagram."""

    def __init__(self, title: str, x: Axis, y: Axis, *, height: int = 180) -> None:
        self.title = title
        self.height = height
        self._x = x
        self._y = y
        self._behind: list[str] = []
        self._marks: list[str] = []
        self._legend: list[tuple[Kind, str]] = []

    def band(self, begin: float, end: float) -> None:
        """Shade a stretch of the horizontal axis."""
        left, right = self._across(begin), self._across(end)
        self._behind.append(
            f'<rect class="band" x="{left:.1f}" y="0" width="{right - left:.1f}" '
            f'height="{self.height}"/>'
        )

    def level(self, value: float, label: str, kind: Kind = "limit") -> None:
        """A line across at ``value``."""
        self._draw_line([(self._x.low, value), (self._x.high, value)], kind)
        self._legend.append((kind, label))

    def mark(self, moment: float, label: str, kind: Kind = "limit") -> None:
        """A line upright at ``moment``."""
        self._draw_line([(moment, self._y.low), (moment, self._y.high)], kind)
        self._legend.append((kind, label))

    def line(self, points: Iterable[Point], kind: Kind, label: str = "") -> None:
        """Connect ``points``, which are in order."""
        self._draw_line(thinned(list(points), _MOST_POINTS), kind)
        if label:
            self._legend.append((kind, label))

    def dots(self, points: Iterable[Point], kind: Kind, label: str = "") -> None:
        """A dot at each of ``points``."""
        for x, y in points:
            self._marks.append(
                f'<circle class="dot {kind}" cx="{self._across(x):.1f}" cy="{self._up(y):.1f}" '
                'r="3"/>'
            )
        if label:
            self._legend.append((kind, label))

    def bars(self, edges: Sequence[float], heights: Sequence[float], kind: Kind) -> None:
        """A bar between each two neighbours of ``edges``."""
        foot = self._up(max(self._y.low, 0))
        for (begin, end), height in zip(pairwise(edges), heights, strict=True):
            left, right, top = self._across(begin), self._across(end), self._up(height)
            self._marks.append(
                f'<rect class="bar {kind}" x="{left:.1f}" y="{top:.1f}" '
                f'width="{max(right - left - 0.5, 0.5):.1f}" height="{foot - top:.1f}"/>'
            )

    def svg(self, top: int) -> str:
        """The panel with its frame's upper edge at ``top``."""
        return "\n".join(
            [
                f'  <g transform="translate({_LEFT} {top})">',
                *(f"    {part}" for part in (*self._behind, *self._axes(), *self._marks)),
                f'    <rect class="frame" width="{_inner()}" height="{self.height}"/>',
                *(f"    {part}" for part in self._words()),
                "  </g>",
            ]
        )

    def _draw_line(self, points: Iterable[Point], kind: Kind) -> None:
        path = " ".join(f"{self._across(x):.1f},{self._up(y):.1f}" for x, y in points)
        self._marks.append(f'<polyline class="line {kind}" points="{path}"/>')

    def _axes(self) -> list[str]:
        parts = []
        for value in self._y.ticks():
            y = self._up(value)
            parts.append(f'<path class="grid" d="M0 {y:.1f}H{_inner()}"/>')
            parts.append(f'<text class="end" x="-8" y="{y + 4:.1f}">{_number(value)}</text>')
        for value in self._x.ticks():
            x = self._across(value)
            parts.append(
                f'<text class="middle" x="{x:.1f}" y="{self.height + 16}">{_number(value)}</text>'
            )
        return parts

    def _words(self) -> list[str]:
        right: float = _inner()
        parts = [
            f'<text class="name" x="0" y="-26">{escape(self.title)}</text>',
            f'<text x="0" y="-9">{escape(self._y.label)}</text>',
            f'<text class="end" x="{right}" y="{self.height + 32}">{escape(self._x.label)}</text>',
        ]
        for kind, label in reversed(self._legend):
            # About the width of the words: nothing measures text here.
            left = right - 6.8 * len(label)
            parts.append(f'<text class="end" x="{right:.0f}" y="-9">{escape(label)}</text>')
            parts.append(f'<path class="line {kind}" d="M{left - 26:.0f} -13H{left - 6:.0f}"/>')
            right = left - 40
        return parts

    def _across(self, value: float) -> float:
        return _scaled(value, self._x) * _inner()

    def _up(self, value: float) -> float:
        return (1 - _scaled(value, self._y)) * self.height


def document(title: str, description: str, panels: Sequence[Panel]) -> str:
    """A whole SVG file; ``description`` is for those who cannot see it."""
    tops = []
    height = 0
    for panel in panels:
        tops.append(height + _ABOVE)
        height += _ABOVE + panel.height + _BELOW
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height + 8}" '
            'role="img" aria-labelledby="title description">',
            f'  <title id="title">{escape(title)}</title>',
            f'  <desc id="description">{escape(description)}</desc>',
            f"  <style>{_STYLE}\n  </style>",
            f'  <rect class="paper" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height + 7}" '
            'rx="10"/>',
            *(panel.svg(top) for panel, top in zip(panels, tops, strict=True)),
            "</svg>\n",
        ]
    )


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most ``most`` of ``points``: the lowest and the highest of each stretch, so that no peak
    is lost."""
    if len(points) <= most:
        return list(points)
    size = -(-2 * len(points) // most)
    kept: list[Point] = []
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        ends = {min(stretch, key=_height), max(stretch, key=_height)}
        kept += sorted(ends)
    return kept


def _height(point: Point) -> float:
    return point[1]


def _inner() -> int:
    return _WIDTH - _LEFT - _RIGHT


def _scaled(value: float, axis: Axis) -> float:
    return (min(max(value, axis.low), axis.high) - axis.low) / (axis.high - axis.low)


def _number(value: float) -> str:
    return f"{value:,.6g}".replace("-", "−")
