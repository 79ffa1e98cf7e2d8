"""The curve of a plan as a picture for a report (SVG 1.1, without scripts and other files). Pure,
but for :func:`write`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from html import escape
from pathlib import Path

from campaigns.errors import Unavailable
from campaigns.schedule.local import to_local
from campaigns.schedule.windows import Interval, subtract
from cli.planning import scale
from cli.planning.chart import span
from cli.planning.plan import Plan
from scheduler.forecast import curve

WIDTH, HEIGHT = 960, 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 28, 92, 76
_AMOUNTS, _TIMES = 5, 8
#: Width of a character of the small text; nothing measures text here.
_CHARACTER = 6.6
#: Characters of the largest text that fit.
_LONGEST_NAME = 80

_STYLE = """
    text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 12px;
           fill: #57606a }
    .title { font-size: 18px; font-weight: 600; fill: #1f2328 }
    .paper { fill: #ffffff }
    .grid { stroke: #d8dee4; stroke-width: 1 }
    .axis { stroke: #57606a; stroke-width: 1 }
    .closed { fill: #eaeef2 }
    .pause { fill: #ffe8c2 }
    .area { fill: #0969da; fill-opacity: 0.10 }
    .curve { fill: none; stroke: #0969da; stroke-width: 2; stroke-linejoin: round }
    .mark { stroke: #cf222e; stroke-width: 1; stroke-dasharray: 4 3 }
    .middle { text-anchor: middle }
    .end { text-anchor: end }"""


def picture(plan: Plan) -> str:
    """The SVG document: cumulative messages over local time, pauses and closed hours shaded."""
    return _Picture(plan).svg()


def write(path: Path, text: str) -> None:
    """Write the picture; raises ``Unavailable`` where that is not possible."""
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise Unavailable(f"{path}: cannot be written ({error.strerror or error}).") from None


class _Picture:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        shown = span(plan)
        # A margin in time keeps the last step off the frame, and makes room for a single instant.
        rim = max(shown.length * 0.02, timedelta(seconds=1))
        self._span = Interval(shown.start, shown.end + rim)
        self._amounts = scale.amounts(plan.recipients.total, _AMOUNTS)

    def svg(self) -> str:
        title = escape(f"{self._plan.campaign.name}: plan")
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
                f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="title">',
                f'  <title id="title">{_clean(title)}</title>',
                f"  <style>{_STYLE}\n  </style>",
                f'  <rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
                *(f"  {element}" for element in self._elements()),
                "</svg>\n",
            ]
        )

    def _elements(self) -> Iterator[str]:
        yield from self._heading()
        shades = list(self._shades())
        yield from (self._shade(part, kind) for part, kind in shades)
        yield from self._grid()
        yield from self._curve()
        yield from self._marks()
        yield from self._legend({kind for _, kind in shades})

    def _heading(self) -> Iterator[str]:
        plan = self._plan
        facts = [f"{plan.recipients.total:,} recipients"]
        if plan.ceilings:
            facts.append(f"at most {plan.ceilings[0].rate} ({plan.ceilings[0].owner})")
        found = plan.run.forecast
        if found.finish is not None and not found.left:
            facts.append(f"expected finish {self._clock(found.finish)}")
        if found.left:
            facts.append(f"{found.left:,} left in the end")
        yield _text(_LEFT, 34, _cut(plan.campaign.name), "title")
        yield _text(_LEFT, 56, " · ".join(facts))
        yield _text(_LEFT, _TOP - 10, "messages sent")

    def _shades(self) -> Iterator[tuple[Interval, str]]:
        """Pauses, and on other ground whatever else is closed."""
        run, shown = self._plan.run, self._span
        closed = run.closed(shown.start, min(shown.end, run.last_sign))
        pauses = run.pauses()
        for hole in closed:
            open_again = subtract(hole, pauses)
            for part in open_again:
                yield part, "closed"
            for part in subtract(hole, open_again):
                yield part, "pause"

    def _grid(self) -> Iterator[str]:
        plan, foot = self._plan, HEIGHT - _BOTTOM
        for amount in self._amounts:
            y = self._y(amount)
            yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>'
            yield _text(_LEFT - 8, y + 4, f"{amount:,}", "end")
        yield f'<path class="axis" d="M{_LEFT} {foot}H{WIDTH - _RIGHT}"/>'
        times = scale.moments(self._span.start, self._span.end, plan.campaign.timezone, _TIMES)
        for moment, label in times:
            x = self._x(moment)
            yield f'<path class="axis" d="M{x:.1f} {foot}v5"/>'
            yield _text(x, foot + 19, label, "middle")
        first, last = (
            to_local(m, plan.campaign.timezone) for m in (self._span.start, self._span.end)
        )
        days = f"{first:%d %B %Y}"
        if last.date() != first.date():
            days += f" to {last:%d %B %Y}"
        yield _text(WIDTH - _RIGHT, HEIGHT - 18, f"{days}, time in {plan.campaign.timezone}", "end")

    def _curve(self) -> Iterator[str]:
        """Corners, level between pieces, and level to the end."""
        points: list[tuple[float, float]] = [(self._x(self._span.start), self._y(0))]
        for moment, messages in curve(self._plan.run.forecast):
            points.append((self._x(moment), self._y(messages)))
        points.append((self._x(self._span.end), points[-1][1]))
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in _distinct(points))
        foot = self._y(0)
        yield f'<polygon class="area" points="{path} {points[-1][0]:.1f},{foot:.1f}"/>'
        yield f'<polyline class="curve" points="{path}"/>'

    def _marks(self) -> Iterator[str]:
        """The finish and the expiry, where they are in sight; near ones share their words."""
        run = self._plan.run
        marks = {"finish": run.finish, "expiry": run.expiry}
        words: list[tuple[float, str]] = []
        for word, moment in marks.items():
            if moment is not None and self._span.start < moment <= self._span.end:
                x = self._x(moment)
                yield f'<path class="mark" d="M{x:.1f} {_TOP}V{HEIGHT - _BOTTOM}"/>'
                if words and x - words[-1][0] < (len(word) + 2) * _CHARACTER:
                    word = f"{words.pop()[1]}, {word}"
                words.append((x, word))
        yield from (_text(x, _TOP - 10, word, "end") for x, word in words)

    def _legend(self, kinds: Collection[str]) -> Iterator[str]:
        x: float = _LEFT
        for kind, word in (("pause", "pause"), ("closed", "closed hours")):
            if kind not in kinds:
                continue
            yield f'<rect class="{kind}" x="{x:.0f}" y="{HEIGHT - 28}" width="14" height="12"/>'
            yield _text(x + 20, HEIGHT - 18, word)
            x += 20 + len(word) * _CHARACTER + 24

    def _shade(self, part: Interval, kind: str) -> str:
        left, right = self._x(part.start), self._x(part.end)
        return (
            f'<rect class="{kind}" x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" '
            f'height="{HEIGHT - _BOTTOM - _TOP}"/>'
        )

    def _clock(self, moment: datetime) -> str:
        return f"{to_local(moment, self._plan.campaign.timezone):%d %B %H:%M:%S}"

    def _x(self, moment: datetime) -> float:
        part = (moment - self._span.start) / self._span.length
        return _LEFT + min(max(part, 0.0), 1.0) * (WIDTH - _LEFT - _RIGHT)

    def _y(self, messages: float) -> float:
        height = HEIGHT - _BOTTOM - _TOP
        return HEIGHT - _BOTTOM - messages / self._amounts[-1] * height


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _distinct(points: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Without those that fall on the one before: a year of days has more than there are pixels."""
    previous = None
    for x, y in points:
        point = (round(x, 1), round(y, 1))
        if point != previous:
            yield point
        previous = point


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:.1f}" y="{y:.1f}">{_clean(escape(words))}</text>'


def _clean(text: str) -> str:
    """Without the characters that XML 1.0 has no way to write."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
