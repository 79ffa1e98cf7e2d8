"""What a campaign will bring: how many messages have left by when, and how it ends.

The same arithmetic as a tick's, in the large: active time, lines, warm-up and the closing of gates
mean here what they mean there. It foretells a run that has its account to itself, whose provider
takes what it promised, and of which nobody is suppressed on the way.

Pure: takes ``now``, does no I/O. Counts are messages, rates messages per second, times UTC.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from campaigns.schedule.flow import Closing, Flow, Pace, Piece, Turn, flow
from scheduler import pacing
from scheduler.demand import MARGIN
from scheduler.pacing import GUARD, QUANTUM, TAIL, Ramp

#: On average a tick plans the end of an interval so long before it.
_HURRIED = TAIL + GUARD + QUANTUM / 2
CLOSING = Closing(
    hurried=_HURRIED.total_seconds(),
    spread=(GUARD + MARGIN).total_seconds(),
    gate=GUARD.total_seconds(),
)

#: What is below this is a remainder of floating-point arithmetic, and no message.
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a run goes on from the moment it was asked for."""

    total: int
    #: The linear pieces of the curve; between two of them nothing leaves.
    pieces: tuple[Piece, ...]
    #: When the last message leaves; ``None``: none does, or nobody can say, because no limit holds.
    finish: datetime | None
    #: Messages for which there is no room before the end.
    left: int
    #: Messages that do not leave before the first finish; those left are among them.
    late: int
    #: ``left`` by lane, in the order in which they were given.
    left_by_lane: tuple[int, ...] = ()

    def expected_by(self, moment: datetime) -> float:
        """How many messages should have left by ``moment``."""
        return Flow(self.pieces, ()).by(moment)

    def count_by(self, moment: datetime) -> int:
        """The whole messages of :meth:`expected_by`."""
        return math.floor(self.expected_by(moment) + _ROUNDING)


def forecast(
    messages: Sequence[int],
    turns: Iterable[Turn],
    now: datetime,
    *,
    evenly: bool,
    per_second: float | None = None,
    ramp: Ramp | None = None,
    starts_at: datetime | None = None,
) -> Forecast:
    """What becomes of the ``messages`` of each lane from ``now`` on.

    ``turns`` are those of the window, the present one first; there is more than one where the
    leftover policy waits for the next window. ``per_second`` is the lowest of the ceilings of
    account, sender, team and campaign. A ``ramp`` counts its days from ``starts_at``.
    """
    pace = Pace(
        evenly=evenly,
        per_second=per_second,
        allowance=None if ramp is None else lambda day: pacing.allowance(ramp, day),
        began=starts_at,
        closing=CLOSING,
    )
    finishes: list[datetime] = []

    def noted() -> Iterable[Turn]:
        for turn in turns:
            if turn.finish is not None:
                finishes.append(turn.finish)
            yield turn

    found = flow(messages, noted(), pace, now)
    total = sum(messages)
    left = math.ceil(sum(found.left) - _ROUNDING)
    by_lane = tuple(math.ceil(each - _ROUNDING) for each in found.left)
    late = total - math.floor(found.by(finishes[0]) + _ROUNDING) if finishes else 0
    return Forecast(total, found.pieces, _finish(found), left, late, by_lane)


def curve(forecast: Forecast) -> list[tuple[datetime, float]]:
    """The corners of the cumulative curve: moments, and how many messages have left by then."""
    points: list[tuple[datetime, float]] = []
    for piece in forecast.pieces:
        for point in ((piece.start, piece.before), (piece.end, piece.after)):
            if not points or points[-1] != point:
                points.append(point)
    return points


def _finish(found: Flow) -> datetime | None:
    if not found.pieces:
        return None
    last = found.pieces[-1]
    return last.end if last.end > last.start else None
