"""When a campaign takes place: its start, and the occurrences of a recurring one.

Pure: takes ``now``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.campaign import times
from campaigns.campaign.model import CampaignSpec
from campaigns.errors import Invalid
from campaigns.schedule import recurrence
from campaigns.schedule.recurrence import Rule

#: How far in the past a start may lie when the request is read: clocks differ, queues take time.
TOLERANCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Plan:
    """When a campaign takes place."""

    #: What its finish, its expiry and its pauses belong to. Of a recurring one the first time that
    #: its rule names, be it taken out again by an exception.
    start: datetime
    #: The first occurrence that is still to come.
    next: datetime
    #: The last one of the series; ``None``: it is endless.
    last: datetime | None
    rule: Rule | None = None
    #: The text of ``rule``, without a DTSTART line.
    rrule: str | None = None

    def occurrences(self, most: int) -> list[datetime]:
        """The next ones, at most so many."""
        if self.rule is None:
            return [self.next]
        return self.rule.between(self.next, times.LATEST, limit=most)


def plan(
    spec: CampaignSpec,
    now: datetime,
    *,
    settled: datetime | None = None,
    since: datetime | None = None,
) -> Plan:
    """The plan of a campaign whose shape was checked.

    ``settled`` is the start that it has already: that one may lie in the past, and a series keeps
    it, whatever becomes of its rule. Occurrences before ``since`` do not come any more; by default
    those that are over by more than :data:`TOLERANCE`.

    Raises:
        Invalid: it starts in the past, its rule is none, or names no time that is still to come.
    """
    text = spec.schedule_rrule
    stated = recurrence.stated_start(text, zone=spec.timezone) if text else None
    start = spec.scheduled_send_date or stated or now.replace(microsecond=0)
    if start < now - TOLERANCE and start != settled:
        raise Invalid("scheduled_send_date", times.render(start), "must not lie in the past")
    if text is None:
        return Plan(start, start, start)
    # Raises where a DTSTART line says something else; beyond that, the line is of no use.
    first = recurrence.parse(text, zone=spec.timezone, start=start).first() or start
    text = text.strip().splitlines()[-1]
    if start != settled:
        # A rule that begins with the first time it names is the same rule.
        start = first
    rule = recurrence.parse(
        text,
        zone=spec.timezone,
        start=start,
        exdates=spec.schedule_exdates,
        rdates=spec.schedule_rdates,
    )
    since = since or now - TOLERANCE
    following = rule.after(since, inclusive=True)
    if following is None:
        raise Invalid("schedule_rrule", text, f"has no occurrence after {times.render(since)}")
    return Plan(start, following, rule.last(), rule, text)
