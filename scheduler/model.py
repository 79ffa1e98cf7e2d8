"""What a tick sees and what it decides, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from campaigns.schedule.active import ActiveTime
from campaigns.schedule.adaptive import Health
from campaigns.schedule.windows import Interval
from scheduler.pacing import Line, Meter, Ramp, RampState

SliceKind = Literal["fresh", "returned", "retry"]

#: Classes of priority; a lower one is served first.
URGENT, NORMAL, BULK = range(3)
CLASSES = {"urgent": URGENT, "normal": NORMAL, "bulk": BULK}


class LaneKey(NamedTuple):
    """Names a lane."""

    run_id: int
    lane: int


class Limit(NamedTuple):
    """A limit beside the account's own, of a sender or a team. Messages per second."""

    key: str
    per_second: float


@dataclass(frozen=True, slots=True)
class Lane:
    """The part of a run that shares one calendar."""

    key: LaneKey
    #: Its rows are ``lo <= seq < hi``; those from ``next_seq`` on were never cut.
    lo: int
    hi: int
    next_seq: int
    #: Whenever it may send, and the part of that up to the finish.
    active: ActiveTime
    paced: ActiveTime
    #: Messages in waiting slices that were never tried: those that may be cut now, and all others.
    returned: int = 0
    later: int = 0
    line: Line | None = None
    gate: Interval | None = None

    @property
    def remaining(self) -> int:
        """Messages that are paced: neither handed out nor waiting for a retry."""
        return self.hi - self.next_seq + self.returned

    @property
    def handed_out(self) -> int:
        """Messages that were cut and did not come back untried."""
        return self.next_seq - self.lo - self.returned - self.later


@dataclass(frozen=True, slots=True)
class Run:
    """One run that is sending, as the tick finds it."""

    run_id: int
    provider: str
    starts_at: datetime
    #: End of the window that a throttled run keeps to; ``None``: it has none.
    finish: datetime | None
    lanes: tuple[Lane, ...]
    #: Held by hand, or because its account cannot carry it.
    paused: bool = False
    #: Spread over the window, or as fast as everything else allows.
    evenly: bool = True
    priority: int = NORMAL
    weight: int = 1
    #: SMS segments of one message, as far as the template tells.
    segments: int = 1
    #: Tells senders apart where an account limits each of them.
    sender: str = ""
    #: Limits that hold whichever account it goes through.
    limits: tuple[Limit, ...] = ()
    #: The campaign's own rate in messages per second, and how far it is used up.
    per_second: float | None = None
    meter: Meter | None = None
    #: Warm-up: how many messages each day may bring, and how many this day brought.
    ramp: Ramp | None = None
    ramped: RampState | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A provider, as the tick finds it."""

    name: str
    #: Messages (or segments) per second that it takes just now; ``None``: no ceiling.
    per_second: float | None
    #: Cut and not yet claimed, or handed back until later. The ledger counts messages, shares are
    #: computed in units (scheduler/outstanding.py).
    outstanding: int
    health: Health
    #: This account and those that take over for it, and how often each of them tries a message.
    chain: tuple[str, ...] = ()
    attempts: tuple[int, ...] = ()
    counts_segments: bool = False
    #: What it takes from each sender, in the units of ``per_second``.
    per_sender: float | None = None

    def cost(self, run: Run) -> int:
        """Units of ``per_second``, and of every limit here, that a message of ``run`` takes."""
        return run.segments if self.counts_segments else 1

    def limits(self, run: Run) -> tuple[Limit, ...]:
        """Every limit beside the account's own that holds for ``run`` here."""
        if self.per_sender is None:
            return run.limits
        return (Limit(f"sender:{self.name}:{run.sender}", self.per_sender), *run.limits)


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch ``lo <= seq < hi`` of one lane, or exactly ``seqs`` in it."""

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
    #: The only account that may try its rows again: what it was asked before is in doubt, and no
    #: other would recognise the repetition.
    bound_to: str | None = None
    #: How often a worker died with its rows claimed and not sent: one of them may be the cause.
    losses: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Slices of one provider that one worker sends, spread over ``spread``."""

    provider: str
    spread: Interval
    slices: tuple[Slice, ...]
    limits: tuple[Limit, ...] = ()
    #: Others at the account obey limits of their own, and need room between these messages.
    interleaved: bool = False

    @property
    def messages(self) -> int:
        return sum(piece.messages for piece in self.slices)


@dataclass(frozen=True, slots=True)
class LaneChange:
    """What the tick writes back to a lane."""

    key: LaneKey
    next_seq: int
    line: Line | None
    gate: Interval | None

    def as_json(self) -> dict[str, Any]:
        """The shape that ``update_lanes`` in tick.sql reads."""
        return {
            "run_id": self.key.run_id,
            "lane": self.key.lane,
            "next_seq": self.next_seq,
            "pace_remaining": self.line.remaining if self.line else None,
            "pace_until": self.line.until.isoformat() if self.line else None,
            "gate_opens_at": self.gate.start.isoformat() if self.gate else None,
            "gate_closes_at": self.gate.end.isoformat() if self.gate else None,
        }


@dataclass(frozen=True, slots=True)
class RunChange:
    """What the tick writes back to a run with a rate or a warm-up of its own."""

    run_id: int
    meter: Meter | None
    ramped: RampState | None

    def as_json(self) -> dict[str, Any]:
        """The shape that ``update_runs`` in tick.sql reads."""
        return {
            "run_id": self.run_id,
            "metered_credit": self.meter.credit if self.meter else None,
            "metered_until": self.meter.until.isoformat() if self.meter else None,
            "ramp_day": self.ramped.day if self.ramped else None,
            "ramp_base": self.ramped.base if self.ramped else None,
        }
