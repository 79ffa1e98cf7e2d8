"""What the fields of a campaign mean together, and what they demand of each other.

What they demand of the present moment stands in :mod:`campaigns.campaign.window_rules`. Pure. Each
check raises :class:`campaigns.errors.Invalid` for the first rule that is broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from campaigns.campaign import times
from campaigns.campaign.model import CampaignSpec, MessageSpec
from campaigns.errors import Invalid
from campaigns.schedule.calendars import Calendar, parse_hours
from campaigns.schedule.windows import Interval, Window
from campaigns.template import push
from campaigns.template.contents import Contents


def check_shape(spec: CampaignSpec) -> None:
    """The rules that hold whatever the time is.

    Raises:
        Invalid: schedule, throttling or message are given in a combination that means nothing.
    """
    check_message(spec)
    _check_schedule(spec)
    _check_throttling(spec)
    _check_query(spec)


def check_message(spec: MessageSpec) -> None:
    """Exactly one of ``template`` and ``template_uuid``, and nothing that is for another channel.

    A notification with a title needs neither.

    Raises:
        Invalid: it is otherwise.
    """
    wrong = _of_other_channels(spec)
    if wrong is not None:
        raise wrong
    if spec.template is not None and spec.template_uuid is not None:
        raise Invalid("template", None, "must not be given together with template_uuid")
    if spec.template is None and spec.template_uuid is None and spec.webpush_title is None:
        raise Invalid("template", None, "is required; give either template or template_uuid")
    for field, name in (("track_link_url", "track_link"), ("opt_out_link", "opt_out_link")):
        if getattr(spec, field) is not None and name in spec.template_vars:
            raise Invalid("template_vars", None, f"must not have {name!r} together with {field}")


def _of_other_channels(spec: MessageSpec) -> Invalid | None:
    channel = spec.sending_type
    if channel != "webpush":
        for name in push.FIELDS:
            if getattr(spec, name) is not None:
                return Invalid(name, None, f"is for webpush, not for {channel}")
    if channel != "sms":
        for name in ("transliterate", "max_parts"):
            if getattr(spec, name):
                return Invalid(name, getattr(spec, name), f"is for sms, not for {channel}")
    if channel != "email":
        for name in ("track_links", "track_opens"):
            if getattr(spec, name):
                return Invalid(name, True, f"is for email, not for {channel}")
    return None


def start_of(spec: MessageSpec, now: datetime) -> datetime:
    """When it starts: its date, or ``now`` in whole seconds."""
    return spec.scheduled_send_date or now.replace(microsecond=0)


def schedule_type_of(spec: CampaignSpec) -> str:
    """The stated type, or the one that the presence of a date implies."""
    return spec.schedule_type or ("once" if spec.scheduled_send_date else "now")


def pacing_of(spec: CampaignSpec) -> Literal["evenly", "asap"]:
    """The stated pacing, or the one that fits: without a finish there is nothing to spread over."""
    return spec.pacing or ("evenly" if spec.throttled else "asap")


def calendar_of(spec: CampaignSpec) -> Calendar:
    """When the campaign must not send, whatever its window is."""
    return Calendar(
        zone=spec.timezone,
        sending=parse_hours(spec.sending_hours, "sending_hours"),
        quiet=parse_hours(spec.quiet_hours, "quiet_hours"),
        holidays=frozenset(spec.holidays),
    )


def bound(compiled: Contents, variables: Mapping[str, str]) -> Contents:
    """The template with its variables put in, which all have to be known.

    Lengths are those of the texts with their variables put in, for a contact without any field: no
    message of the campaign is shorter.

    Raises:
        Invalid: it asks for a variable that is not in ``variables``, or is too long for its channel
            or of a wrong form with them.
    """
    unknown = sorted(compiled.variables - variables.keys())
    if unknown:
        raise Invalid(
            "template",
            None,
            f"uses {{{unknown[0]}}}, which is not in template_vars; known are: "
            f"{_listed(variables)} (write {{{{{unknown[0]}}}}} for the text itself)",
        )
    return compiled.bind(variables)


def check_fields(compiled: Contents, known: frozenset[str]) -> None:
    """That every ``@field`` is known to a contact; raises ``Invalid``."""
    unknown = sorted(compiled.fields - known)
    if unknown:
        raise Invalid(
            "template",
            None,
            f"uses @{unknown[0]}, which no contact in the included groups has; known are: "
            f"{_listed(known)} (write @@{unknown[0]} for the text itself)",
        )


def _check_schedule(spec: CampaignSpec) -> None:
    if spec.schedule_type == "scheduled":
        if spec.schedule_rrule is None:
            raise Invalid("schedule_rrule", None, "is required when schedule_type is 'scheduled'")
        return
    if spec.schedule_rrule is not None:
        raise Invalid("schedule_rrule", spec.schedule_rrule, _rule_of_rrule(spec))
    for field in ("schedule_exdates", "schedule_rdates"):
        if getattr(spec, field):
            raise Invalid(field, None, "need schedule_type to be 'scheduled'")
    if spec.schedule_type == "now" and spec.scheduled_send_date is not None:
        raise _invalid(
            "scheduled_send_date",
            spec.scheduled_send_date,
            "must be left out when schedule_type is 'now'",
        )
    if spec.schedule_type == "once" and spec.scheduled_send_date is None:
        raise Invalid("scheduled_send_date", None, "is required when schedule_type is 'once'")


def _rule_of_rrule(spec: CampaignSpec) -> str:
    if spec.schedule_type != "once":
        return "needs schedule_type to be 'scheduled'"
    if spec.scheduled_send_date is not None:
        return (
            "must not be given together with scheduled_send_date when schedule_type is 'once'; "
            "a recurrence rule needs 'scheduled'"
        )
    return (
        "must be a time such as '2026-11-25 15:25:00' when schedule_type is 'once'; "
        "a recurrence rule needs 'scheduled'"
    )


def _check_throttling(spec: CampaignSpec) -> None:
    if spec.throttled and spec.scheduled_finish_date is None:
        raise Invalid("scheduled_finish_date", None, "is required when throttled is true")
    if not spec.throttled and spec.scheduled_finish_date is not None:
        raise _invalid(
            "scheduled_finish_date", spec.scheduled_finish_date, "needs throttled to be true"
        )
    if not spec.throttled and spec.pauses:
        raise Invalid("pauses", None, "need throttled to be true")
    if not spec.throttled and spec.pacing == "evenly":
        raise Invalid("pacing", "evenly", "needs throttled to be true")
    if not spec.throttled and spec.leftover == "next_window":
        raise Invalid("leftover", "next_window", "needs throttled to be true")


def _check_query(spec: CampaignSpec) -> None:
    if spec.query_type == "segmentation" and spec.query is None:
        raise Invalid("query", None, "is required when query_type is 'segmentation'")
    if spec.query_type is None and spec.query is not None:
        # Whoever forgot the type meant fewer people than everybody.
        raise Invalid("query_type", None, "must be 'segmentation' for the query to count, or 'all'")


def window_of(spec: CampaignSpec, start: datetime) -> Window:
    """When the campaign may send."""
    return Window(
        start=start,
        finish=spec.scheduled_finish_date,
        expiry=spec.expiry_date,
        pauses=tuple(Interval(pause.start_at, pause.end_at) for pause in spec.pauses),
        leftover=spec.leftover,
    )


def _invalid(field: str, moment: datetime, rule: str) -> Invalid:
    return Invalid(field, times.render(moment), rule)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
