"""What becomes of each occurrence of a campaign: it starts, waits, is skipped, or is missed.

Three policies decide, in this order, about the occurrences that are due:

==============  ============================================================================
start_deadline  later than this after its time, an occurrence does not start any more
catch_up        of occurrences more than :data:`LATE` behind (the scheduler was down, or they
                waited): ``skip`` none starts, ``one`` the latest, unless one that is not late
                is due as well, ``all`` the latest ``catch_up_cap``
overlap         while a run of the campaign is open: ``skip`` the occurrence does not start,
                ``queue`` it waits, ``allow`` it starts beside
==============  ============================================================================

Every occurrence ends in exactly one way, because they are decided in their order, and the decision
stops at the first one that has to wait: that one is ``next_dt``, and nothing after it was touched.

Pure: takes ``now``, does no I/O. All times are UTC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

Overlap = Literal["skip", "queue", "allow"]
CatchUp = Literal["skip", "one", "all"]

#: An occurrence that starts no later than this is on time.
LATE = timedelta(seconds=60)

#: How many dropped occurrences are listed one by one; the others are only counted.
MOST_LISTED = 100

#: How many occurrences one decision looks at. What is left after a long downtime, it takes up in
#: the next one.
MOST_DECIDED = 2_000


class Times(Protocol):
    """The occurrences: a :class:`campaigns.schedule.recurrence.Rule`, or a :class:`Single` one."""

    def after(self, moment: datetime, *, inclusive: bool = False) -> datetime | None:
        """The first occurrence after ``moment``, or at it if ``inclusive``."""
        ...

    def between(self, lo: datetime, hi: datetime, *, limit: int) -> list[datetime]:
        """The first ``limit`` occurrences with ``lo <= occurrence < hi``."""
        ...

    def last(self) -> datetime | None:
        """The last occurrence; ``None``: there is no end."""
        ...


@dataclass(frozen=True, slots=True)
class Single:
    """The one time of a campaign that is sent ``now`` or ``once``."""

    moment: datetime

    def after(self, moment: datetime, *, inclusive: bool = False) -> datetime | None:
        """See :class:`Times`."""
        is_ahead = self.moment > moment or (inclusive and self.moment == moment)
        return self.moment if is_ahead else None

    def between(self, lo: datetime, hi: datetime, *, limit: int) -> list[datetime]:
        """See :class:`Times`."""
        return [self.moment] if limit > 0 and lo <= self.moment < hi else []

    def last(self) -> datetime:
        """See :class:`Times`."""
        return self.moment


@dataclass(frozen=True, slots=True)
class Series:
    """The occurrences of one campaign and its policies.

    To a :class:`Single` one only ``start_deadline`` and ``jitter`` apply: it has nothing that it
    could overlap or catch up with.
    """

    campaign: UUID
    times: Times
    overlap: Overlap = "skip"
    #: Counted from the occurrence plus its jitter. ``None``: it starts however late.
    start_deadline: timedelta | None = None
    catch_up: CatchUp = "one"
    catch_up_cap: int = 10
    #: How much later than its time an occurrence may start; whole seconds.
    jitter: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Start:
    """A run to be created."""

    occurrence: datetime
    #: ``occurrence`` plus jitter. In the past, if it is late.
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Dropped:
    """Occurrences that do not start."""

    #: How many there are.
    count: int = 0
    #: The latest :data:`MOST_LISTED` of them, ascending.
    latest: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """What to do now, and where to go on."""

    starts: tuple[Start, ...]
    #: A run was open (overlap).
    skipped: Dropped
    #: Too late (start_deadline, catch_up).
    missed: Dropped
    #: The first occurrence that nothing was decided about yet; ``None``: the series is over.
    next_dt: datetime | None
    #: ``next_dt`` is due, but has to wait until the open runs are finished.
    waiting: bool = False


def due(
    series: Series,
    next_dt: datetime | None,
    now: datetime,
    *,
    open_runs: int,
    lead: timedelta,
) -> Due:
    """Decides about the occurrences from ``next_dt`` on that are due at ``now``.

    An occurrence is due ``lead`` before its ``starts_at``, so that its run can be prepared; or
    earlier, if a later occurrence with less jitter is due. ``open_runs`` is the number of the
    campaign's unfinished runs.
    """
    if next_dt is None:
        return Due((), Dropped(), Dropped(), None)
    pending = _pending(series, next_dt, now + lead)
    starts: list[Start] = []
    skipped: list[datetime] = []
    missed: list[datetime] = []
    waiting = False
    candidates = _candidates(pending, now + lead)
    startable = _startable(series, candidates, now)
    for each in candidates[: _decidable(series, pending)]:
        if each not in startable:
            missed.append(each.occurrence)
            continue
        verdict = _verdict(series, each, now, open_runs + len(starts))
        if verdict == "start":
            starts.append(each)
        elif verdict == "skip":
            skipped.append(each.occurrence)
        else:
            waiting = True
            break
    undecided = pending[len(starts) + len(skipped) + len(missed) :]
    return Due(
        tuple(starts),
        _dropped(skipped),
        _dropped(missed),
        undecided[0].occurrence if undecided else _beyond(series, pending, next_dt),
        waiting,
    )


def starts_at(series: Series, occurrence: datetime) -> datetime:
    """``occurrence`` plus its jitter, which depends on nothing but it and the campaign."""
    most = series.jitter // timedelta(seconds=1)
    seed = f"{series.campaign} {occurrence.astimezone(UTC).isoformat()}".encode()
    number = int.from_bytes(hashlib.sha256(seed).digest()[:8])
    return occurrence + timedelta(seconds=number % (most + 1))


def _pending(series: Series, next_dt: datetime, horizon: datetime) -> list[Start]:
    """The occurrences from ``next_dt`` to ``horizon``, at most one more than can be decided."""
    # The end of `between` is exclusive, and occurrences are whole seconds.
    beyond = horizon + timedelta(microseconds=1)
    found = series.times.between(next_dt, beyond, limit=MOST_DECIDED + 1)
    return [Start(occurrence, starts_at(series, occurrence)) for occurrence in found]


def _candidates(pending: Sequence[Start], horizon: datetime) -> Sequence[Start]:
    """Up to the last one that is due; those before it are taken along, to keep the order."""
    due_at = [index for index, each in enumerate(pending) if each.starts_at <= horizon]
    return pending[: due_at[-1] + 1] if due_at else []


def _decidable(series: Series, pending: Sequence[Start]) -> int:
    """How many to decide about: not the last ones, if what follows them was not looked at."""
    if len(pending) <= MOST_DECIDED:
        return len(pending)
    kept = {"skip": 0, "one": 1, "all": min(series.catch_up_cap, MOST_DECIDED // 2)}
    return MOST_DECIDED - kept[series.catch_up]


def _startable(series: Series, candidates: Sequence[Start], now: datetime) -> set[Start]:
    """What the start deadline and the catch-up let through."""
    deadline = series.start_deadline
    in_time = [each for each in candidates if deadline is None or now - each.starts_at <= deadline]
    if isinstance(series.times, Single):
        return set(in_time)
    late = [each for each in in_time if now - each.starts_at > LATE]
    punctual = set(in_time).difference(late)
    wanted = {"skip": 0, "one": 0 if punctual else 1, "all": series.catch_up_cap}
    return punctual.union(late[max(len(late) - wanted[series.catch_up], 0) :])


def _verdict(
    series: Series, start: Start, now: datetime, open_runs: int
) -> Literal["start", "skip", "wait"]:
    """What the overlap policy says while ``open_runs`` are open."""
    if open_runs == 0 or series.overlap == "allow" or isinstance(series.times, Single):
        return "start"
    # The open run may be finished by the time that this one should start.
    return "skip" if series.overlap == "skip" and start.starts_at <= now else "wait"


def _beyond(series: Series, pending: Sequence[Start], next_dt: datetime) -> datetime | None:
    if pending:
        return series.times.after(pending[-1].occurrence)
    return series.times.after(next_dt, inclusive=True)


def _dropped(occurrences: Sequence[datetime]) -> Dropped:
    return Dropped(len(occurrences), tuple(occurrences[-MOST_LISTED:]))
