"""The curve of a plan in a terminal: how many have left by when. Pure.

A column is empty where nothing is open for at least half of it, so that pauses and nights are gaps;
the axis is dotted there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from rich.text import Text

from campaigns.schedule.windows import Interval, active_seconds
from cli.planning import scale
from cli.planning.plan import Plan

ROWS = 8
#: Wider than that, the eye has too far to go.
WIDEST = 72
NARROWEST = 16
#: Columns for the label of a time, and the blanks around it.
_LABEL = 14


@dataclass(frozen=True, slots=True)
class Signs:
    """What a chart is drawn with."""

    #: From an empty cell to a full one.
    levels: str
    upright: str
    tick: str
    corner: str
    across: str
    closed: str


UNICODE = Signs(" ▁▂▃▄▅▆▇█", "│", "┤", "└", "─", "·")
ASCII = Signs(" .:#", "|", "+", "+", "-", " ")


def span(plan: Plan) -> Interval:
    """What a picture of the plan shows: from its beginning to the last thing that is foretold."""
    run = plan.run
    return Interval(max(run.starts_at, plan.now), run.last_sign)


def chart(plan: Plan, width: int, *, ascii_only: bool = False) -> list[Text]:
    """Lines of at most ``width`` columns; none if nothing would be seen in them."""
    shown = span(plan)
    total = plan.recipients.total
    margin = len(f"{total:,}") + 2
    columns = min(width, WIDEST + margin) - margin
    if not plan.run.forecast.pieces or shown.length <= timedelta(0) or columns < NARROWEST:
        return []
    signs = ASCII if ascii_only else UNICODE
    edges = [shown.start + shown.length * (n / columns) for n in range(columns + 1)]
    stretches = [Interval(a, b) for a, b in pairwise(edges)]
    is_open = [_is_open(plan, stretch) for stretch in stretches]
    parts = [plan.run.forecast.expected_by(stretch.end) / total for stretch in stretches]
    lines = list(_bars(parts, is_open, total, signs))
    axis = "".join(signs.across if each else signs.closed for each in is_open)
    lines.append(Text(f"{0:>{margin - 2}} {signs.corner}", "dim").append(axis))
    lines.append(_times(plan, shown, columns, margin))
    return lines


def _is_open(plan: Plan, stretch: Interval) -> bool:
    seconds = active_seconds(plan.run.open, stretch.start, stretch.end)
    return seconds * 2 > stretch.length.total_seconds()


def _bars(parts: list[float], is_open: list[bool], total: int, signs: Signs) -> Iterator[Text]:
    margin = len(f"{total:,}")
    full = len(signs.levels) - 1
    for row in reversed(range(ROWS)):
        label = {ROWS - 1: f"{total:,}", ROWS // 2 - 1: f"{total // 2:,}"}.get(row, "")
        line = Text(f"{label:>{margin}} {signs.tick if label else signs.upright}", "dim")
        steps = (round(part * ROWS * full) - row * full for part in parts)
        cells = (
            signs.levels[min(max(step, 0), full)] if shown else " "
            for step, shown in zip(steps, is_open, strict=True)
        )
        yield line.append("".join(cells), "green")


def _times(plan: Plan, shown: Interval, columns: int, margin: int) -> Text:
    """The round local times below the axis, each beginning at its column."""
    line = [" "] * (columns + margin)
    taken = 0
    ticks = max(columns // _LABEL, 1)
    for moment, label in scale.moments(shown.start, shown.end, plan.campaign.timezone, ticks):
        at = margin + _column(moment, shown, columns)
        if at >= taken and at + len(label) <= len(line):
            line[at : at + len(label)] = label
            taken = at + len(label) + 2
    return Text("".join(line).rstrip(), "dim")


def _column(moment: datetime, shown: Interval, columns: int) -> int:
    return min(int((moment - shown.start) / shown.length * columns), columns - 1)
