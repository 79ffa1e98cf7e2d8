"""What a tick sees and what it decides, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from campaigns.schedule.windows import Interval, Window
from scheduler.pacing import Line

SliceKind = Literal["fresh", "returned", "retry"]


@dataclass(frozen=True, slots=True)
class RunState:
    """One run that is sending, as the tick finds it."""

    run_id: int
    lane: int
    provider: str
    #: Rows of this lane from here on were never cut, up to ``hi``.
    next_seq: int
    hi: int
    #: Messages in waiting slices that may be cut now.
    returned: int
    retries: int
    window: Window
    #: Held by hand, or because its account cannot carry it.
    paused: bool
    is_test: bool
    line: Line | None
    gate: Interval | None

    @property
    def key(self) -> tuple[int, int]:
        """Run and lane."""
        return self.run_id, self.lane

    @property
    def remaining(self) -> int:
        """Messages that are paced: neither handed out nor waiting for a retry."""
        return self.hi - self.next_seq + self.returned


@dataclass(frozen=True, slots=True)
class Account:
    """A provider, as the tick finds it."""

    name: str
    #: Messages per second; ``None``: no ceiling.
    per_second: float | None
    #: Cut and not yet claimed.
    outstanding: int
    cooling: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch ``lo <= seq < hi`` of one run, or exactly ``seqs`` in it."""

    run_id: int
    lane: int
    kind: SliceKind
    lo: int
    hi: int
    messages: int
    seqs: Sequence[int] | None = None
    #: Id of the waiting slice that this one was read from.
    slice_id: int | None = None
    not_before: datetime | None = None
    #: How often its rows were tried.
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Slices of one provider that one worker sends, spread over ``spread``."""

    provider: str
    spread: Interval
    slices: tuple[Slice, ...]

    @property
    def messages(self) -> int:
        return sum(piece.messages for piece in self.slices)


@dataclass(frozen=True, slots=True)
class RunChange:
    """What the tick writes back to a lane."""

    run_id: int
    lane: int
    next_seq: int
    line: Line | None
    gate: Interval | None

    def as_json(self) -> dict[str, Any]:
        """The shape that ``update_lanes`` in tick.sql reads."""
        return {
            "run_id": self.run_id,
            "lane": self.lane,
            "next_seq": self.next_seq,
            "pace_remaining": self.line.remaining if self.line else None,
            "pace_until": self.line.until.isoformat() if self.line else None,
            "gate_opens_at": self.gate.start.isoformat() if self.gate else None,
            "gate_closes_at": self.gate.end.isoformat() if self.gate else None,
        }
