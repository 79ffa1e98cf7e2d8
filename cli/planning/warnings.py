"""What somebody should know before a campaign is submitted, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from campaigns.campaign.times import render
from campaigns.schedule.local import to_local
from cli.planning.plan import Plan
from scheduler import pacing
from scheduler.pacing import Ramp

_OVERLAP = {
    "skip": "an occurrence is skipped while an earlier one is sending",
    "queue": "an occurrence waits until the earlier one is finished",
    "allow": "occurrences are sent side by side and share the limits",
}


def warnings(plan: Plan) -> list[str]:
    """The sentences, those that stop everything first."""
    found = [
        *_stopped(plan),
        *_start(plan),
        *_room(plan),
        *_series(plan),
        *_people(plan),
        *_texts(plan),
    ]
    return [f"{sentence}." for sentence in found]


def _stopped(plan: Plan) -> Iterator[str]:
    if not plan.recipients.total:
        yield "the audience is empty, so the campaign would finish at once"
    if plan.uncarried is not None:
        yield (
            f"the adapter {plan.provider.adapter!r} of {plan.provider.name} cannot carry "
            f"{plan.uncarried}, so everybody would be rejected (content_not_carried)"
        )
    if plan.campaign.status == "draft":
        yield "it is a draft, and is not sent before its status is edited to active"
    if plan.campaign.manually_paused:
        yield "it is paused by hand, and sends nothing before it is resumed"


def _start(plan: Plan) -> Iterator[str]:
    passed = plan.now - plan.run.starts_at
    if passed > timedelta(0) and plan.campaign.schedule_type != "now":
        yield "its start has just passed"
    deadline = plan.campaign.start_deadline
    if deadline is not None and passed > timedelta(seconds=deadline):
        yield f"its start deadline of {deadline:,} s is over, so this occurrence would be missed"
    if plan.start_moved is not None:
        yield (
            f"clocks in {plan.campaign.timezone} go forward over {plan.start_moved}; "
            f"it starts at the first moment after that, {_local(plan, plan.run.starts_at)}"
        )


def _room(plan: Plan) -> Iterator[str]:
    """Whether everybody gets the message in time."""
    run, total = plan.run, plan.recipients.total
    late, left = run.forecast.late, run.forecast.left
    expiry = f"it expires at {render(run.expiry)} (UTC)" if run.expiry else "it expires"
    if not total:
        return
    if not run.open:
        yield (
            f"nothing is open before {expiry}: all of it lies in pauses, quiet hours, "
            "holidays or outside of the sending hours"
        )
        return
    if warm_up := _warm_up(plan):
        yield warm_up
    elif late and run.finish is not None:
        yield f"{_why_late(plan)}: {late:,} of {total:,} recipients {_what_then(plan)}"
    elif left and run.expiry:
        yield f"{left:,} of {total:,} recipients are left when {expiry}, and get nothing"
    if left and not run.expiry:
        yield f"{left:,} of {total:,} recipients are left after all the years that were looked at"
    for (zone, count), gone in zip(
        ((zone.zone, zone.recipients) for zone in plan.recipients.zones),
        run.forecast.left_by_lane,
        strict=False,
    ):
        if gone == count:
            yield f"none of the {count:,} recipients in {zone} can be reached before {expiry}"


def _why_late(plan: Plan) -> str:
    finish = plan.run.finish
    assert finish is not None
    if all(interval.start >= finish for interval in plan.run.open):
        return "nothing is open before the finish"
    if plan.ceilings:
        return f"{plan.ceilings[0].owner} takes {plan.ceilings[0].rate}"
    return "the window is too short"


def _what_then(plan: Plan) -> str:
    left, late = plan.run.forecast.left, plan.run.forecast.late
    words = "do not fit into the window and "
    if left == late:
        return words + "get nothing"
    then = "wait for its next turn" if _waits(plan) else "continue after the finish"
    return words + then + (f", {left:,} of them until it expires" if left else "")


def _waits(plan: Plan) -> bool:
    return plan.campaign.leftover == "next_window"


def _warm_up(plan: Plan) -> str | None:
    """Where the days' allowances do not add up to everybody before the end."""
    if plan.campaign.warm_up is None or plan.run.expiry is None:
        return None
    ramp = Ramp(plan.campaign.warm_up["first_day"], plan.campaign.warm_up["factor"])
    days = pacing.day_of(plan.run.starts_at, plan.run.expiry - timedelta(microseconds=1)) + 1
    total, room = plan.recipients.total, 0
    for day in range(days):
        room += pacing.allowance(ramp, day)
        if room >= total:
            return None
    return (
        f"the warm-up allows {room:,} messages in the {days} days before it expires, "
        f"and {total - room:,} of {total:,} recipients get nothing"
    )


def _series(plan: Plan) -> Iterator[str]:
    gap, run = plan.occurrences.gap, plan.run
    end = run.expiry if run.forecast.left else run.forecast.finish
    if gap is not None and end is not None and end - run.starts_at > gap:
        yield (
            f"a run takes {_span(end - run.starts_at)}, and occurrences are only {_span(gap)} "
            f"apart: {_OVERLAP[plan.campaign.overlap]} (overlap is {plan.campaign.overlap!r})"
        )
    for moment in plan.occurrences.moved:
        yield (
            f"clocks in {plan.campaign.timezone} go forward over the time of the occurrence "
            f"at {_local(plan, moment)}, which is the first moment after that"
        )


def _people(plan: Plan) -> Iterator[str]:
    fallbacks = plan.recipients.fallbacks
    if fallbacks:
        yield (
            f"{fallbacks:,} of {plan.recipients.total:,} recipients name no time zone that exists, "
            f"and are sent to by that of the campaign, {plan.campaign.timezone}"
        )
    caps = (
        ("24 hours", plan.team.frequency_cap_day),
        ("7 days", plan.team.frequency_cap_week),
    )
    limits = " and ".join(f"{cap:,} in {span}" for span, cap in caps if cap is not None)
    if limits:
        yield (
            f"the team allows each recipient {limits} over all campaigns; whoever has had them "
            "is suppressed, which is not counted here"
        )


def _texts(plan: Plan) -> Iterator[str]:
    found = plan.lengths
    if found is not None and found.too_long:
        of = f"{found.rendered:,} recipients"
        if not found.exact:
            of = f"the {of} that it was rendered for"
        yield (
            f"for {found.too_long:,} of {of} the message has more segments than max_parts allows, "
            f"which is {plan.campaign.max_parts}: they get none (too_many_parts)"
        )


def _local(plan: Plan, moment: datetime) -> str:
    return f"{to_local(moment, plan.campaign.timezone)} there"


def _span(length: timedelta) -> str:
    seconds = length.total_seconds()
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.3g} {unit}"
    return f"{seconds:,.0f} s"
