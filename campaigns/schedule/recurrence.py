"""The occurrences of a recurring campaign: an RRULE in a time zone, more times, fewer times.

Meaning, where RFC 5545 leaves it open or schedulers differ from calendars:

- Only times that match the rule are occurrences. A start that does not match is none, and does not
  count for COUNT.
- A date that does not exist (30 February) is left out. A time that does not exist, because clocks
  go forward over it, happens at the first instant after the gap, once. (The RFC leaves it out too;
  a campaign that was promised for every day should not miss one.)
- A time that exists twice happens the first time, once.
- HOURLY counts absolute hours; see :class:`campaigns.schedule.hours.AbsoluteHours`.
- UNTIL is inclusive; a date alone lasts until its end, local time.
- COUNT counts the times of the rule before exclusions, as the RFC does.
- Nothing happens after the year 2099.

Pure: no clock, no I/O. All instants are UTC, in whole seconds.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import islice

from campaigns.campaign.times import LATEST, render
from campaigns.errors import Invalid
from campaigns.schedule import local
from campaigns.schedule.expansion import Expansion, WallClock
from campaigns.schedule.hours import AbsoluteHours
from campaigns.schedule.rule_text import FIELD, Recur, StatedStart, read

#: How far from the start the first occurrence may lie.
HORIZON = timedelta(days=3653)

MOST_EXDATES = 1_000
MOST_RDATES = 1_000

#: What :meth:`Rule.between` returns at most, unless told otherwise.
MOST_LISTED = 1_000


def parse(
    text: str,
    *,
    zone: str,
    start: datetime,
    exdates: Sequence[datetime] = (),
    rdates: Sequence[datetime] = (),
) -> Rule:
    """The series that starts at ``start``, with the clocks of ``zone``, which is a checked name.

    ``text`` is an RRULE (see :mod:`campaigns.schedule.rule_text`); a DTSTART line in it must say
    the same as ``start``. ``exdates`` and ``rdates`` are instants to leave out and to add; an
    instant in both is left out.

    Raises:
        Invalid: the rule is not acceptable or has no occurrence within ten years of the start, or
            there are too many exclusions or additions.
    """
    if len(exdates) > MOST_EXDATES:
        raise Invalid("schedule_exdates", len(exdates), f"entries are more than {MOST_EXDATES:,}")
    if len(rdates) > MOST_RDATES:
        raise Invalid("schedule_rdates", len(rdates), f"entries are more than {MOST_RDATES:,}")
    moments = _whole(start), tuple(map(_whole, exdates)), tuple(map(_whole, rdates))
    return _parsed(text, zone, *moments)


def stated_start(text: str, *, zone: str) -> datetime | None:
    """The instant of the DTSTART line in ``text``, for requests without a start of their own.

    ``zone`` is the campaign's. A TZID other than it is refused, because the rule would then be read
    on other clocks than was meant.

    Raises:
        Invalid: the text is not acceptable.
    """
    _, stated = read(text)
    return _instant(stated, zone) if stated else None


@dataclass(frozen=True)
class Rule:
    """A series of occurrences. Every search in it is bounded. Made by :func:`parse`."""

    recur: Recur
    zone: str
    start: datetime
    exdates: frozenset[datetime] = frozenset()
    #: Sorted.
    rdates: tuple[datetime, ...] = ()

    def first(self) -> datetime | None:
        """The first occurrence; ``None``: there is none."""
        return self.after(self.start, inclusive=True)

    def last(self) -> datetime | None:
        """The last occurrence; ``None``: the series is endless, or it has no occurrence at all."""
        if self._end is None:
            return None
        matching = (each for each in self._descending(self._end) if each not in self.exdates)
        added = [each for each in self.rdates if each not in self.exdates]
        return max([*islice(matching, 1), *added], default=None)

    def after(self, moment: datetime, *, inclusive: bool = False) -> datetime | None:
        """The first occurrence after ``moment``, or at it if ``inclusive``; ``None``: all over."""
        found = self._from(moment)
        return next((each for each in found if each > moment or inclusive), None)

    def between(self, lo: datetime, hi: datetime, *, limit: int = MOST_LISTED) -> list[datetime]:
        """The first ``limit`` occurrences with ``lo <= occurrence < hi``."""
        found: list[datetime] = []
        for occurrence in islice(self._from(lo), limit):
            if occurrence >= hi:
                break
            found.append(occurrence)
        return found

    def matches_within(self, horizon: datetime) -> bool:
        """Whether the rule itself, before exclusions, has an occurrence up to ``horizon``."""
        # COUNT allows one at least, and to look for its end would be a longer search.
        end = min(self._until or LATEST, horizon)
        return next(self._matching(self.start, end), None) is not None

    def _from(self, lo: datetime) -> Iterator[datetime]:
        """Every occurrence from ``lo`` on, ascending, each once."""
        added = self.rdates[bisect_left(self.rdates, lo) :]
        previous = None
        for moment in heapq.merge(self._matching(lo, self._end or LATEST), added):
            if moment != previous and moment not in self.exdates:
                yield moment
            previous = moment

    def _matching(self, lo: datetime, end: datetime) -> Iterator[datetime]:
        """The instants of the rule alone from ``lo`` to ``end``, ascending."""
        lo = max(lo, self.start)
        if lo > end:
            return
        source = self._expansion
        reading = source.reading(lo)
        for index in self._blocks(lo, end):
            block = source.block(index)
            for position in range(bisect_left(block, reading), len(block)):
                moment = source.instant(block[position])
                if moment > end:
                    return
                if moment >= lo:
                    yield moment

    def _descending(self, end: datetime) -> Iterator[datetime]:
        """The instants of the rule alone up to ``end``, the latest first."""
        source = self._expansion
        for index in reversed(self._blocks(self.start, end)):
            block = source.block(index)
            beyond = bisect_right(
                range(len(block)), end, key=lambda position: source.instant(block[position])
            )
            for position in reversed(range(beyond)):
                moment = source.instant(block[position])
                if moment < self.start:
                    return
                yield moment

    def _blocks(self, lo: datetime, end: datetime) -> range:
        """The blocks that can hold instants from ``lo`` to ``end``."""
        source = self._expansion
        # The time of the last instant may be a little later than its reading.
        beyond = source.index(source.reading(end)) + 2
        return range(max(source.index(source.reading(lo)), 0), beyond)

    @cached_property
    def _expansion(self) -> Expansion:
        kind = AbsoluteHours if self.recur.freq == "HOURLY" else WallClock
        return kind(self.recur, self.start, self.zone)

    @cached_property
    def _end(self) -> datetime | None:
        """The last instant that UNTIL or COUNT allow."""
        count = self.recur.count
        return self._until if count is None else self._end_of_count(count)

    @cached_property
    def _until(self) -> datetime | None:
        until = self.recur.until
        if until is None or until.year >= LATEST.year:
            return until and LATEST
        return until if until.tzinfo else local.readings(until, self.zone)[1]

    def _end_of_count(self, count: int) -> datetime:
        """Adds up the sizes of blocks, so that it need not look at each occurrence."""
        source = self._expansion
        reading = source.reading(self.start)
        for index in self._blocks(self.start, LATEST):
            block = source.block(index)
            first = bisect_left(block, reading)
            while first < len(block) and source.instant(block[first]) < self.start:
                first += 1
            if count <= len(block) - first:
                return source.instant(block[first + count - 1])
            count -= len(block) - first
        return LATEST


@lru_cache(maxsize=1024)
def _parsed(
    text: str,
    zone: str,
    start: datetime,
    exdates: tuple[datetime, ...],
    rdates: tuple[datetime, ...],
) -> Rule:
    recur, stated = read(text)
    if stated is not None and _instant(stated, zone) != start:
        raise Invalid(FIELD, "DTSTART", "must be the same time as scheduled_send_date")
    if early := [moment for moment in rdates if moment < start]:
        raise Invalid("schedule_rdates", render(early[0]), "must not lie before the start")
    rule = Rule(recur, zone, start, frozenset(exdates), tuple(sorted(rdates)))
    if not rule.matches_within(start + HORIZON):
        raise Invalid(FIELD, text, "must have an occurrence within ten years of its start")
    if rule.first() is None:
        raise Invalid("schedule_exdates", len(exdates), "entries exclude every occurrence")
    return rule


def _instant(stated: StatedStart, zone: str) -> datetime:
    if stated.zone not in (None, zone):
        raise Invalid(FIELD, f"TZID={stated.zone}", f"must be the campaign's time zone, {zone}")
    if stated.moment.tzinfo is not None:
        return stated.moment
    return local.to_utc(stated.moment, zone)


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
