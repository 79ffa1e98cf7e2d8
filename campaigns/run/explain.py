"""Why a run is sending or not, in words, from what is known about it.

The order of the answers is the order of their power: what holds a run for certain comes before what
may only slow it. Pure: takes ``now``, does no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from campaigns.campaign import times
from campaigns.schedule.active import ActiveTime
from campaigns.schedule.calendars import Calendar
from campaigns.schedule.reasons import why_closed
from campaigns.schedule.windows import FOREVER, Window, active_intervals

#: A beat or a worker that was not seen for so long is missing. Both sign every few seconds.
MISSING_AFTER = timedelta(seconds=20)

_CAMPAIGN_ENDS = {
    "stopped": "the campaign was stopped",
    "failed": "the campaign failed",
    "deleted": "the campaign was deleted",
}
_RUN_ENDS = {
    "completed": "finished: everybody was dealt with",
    "empty": "finished: the audience was empty",
    "expired": "finished: it expired, and whoever was left got nothing",
    "stopped": "finished: it was stopped, and whoever was left got nothing",
    "poisoned": "finished: its message killed every worker, and whoever was left got nothing",
    "skipped": "skipped: an earlier run of the campaign was still open",
    "missed": "missed: it could not start in time",
}
_CLOSES = {
    "expired": "it expired",
    "missed": "it could not start in time",
    "poisoned": "its message kills every worker",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a run, or about a campaign whose run does not exist yet."""

    campaign_status: str
    #: ``None``: there is no run yet.
    run_status: str | None
    window: Window
    reason: str | None = None
    #: Changes of its groups that were asked for before it began and are not worked through yet.
    changes: int = 0
    manually_paused: bool = False
    total: int = 0
    #: Rows with an outcome, those held as unknown among them.
    settled: int = 0
    unknown: int = 0
    #: Accepted, and counted as failed for want of a report.
    unreported: int = 0
    #: In batches, not claimed yet.
    handed_out: int = 0
    retries: int = 0
    next_retry_at: datetime | None = None
    #: Handed back untried, not to be handed out again before then.
    returned: int = 0
    returned_until: datetime | None = None
    #: The run should have handed out at least one message that it did not.
    behind: bool = False
    provider: str = ""
    provider_known: bool = True
    #: What the run is sent through, and what its account carries by now, if that is known.
    channel: str = ""
    provider_channel: str | None = None
    provider_rate: str | None = None
    cooling_until: datetime | None = None
    cooling_reason: str | None = None
    #: Other runs that want the same provider now.
    others: int = 0
    #: What else may close it, and when each of its lanes is open; without lanes the window says it.
    calendars: tuple[Calendar, ...] = ()
    lanes: tuple[ActiveTime, ...] = ()
    #: When the next occurrence of a recurring campaign begins, and how many did not take place.
    next_occurrence: datetime | None = None
    not_held: Mapping[str, int] = field(default_factory=dict)
    #: The campaign's own rate.
    rate: str | None = None
    #: When the next day of its warm-up begins, and what this one allowed; ``None``: it has no
    #: warm-up, or this day still allows some.
    warm_up_until: datetime | None = None
    warm_up_allows: int = 0
    circuit: str = "closed"
    failures: int = 0
    #: The code with which the provider refuses the account itself.
    refusal: str | None = None
    #: When a process of each kind was last seen: beat, send, control.
    seen: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """``code`` is stable and for programs, ``text`` is for people."""

    code: str
    text: str

    def __str__(self) -> str:
        return self.text


def explain(facts: Facts, now: datetime) -> Explanation:
    """The one thing that best says what the run does now, and what it waits for."""
    found = (
        _ended(facts, now)
        or _not_begun(facts, now)
        or _held(facts, now)
        or _lacking(facts, now)
        or _waiting(facts, now)
        or _sending(facts, now)
    )
    return Explanation(found.code, found.text + "".join(f"; {more}" for more in _remarks(facts)))


