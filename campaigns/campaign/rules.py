"""What the fields of a campaign demand of each other and of the present moment.

Pure: takes ``now``. Each function raises :class:`campaigns.errors.Invalid` for the first rule that
is broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from campaigns.campaign import times
from campaigns.campaign.model import CampaignSpec, MessageSpec
from campaigns.errors import Invalid
from campaigns.schedule.windows import Interval, Window, active_intervals, active_seconds
from campaigns.template.render import Template
from campaigns.template.text import LONGEST_SMS, LONGEST_TEXT

#: How far in the past a start may lie when the request is read: clocks differ, queues take time.
TOLERANCE = timedelta(seconds=60)
#: How long a throttled window may be.
LONGEST_WINDOW = timedelta(days=366)


def check_shape(spec: CampaignSpec) -> None:
    """The rules that hold whatever the time is.

    Raises:
        Invalid: schedule, throttling or message are given in a combination that means nothing.
    """
    check_message(spec)
    _check_schedule(spec)
    _check_throttling(spec)


def check_message(spec: MessageSpec) -> None:
    """Exactly one of ``template`` and ``template_uuid``; raises ``Invalid``."""
    if spec.template is None and spec.template_uuid is None:
        raise Invalid("template", None, "is required; give either template or template_uuid")
    if spec.template is not None and spec.template_uuid is not None:
        raise Invalid("template", None, "must not be given together with template_uuid")


def check_times(spec: CampaignSpec, now: datetime) -> None:
    """The order of all times, among each other and with ``now``.

    Raises:
        Invalid: a time comes too early or too late, or the pauses leave nothing of the window.
    """
    start = start_of(spec, now)
    if start < now - TOLERANCE:
        raise _invalid("scheduled_send_date", start, "must not lie in the past")
    _check_finish(spec, start, now)
    _check_expiry(spec.expiry_date, spec.scheduled_finish_date, start, now)
    _check_pauses(spec, start)


def start_of(spec: MessageSpec, now: datetime) -> datetime:
    """When it starts: its date, or ``now`` in whole seconds."""
    return spec.scheduled_send_date or now.replace(microsecond=0)


def schedule_type_of(spec: CampaignSpec) -> str:
    """The stated type, or the one that the presence of a date implies."""
    return spec.schedule_type or ("once" if spec.scheduled_send_date else "now")


def check_expiry(expiry: datetime | None, start: datetime, now: datetime) -> None:
    """The expiry of a message without a window; raises ``Invalid``."""
    _check_expiry(expiry, None, start, now)


def check_text(template: Template, sending_type: str, variables: Mapping[str, str]) -> None:
    """That the text fits its channel, and that all its variables are known.

    The length is that of the text with its variables put in, for a contact without any field: no
    message of the campaign is shorter.

    Raises:
        Invalid: it is too long, or asks for a variable that is not in ``variables``.
    """
    unknown = sorted(template.variables - variables.keys())
    if unknown:
        raise Invalid(
            "template",
            None,
            f"uses {{{unknown[0]}}}, which is not in template_vars; known are: "
            f"{_listed(variables)} (write {{{{{unknown[0]}}}}} for the text itself)",
        )
    longest = LONGEST_SMS if sending_type == "sms" else LONGEST_TEXT
    if len(template.render({}, variables)) > longest:
        raise Invalid(
            "template", None, f"must have at most {longest} characters for {sending_type}"
        )


def check_fields(template: Template, known: frozenset[str]) -> None:
    """That every ``@field`` is known to a contact; raises ``Invalid``."""
    unknown = sorted(template.fields - known)
    if unknown:
        raise Invalid(
            "template",
            None,
            f"uses @{unknown[0]}, which no contact in the included groups has; known are: "
            f"{_listed(known)} (write @@{unknown[0]} for the text itself)",
        )


def _check_schedule(spec: CampaignSpec) -> None:
    if spec.schedule_type == "scheduled":
        raise Invalid(
            "schedule_type",
            "scheduled",
            "is not offered by this version; use 'now', or 'once' with scheduled_send_date",
        )
    if spec.schedule_type == "now" and spec.scheduled_send_date is not None:
        raise _invalid(
            "scheduled_send_date",
            spec.scheduled_send_date,
            "must be left out when schedule_type is 'now'",
        )
    if spec.schedule_type == "once" and spec.scheduled_send_date is None:
        raise Invalid("scheduled_send_date", None, "is required when schedule_type is 'once'")


def _check_throttling(spec: CampaignSpec) -> None:
    if spec.throttled and spec.scheduled_finish_date is None:
        raise Invalid("scheduled_finish_date", None, "is required when throttled is true")
    if not spec.throttled and spec.scheduled_finish_date is not None:
        raise _invalid(
            "scheduled_finish_date", spec.scheduled_finish_date, "needs throttled to be true"
        )
    if not spec.throttled and spec.pauses:
        raise Invalid("pauses", None, "need throttled to be true")


def _check_finish(spec: CampaignSpec, start: datetime, now: datetime) -> None:
    finish = spec.scheduled_finish_date
    if finish is None:
        return
    if finish <= start:
        raise _invalid(
            "scheduled_finish_date", finish, f"must be later than the start {times.render(start)}"
        )
    if finish <= now:
        raise _invalid("scheduled_finish_date", finish, "must not lie in the past")
    if finish - start > LONGEST_WINDOW:
        raise _invalid(
            "scheduled_finish_date",
            finish,
            f"must be at most {LONGEST_WINDOW.days} days after the start {times.render(start)}",
        )


def _check_expiry(
    expiry: datetime | None, finish: datetime | None, start: datetime, now: datetime
) -> None:
    if expiry is None:
        return
    if expiry <= start:
        raise _invalid("expiry_date", expiry, f"must be later than the start {times.render(start)}")
    if expiry <= now:
        raise _invalid("expiry_date", expiry, "must not lie in the past")
    if finish is not None and expiry < finish:
        raise _invalid(
            "expiry_date",
            expiry,
            f"must not be earlier than scheduled_finish_date {times.render(finish)}",
        )


def _check_pauses(spec: CampaignSpec, start: datetime) -> None:
    finish = spec.scheduled_finish_date
    if finish is None or not spec.pauses:
        return
    end = spec.expiry_date or finish
    for index, pause in enumerate(spec.pauses):
        where = f"pauses[{index}]"
        if pause.end_at <= pause.start_at:
            raise _invalid(
                f"{where}.end_at",
                pause.end_at,
                f"must be later than its start_at {times.render(pause.start_at)}",
            )
        if pause.start_at < start:
            raise _invalid(
                f"{where}.start_at",
                pause.start_at,
                f"must not be earlier than the start {times.render(start)}",
            )
        if pause.end_at > end:
            raise _invalid(
                f"{where}.end_at",
                pause.end_at,
                f"must not be later than the end {times.render(end)}",
            )
    if not active_seconds(active_intervals(window_of(spec, start)), start, finish):
        raise Invalid(
            "pauses", None, f"leave no time to send before the finish {times.render(finish)}"
        )


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
