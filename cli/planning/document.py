"""A plan for programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaigns.schedule.local import to_local
from campaigns.schedule.windows import FOREVER
from cli.planning.plan import Plan
from cli.planning.prospect import Stretch
from scheduler.forecast import curve


def document(plan: Plan, warnings: list[str]) -> dict[str, Any]:
    """The whole of it. Messages of the curve are fractions: what should have left by then."""
    run, listed = plan.run, plan.occurrences
    return {
        "name": plan.campaign.name,
        "recipients": plan.recipients.total,
        "zones": [_zone(plan, index) for index in range(len(plan.recipients.zones))],
        "timezone_fallbacks": plan.recipients.fallbacks,
        "provider": plan.provider.name,
        "rate": plan.provider.rate,
        "ceilings": [
            {"of": each.owner, "rate": each.rate, "messages_per_second": each.per_second}
            for each in plan.ceilings
        ],
        "segments": _segments(plan),
        "timezone": plan.campaign.timezone,
        "occurrences": list(listed.moments),
        "local_occurrences": [
            str(to_local(moment, plan.campaign.timezone)) for moment in listed.moments
        ],
        "occurrences_in_all": listed.count,
        "last_occurrence": listed.last,
        "leftover": plan.campaign.leftover,
        "starts_at": run.starts_at,
        "windows": [
            {"start_at": window.start, "finish_at": window.finish} for window in run.windows
        ],
        "intervals": [_interval(stretch) for stretch in run.stretches],
        "curve": [
            {"at": moment.timestamp(), "messages": round(messages, 3)}
            for moment, messages in curve(run.forecast)
        ],
        "expected_finish": run.forecast.finish,
        "expires": run.expiry,
        "late": run.forecast.late,
        "left": run.forecast.left,
        "warnings": warnings,
    }


def _interval(stretch: Stretch) -> dict[str, Any]:
    end = stretch.interval.end
    return {
        "start_at": stretch.interval.start,
        "end_at": None if end == FOREVER else end,
        "messages": stretch.messages,
        "paced": stretch.paced,
    }


def _zone(plan: Plan, index: int) -> Mapping[str, Any]:
    zone = plan.recipients.zones[index]
    return {
        "zone": zone.zone,
        "recipients": zone.recipients,
        "fallbacks": zone.fallbacks,
        "left": plan.run.forecast.left_by_lane[index],
    }


def _segments(plan: Plan) -> Mapping[str, Any] | None:
    found = plan.lengths
    if found is None:
        return None
    return {
        "fewest": found.fewest,
        "most": found.most,
        "average": round(found.average, 4),
        "all": found.all,
        "rendered": found.rendered,
        "unicode": found.unicode,
        "exact": found.exact,
        "too_long": found.too_long,
    }