def _remarks(facts: Facts) -> Iterator[str]:
    """What is to be said of a run whatever it does now."""
    if facts.unreported:
        yield f"{_counted(facts.unreported)} never reported on by the provider"
    if facts.unknown:
        yield (
            f"{_counted(facts.unknown)} held as unknown for the operator (see `sluice deliveries`)"
        )


def _ended(facts: Facts, now: datetime) -> Explanation | None:
    if facts.run_status == "finished":
        return Explanation("finished", _RUN_ENDS[facts.reason or "completed"] + _series(facts))
    if facts.run_status is None and facts.campaign_status in _CAMPAIGN_ENDS:
        return Explanation("finished", _CAMPAIGN_ENDS[facts.campaign_status])
    if facts.run_status == "closing" or facts.campaign_status in _CAMPAIGN_ENDS:
        why = _CLOSES.get(facts.reason or "", "it was stopped")
        return (
            _silent(facts, "beat", "beat", now)
            or _silent(facts, "control", "audience worker", now)
            or Explanation("closing", f"closing, because {why}: settling the rest")
        )
    return None


def _not_begun(facts: Facts, now: datetime) -> Explanation | None:
    if facts.campaign_status == "draft":
        return Explanation("draft", "a draft: edit its status to active to let it go")
    if facts.run_status is None or now < facts.window.start:
        if now < facts.window.start:
            begins = f"it begins at {times.render(facts.window.start)}{_by_hand(facts)}"
            return Explanation("not_started", f"not started: {begins}")
        return _silent(facts, "beat", "beat", now) or Explanation(
            "starting", "due, and about to be started"
        )
    if facts.run_status == "resolving":
        return (
            _silent(facts, "beat", "beat", now)
            or _silent(facts, "control", "audience worker", now)
            or _changing(facts)
            or Explanation("resolving", "resolving its recipients")
        )
    return None


def _changing(facts: Facts) -> Explanation | None:
    if not facts.changes:
        return None
    changes = "1 change" if facts.changes == 1 else f"{facts.changes} changes"
    return Explanation(
        "changing_groups",
        f"waiting for {changes} of its groups, asked for before it began, to be worked through",
    )


def _held(facts: Facts, now: datetime) -> Explanation | None:
    if now >= facts.window.end:
        return Explanation("expired", f"expired at {times.render(facts.window.end)}")
    if facts.manually_paused:
        return Explanation("paused", "paused by hand, until it is resumed")
    lanes = _lanes(facts)
    if any(lane.at(now) for lane in lanes):
        return None
    closed = why_closed(facts.window, facts.calendars, now)
    everywhere = f" in all {len(lanes)} time zones" if len(lanes) > 1 else ""
    ahead = [interval.start for lane in lanes if (interval := lane.following(now)) is not None]
    if not ahead:
        end = "with no end in sight" if facts.window.end == FOREVER else "until it expires"
        rest = "" if closed == "between two windows" else f", {end}"
        return Explanation("outside_window", f"{closed}{everywhere}{rest}")
    first = times.render(min(ahead))
    until = f", the first opens at {first}" if everywhere else f" until {first}"
    return Explanation("outside_window", f"{closed}{everywhere}{until}")


def _lanes(facts: Facts) -> tuple[ActiveTime, ...]:
    return facts.lanes or (ActiveTime(tuple(active_intervals(facts.window))),)


def _sending(facts: Facts, now: datetime) -> Explanation:
    text = "sending"
    if facts.rate:
        text += f" at its own rate of {facts.rate}"
    lanes = _lanes(facts)
    if len(lanes) > 1:
        text += f" in {sum(lane.at(now) is not None for lane in lanes)} of {len(lanes)} time zones"
    return Explanation("sending", text)


