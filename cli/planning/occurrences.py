"""The occurrences of a campaign that a plan lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise, product

from campaigns.campaign.store import Campaign
from campaigns.campaign.times import LATEST
from campaigns.errors import Invalid
from campaigns.schedule import local, recurrence
from campaigns.schedule.recurrence import Rule
from campaigns.schedule.rule_text import read

#: How many are looked at to count those of a series that ends.
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Listed:
    """The first ones that are still to come."""

    moments: tuple[datetime, ...]
    #: How many there are in all; ``None``: more than anybody counts, or endless.
    count: int | None
    #: The last one; ``None``: there is no end.
    last: datetime | None
    #: Those of ``moments`` whose local time does not exist, because clocks go forward over it.
    moved: tuple[datetime, ...] = ()

    @property
    def gap(self) -> timedelta | None:
        """The shortest distance of two that are listed; ``None`` for a single one."""
        pairs = pairwise(self.moments)
        return min((later - sooner for sooner, later in pairs), default=None)


def listed(campaign: Campaign, most: int) -> Listed:
    """At most so many of the occurrences of ``campaign``, which was checked."""
    first = campaign.next_dt or campaign.scheduled_send_date
    if campaign.schedule_rrule is None:
        return Listed((first,), 1, first)
    rule = recurrence.parse(
        campaign.schedule_rrule,
        zone=campaign.timezone,
        start=campaign.scheduled_send_date,
        exdates=campaign.schedule_exdates,
        rdates=campaign.schedule_rdates,
    )
    last = rule.last()
    count = None
    if last is not None:
        found = rule.between(first, last + timedelta(seconds=1), limit=MOST_COUNTED + 1)
        count = len(found) if len(found) <= MOST_COUNTED else None
    moments = rule.between(first, LATEST, limit=most)
    return Listed(tuple(moments), count, last, tuple(_moved(rule, moments)))


def start_moved(text: str | None, zone: str) -> datetime | None:
    """The local start of a DTSTART line in ``text`` if it does not exist, naive."""
    try:
        stated = read(text)[1] if text else None
    except Invalid:
        return None
    if stated is None or stated.moment.tzinfo is not None:
        return None
    meant = stated.moment
    return meant if local.to_local(local.to_utc(meant, zone), zone) != meant else None


def _moved(rule: Rule, moments: Sequence[datetime]) -> Iterator[datetime]:
    """Those at the first instant after a gap that no part of the rule names."""
    if rule.recur.freq == "HOURLY":
        return
    start = local.to_local(rule.start, rule.zone)
    named = set(
        product(
            rule.recur.by_hour or {start.hour},
            rule.recur.by_minute or {start.minute},
            rule.recur.by_second or {start.second},
        )
    )
    for moment in moments:
        shown = local.to_local(moment, rule.zone)
        if moment not in rule.rdates and (shown.hour, shown.minute, shown.second) not in named:
            yield moment
