"""What a trial leaves behind, in the form in which it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cli.carrier.log import Arrival


@dataclass(frozen=True, slots=True)
class Closed:
    """When nothing of a campaign was to arrive: ``[begin, end)`` in Unix seconds."""

    begin: float
    end: float
    why: str


@dataclass(frozen=True, slots=True)
class Promise:
    """What a campaign was to do."""

    name: str
    #: Who was to get the message, unless one opted out.
    expected: frozenset[str]
    closed: tuple[Closed, ...]
    #: By address: when the opt-out began to be recorded, and when it was.
    opted_out: Mapping[str, tuple[float, float]]
    may_expire: bool
    stopped: bool
    #: Refusals for a while after which a recipient counts as failed.
    max_attempts: int
    #: Addresses for which the provider reported a delivery, and this was acknowledged.
    reported: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger at the end."""

    seq: int
    address: str
    status: str
    attempts: int
    token: str | None
    code: str | None
    error_class: str | None
    #: Unix seconds.
    claimed_at: float | None
    settled_at: float | None
    report: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a campaign at the end, with its rows."""

    id: int
    promise: Promise
    status: str
    reason: str | None
    total: int
    counters: Mapping[str, int]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Death:
    """The end of a process."""

    role: str
    at: float
    #: ``kill``, ``terminate``, a failpoint, or ``crash`` where nobody did it.
    how: str
    #: Its last words, for a crash.
    words: str = ""


@dataclass(frozen=True, slots=True)
class Stall:
    """A process, or a thread of it, that stood still."""

    role: str
    begin: float
    end: float
    #: The failpoint, or ``halt``.
    how: str


@dataclass(frozen=True, slots=True)
class Raised:
    """An error that a failpoint raised."""

    role: str
    at: float
    point: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything about one trial."""

    runs: Sequence[Run]
    #: Campaigns that never got a run, or more than one.
    without_run: Sequence[str]
    arrivals: Sequence[Arrival]
    deaths: Sequence[Death] = ()
    stalls: Sequence[Stall] = ()
    raised: Sequence[Raised] = ()
    #: When the carrier hung up on everybody.
    outages: Sequence[tuple[float, float]] = ()
    #: Whether what dead senders had written down on their disks was gone with them.
    forgetful: bool = False
    #: By kind, how often a server was hit.
    server_faults: Mapping[str, int] = field(default_factory=dict)
    #: Why the trial was given up; empty: everything was finished in time.
    unfinished: str = ""


def unix(moment: datetime | None) -> float | None:
    """Unix seconds."""
    return None if moment is None else moment.timestamp()