def _series(facts: Facts) -> str:
    """What else there is to say about the series that the run belongs to."""
    parts = [f"{count} earlier {word}" for word, count in sorted(facts.not_held.items())]
    if facts.next_occurrence is not None:
        begins = f"the next run begins at {times.render(facts.next_occurrence)}{_by_hand(facts)}"
        parts.append(_CAMPAIGN_ENDS.get(facts.campaign_status, begins))
    return "".join(f"; {part}" for part in parts)


def _by_hand(facts: Facts) -> str:
    return ", and is paused by hand" if facts.manually_paused else ""


def _lacking(facts: Facts, now: datetime) -> Explanation | None:
    if not facts.provider_known:
        return Explanation(
            "provider_unknown",
            f"its provider {facts.provider!r} is not in the providers file",
        )
    if facts.provider_channel not in (None, facts.channel):
        return Explanation(
            "provider_channel",
            f"its provider {facts.provider!r} carries {facts.provider_channel} now, "
            f"and not {facts.channel}",
        )
    silent = _silent(facts, "beat", "beat", now) or _silent(facts, "send", "send worker", now)
    if silent is not None:
        return silent
    if facts.refusal is not None:
        return Explanation(
            "refused",
            f"its provider refuses the account {facts.provider!r} ({facts.refusal}): see to its "
            f"credentials, credit and permissions; one message at a time tries whether it is "
            f"taken again{_probe(facts, now)}",
        )
    if facts.circuit == "open":
        return Explanation(
            "unreachable",
            f"its provider {facts.provider!r} could not be reached {facts.failures:,} times in a "
            f"row; one message at a time tries whether it is back{_probe(facts, now)}",
        )
    if facts.cooling_until is not None and now < facts.cooling_until:
        why = f" ({facts.cooling_reason})" if facts.cooling_reason else ""
        return Explanation(
            "cooling",
            f"its provider {facts.provider!r} is cooling down "
            f"until {times.render(facts.cooling_until)}{why}",
        )
    return None


def _probe(facts: Facts, now: datetime) -> str:
    if facts.cooling_until is None or facts.cooling_until <= now:
        return ""
    return f", the next one at {times.render(facts.cooling_until)}"


def _waiting(facts: Facts, now: datetime) -> Explanation | None:
    if facts.handed_out:
        return None
    left = facts.total - facts.settled
    if left and left <= facts.retries:
        when = _moment(facts.next_retry_at, now)
        return Explanation("retrying", f"waiting to try {_counted(facts.retries)} again{when}")
    if facts.returned_until is not None and now < facts.returned_until and left <= facts.returned:
        when = _moment(facts.returned_until, now)
        return Explanation("returned", f"waiting to hand out {_counted(left)} again{when}")
    if facts.warm_up_until is not None and left:
        return Explanation(
            "warm_up",
            f"its warm-up allows {_counted(facts.warm_up_allows)} on this day, and no more is "
            f"left; it goes on at {times.render(facts.warm_up_until)}",
        )
    if facts.behind and facts.others:
        rate = f"'s {facts.provider_rate}" if facts.provider_rate else ""
        runs = "1 other run" if facts.others == 1 else f"{facts.others} other runs"
        return Explanation(
            "waiting_for_share",
            f"waiting for its share of {facts.provider!r}{rate}, beside {runs}",
        )
    return None


def _silent(facts: Facts, kind: str, name: str, now: datetime) -> Explanation | None:
    seen = facts.seen.get(kind)
    if seen is None:
        since = "was ever seen"
    elif now - seen > MISSING_AFTER:
        since = f"was seen for {(now - seen).total_seconds():,.0f} s"
    else:
        return None
    return Explanation(f"no_{kind}", f"no {name} {since}: start one, for example by `sluice up`")


def _moment(moment: datetime | None, now: datetime) -> str:
    return f" at {times.render(moment)}" if moment is not None and moment > now else ""


def _counted(number: int) -> str:
    return "1 message" if number == 1 else f"{number:,} messages"
