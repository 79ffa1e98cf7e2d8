"""The verdict on a demo, from the carrier's own log and the made-up people alone.

Pure. Times in the log are Unix seconds. Who was to get what comes from :mod:`cli.demo.data`;
neither Sluice's database nor its report is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from campaigns.schedule.windows import Interval, active_intervals, active_seconds, subtract
from cli.carrier.log import Arrival, digits, judge, per_interval, received
from cli.demo.timeline import Timeline

#: A request that was granted before the button was pressed may still be on its way for so long.
GRACE = timedelta(milliseconds=300)

#: Evenness is looked at in stretches of about so many seconds.
STRETCH = 5.0


@dataclass(frozen=True, slots=True)
class Hold:
    """A pause by hand. ``returned`` is when the call that pauses came back."""

    pressed: datetime
    returned: datetime
    resumed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the log says."""

    #: How many people were to get the message.
    expected: int
    #: How many people got one, expected or not.
    received: int
    doubled: int
    missing: int
    unexpected: int
    #: Messages that do not read as they must.
    misread: int
    #: Requests in a scheduled pause, however close to its ends.
    in_pauses: int
    #: Requests while the campaign was held by hand, from :data:`GRACE` after the call on.
    while_held: int
    #: Requests before the start or after the finish.
    outside_window: int
    #: From the press of the button to the last request, in seconds; 0: none came any more.
    silent_after: float
    #: From the last message to the finish, in seconds; ``None`` without any message.
    spare: float | None
    #: By stretch of active time, messages as a part of what was due there: 1 is exact.
    evenness: tuple[float, ...]

    @property
    def clean(self) -> bool:
        """Everybody who was to get it got it once, rightly and in time, and nobody else did."""
        return not (
            self.doubled
            or self.missing
            or self.unexpected
            or self.misread
            or self.in_pauses
            or self.while_held
            or self.outside_window
        )

    @property
    def deviation(self) -> float:
        """The largest distance of any stretch from its share, as a part of the share."""
        return max((abs(part - 1) for part in self.evenness), default=0.0)


def conclude(
    arrivals: Sequence[Arrival],
    expected: Mapping[str, str],
    timeline: Timeline,
    holds: Sequence[Hold],
) -> Judgement:
    """Judge a finished demo. ``expected`` is each recipient's text by number."""
    closed = [(pause.start.timestamp(), pause.end.timestamp()) for pause in timeline.pauses]
    found = judge(arrivals, set(expected), closed)
    arrived = received(arrivals)
    finish = timeline.finish.timestamp()
    last = max((arrival.t for arrival in arrived), default=None)
    return Judgement(
        expected=found.expected,
        received=found.received,
        doubled=len(found.doubled),
        missing=len(found.missing),
        unexpected=len(found.unexpected),
        misread=sum(_is_misread(arrival, expected) for arrival in arrived),
        in_pauses=len(found.inside_closed),
        while_held=_within(arrivals, [(h.returned + GRACE, h.resumed) for h in holds]),
        outside_window=sum(
            not timeline.start.timestamp() <= arrival.t < finish for arrival in arrivals
        ),
        silent_after=max((last_after_press(arrivals, hold) for hold in holds), default=0.0),
        spare=None if last is None else finish - last,
        evenness=evenness(arrived, len(expected), timeline, holds),
    )


def last_after_press(arrivals: Sequence[Arrival], hold: Hold) -> float:
    """Seconds from the press of the button to the last request before it was released."""
    pressed = hold.pressed.timestamp()
    until = hold.resumed.timestamp() if hold.resumed else float("inf")
    return max((a.t - pressed for a in arrivals if pressed <= a.t < until), default=0.0)


def evenness(
    arrivals: Sequence[Arrival], total: int, timeline: Timeline, holds: Sequence[Hold]
) -> tuple[float, ...]:
    """Messages per stretch of active time, each as a part of its share of ``total``.

    A pause by hand bends the line: what was held back is spread over the time that is left. So the
    line is drawn again behind it, from the first message on.
    """
    result: list[float] = []
    active = [i for i in active_intervals(timeline.window) if i.end <= timeline.finish]
    left = total
    for part in _parts(arrivals, timeline, holds):
        rate = left / active_seconds(active, part.start, timeline.finish)
        pieces = [piece for interval in active for piece in _common(interval, part)]
        for stretch in (stretch for piece in pieces for stretch in _stretches(piece)):
            count = _count(arrivals, stretch)
            left -= count
            result.append(count / (rate * stretch.length.total_seconds()) if rate else 1.0)
    return tuple(result)


def _parts(
    arrivals: Sequence[Arrival], timeline: Timeline, holds: Sequence[Hold]
) -> list[Interval]:
    """The window, cut where it was held by hand."""
    gaps = []
    for hold in holds:
        resumed = (hold.resumed or timeline.finish).timestamp()
        again = min((a.t for a in arrivals if a.t >= resumed), default=resumed)
        again = min(again, timeline.finish.timestamp())
        gaps.append(Interval(hold.pressed, datetime.fromtimestamp(again, hold.pressed.tzinfo)))
    return subtract(Interval(timeline.start, timeline.finish), gaps)


def _common(one: Interval, other: Interval) -> list[Interval]:
    both = Interval(max(one.start, other.start), min(one.end, other.end))
    return [both] if both.start < both.end else []


def _stretches(interval: Interval) -> list[Interval]:
    """``interval`` in equal stretches of about :data:`STRETCH` seconds."""
    count = max(1, round(interval.length.total_seconds() / STRETCH))
    edges = [interval.start + interval.length * n / count for n in range(count + 1)]
    return [Interval(start, end) for start, end in pairwise(edges)]


def _count(arrivals: Sequence[Arrival], stretch: Interval) -> int:
    return per_interval(arrivals, [stretch.start.timestamp(), stretch.end.timestamp()])[0]


def _within(arrivals: Sequence[Arrival], closed: Sequence[tuple[datetime, datetime | None]]) -> int:
    spans = [(a.timestamp(), b.timestamp() if b else float("inf")) for a, b in closed]
    return sum(any(start <= a.t < end for start, end in spans) for a in arrivals)


def _is_misread(arrival: Arrival, expected: Mapping[str, str]) -> bool:
    wanted = expected.get(digits(arrival.to or ""))
    return wanted is not None and arrival.text != wanted
