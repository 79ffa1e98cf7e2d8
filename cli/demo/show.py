"""How a moment of the demo looks, as a pure function of it.

Colours mean one thing each: green was sent, yellow is held back, dim is still to come, red is
wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.text import Text

from campaigns.schedule.flow import Flow
from campaigns.schedule.windows import Interval
from cli.demo.timeline import Timeline
from cli.demo.verdict import Hold

SENT, HELD, AHEAD, WRONG = "green", "yellow", "bright_black", "bold red"

#: Rows of the chart, each of eight steps.
_ROWS = 4
_STEPS = " ▁▂▃▄▅▆▇█"
_MARGIN = 2
#: Wider than that, the eye has too far to go.
_WIDEST = 80
#: The rate is looked at over so many whole seconds.
_RATE_SECONDS = 3
_SHOWN_NOTES = 4
_ONE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Scene:
    """One moment of the demo."""

    now: datetime
    timeline: Timeline
    total: int
    #: Messages that should be out by now on the straight line, and what the rest of it brings.
    planned: int
    ahead: Flow
    #: By outcome, as the run counts them; ``waiting`` for those without one.
    counts: Mapping[str, int]
    #: By whole Unix second, what reached the carrier.
    arrivals: Mapping[int, int]
    arrived: int
    doubled: int
    #: What the run says about itself.
    why: str
    holds: tuple[Hold, ...]
    #: What happened so far, each with its time.
    notes: tuple[tuple[datetime, str], ...]


def render(scene: Scene, width: int) -> RenderableType:
    """The whole picture, at most ``width`` columns wide and 22 lines high."""
    room = min(width, _WIDEST) - 2 * _MARGIN
    lines = [
        _headline(scene, room),
        Text(),
        *_chart(scene, room),
        Text(),
        *_progress(scene, room),
        Text(),
        _facts("outcomes", _outcomes(scene)),
        _facts("carrier", f"{scene.arrived:,} arrived · {_twice(scene.doubled)}"),
        _facts("status", scene.why, HELD if _held(scene) else ""),
        Text(),
        *(_note(*note) for note in scene.notes[-_SHOWN_NOTES:]),
    ]
    for line in lines:
        line.truncate(room, overflow="ellipsis")
        line.pad_left(_MARGIN)
    return Group(*lines)


def line(scene: Scene) -> str:
    """The moment in one line, for where there is no terminal."""
    return (
        f"{clock(scene.now)}  {scene.arrived:,} of {scene.total:,} arrived, "
        f"{scene.planned:,} planned by now, {rate(scene):,.0f}/s; {scene.why}"
    )


def clock(moment: datetime) -> str:
    """A time of day, UTC."""
    return f"{moment:%H:%M:%S}"


def rate(scene: Scene) -> float:
    """Messages per second over the last whole seconds."""
    end = int(scene.now.timestamp())
    return sum(scene.arrivals.get(end - n, 0) for n in range(1, _RATE_SECONDS + 1)) / _RATE_SECONDS


def _headline(scene: Scene, room: int) -> Text:
    timeline = scene.timeline
    length = int((timeline.finish - timeline.start).total_seconds())
    passed = min(max(int((scene.now - timeline.start).total_seconds()), 0), length)
    left = Text("Messages per second at the carrier", style="bold")
    right = f"{passed} s of {length} s"
    return left.append(" " * max(room - len(left) - len(right), 1)).append(right)


def _chart(scene: Scene, room: int) -> list[Text]:
    """Bars over the whole window: what arrived, what is held back, what is still to come."""
    columns = _columns(scene, room)
    top = max((column.height for column in columns), default=0.0) or 1.0
    rows = []
    for row in reversed(range(_ROWS)):
        text = Text()
        for column in columns:
            text.append(*column.cell(row, top))
        rows.append(text)
    return [*rows, *_axis(scene, len(columns))]


@dataclass(frozen=True, slots=True)
class _Column:
    """A stretch of time in the chart; ``height`` in messages per second."""

    height: float
    style: str

    def cell(self, row: int, top: float) -> tuple[str, str]:
        """What stands in ``row``, counted from the bottom."""
        steps = round(self.height / top * _ROWS * (len(_STEPS) - 1)) - row * (len(_STEPS) - 1)
        return _STEPS[min(max(steps, 0), len(_STEPS) - 1)], self.style


def _columns(scene: Scene, room: int) -> list[_Column]:
    length = _length(scene.timeline)
    each = max(1, math.ceil(length / room))
    wide = max(1, room // length) if each == 1 else 1
    return [
        column
        for second in range(0, length, each)
        for column in [_column(scene, second, each)] * wide
    ]


def _column(scene: Scene, second: int, seconds: int) -> _Column:
    start = scene.timeline.start + timedelta(seconds=second)
    end = start + timedelta(seconds=seconds)
    if end <= scene.now:
        first = int(start.timestamp())
        count = sum(scene.arrivals.get(first + n, 0) for n in range(seconds))
        return _Column(count / seconds, SENT)
    ahead = max(start, scene.now)
    messages = scene.ahead.by(end) - scene.ahead.by(ahead)
    return _Column(messages / (end - ahead).total_seconds(), AHEAD)


def _axis(scene: Scene, width: int) -> list[Text]:
    """The line under the bars, yellow where nothing is to be sent, and what it says."""
    timeline = scene.timeline
    by_hand = [Interval(h.pressed, h.resumed or scene.now) for h in scene.holds]
    line = Text("─" * width, style=AHEAD)
    done = _at(timeline, scene.now, width)
    line.stylize(SENT, 0, done)
    for pause in (*timeline.pauses, *by_hand):
        line.stylize(HELD, _at(timeline, pause.start, width), _at(timeline, pause.end, width))
    if timeline.start <= scene.now < timeline.finish:
        line.plain = f"{line.plain[:done]}▲{line.plain[done + 1 :]}"
    labels = Text(clock(timeline.start).ljust(width))
    end = clock(timeline.finish)
    named = [("pause", pause) for pause in timeline.pauses] + [("held", hold) for hold in by_hand]
    for word, pause in [*named, (end, Interval(timeline.finish, timeline.finish))]:
        _put(labels, word, min(_at(timeline, pause.start, width), width - len(word)))
    labels.stylize(AHEAD)
    for word in ("pause", "held"):
        labels.highlight_words([word], HELD)
    return [line, labels]


def _put(labels: Text, word: str, at: int) -> None:
    """Write ``word`` if nothing stands there yet."""
    around = labels.plain[max(at - 1, 0) : at + len(word) + 1]
    if not around.strip():
        labels.plain = f"{labels.plain[:at]}{word}{labels.plain[at + len(word) :]}"


def _at(timeline: Timeline, moment: datetime, width: int) -> int:
    part = (moment - timeline.start) / (timeline.finish - timeline.start)
    return min(max(round(part * width), 0), width)


def _progress(scene: Scene, room: int) -> list[Text]:
    width = max(room - 36, 5)
    return [
        _bar("arrived", scene.arrived, scene.total, width, SENT, f"of {scene.total:,}"),
        _bar("planned", scene.planned, scene.total, width, AHEAD, "by now"),
        _facts("rate", f"{rate(scene):>7,.0f} a second"),
    ]


def _bar(name: str, value: int, total: int, width: int, style: str, unit: str) -> Text:
    part = min(value / total, 1.0) if total else 1.0
    full = math.floor(part * width)
    text = _facts(name, f"{value:>7,} {unit:<10} ")
    text.append("━" * full, style).append("━" * (width - full), "grey23")
    return text.append(f" {part:>4.0%}")


def _facts(name: str, value: str, style: str = "") -> Text:
    return Text(f"{name:<9} ", style="bold").append(value, style or "not bold")


def _outcomes(scene: Scene) -> str:
    shown = {
        name: count
        for name, count in scene.counts.items()
        if count or name in ("accepted", "failed", "unknown")
    }
    return " · ".join(f"{count:,} {name}" for name, count in shown.items())


def _twice(count: int) -> str:
    return "nobody got it twice" if count == 0 else f"{count:,} got it twice"


def _held(scene: Scene) -> bool:
    by_hand = any(hold.resumed is None for hold in scene.holds)
    return by_hand or any(scene.now in pause for pause in scene.timeline.pauses)


def _note(moment: datetime, text: str) -> Text:
    return Text(f"{clock(moment)}  ", style=AHEAD).append(text, "default")


def _length(timeline: Timeline) -> int:
    return round((timeline.finish - timeline.start) / _ONE)
