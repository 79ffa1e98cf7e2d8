"""The body of ``deliveries.report``: reports in the engine's own form, from any Celery client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, StrictBool

from campaigns.campaign import times
from campaigns.errors import Invalid
from campaigns.run.events import ReportKind
from campaigns.run.reports import DeliveryReport
from campaigns.validation import REQUEST, Text, parse
from worker import reference

State = Literal["delivered", "undelivered", "bounced", "failed", "opened", "clicked"]

#: Carriers say ``undelivered`` of what the ledger calls a reported failure.
_KINDS: Mapping[State, ReportKind] = {
    "delivered": "delivered",
    "undelivered": "failed",
    "bounced": "bounced",
    "failed": "failed",
    "opened": "opened",
    "clicked": "clicked",
}

Word = Annotated[Text, Field(min_length=1, max_length=200)]


def _moment(value: object) -> datetime | None:
    return None if value is None else times.parse(value)


class ReportIn(BaseModel):
    """One report: by the reference of its message, or by the id that its provider gave it."""

    model_config = REQUEST

    reference: Text | None = None
    provider: Word | None = None
    message_id: Word | None = None
    #: It speaks of one part of a message of several, the one with this ``message_id``.
    part: StrictBool = False
    state: State
    at: Annotated[datetime | None, BeforeValidator(_moment)] = None
    code: Annotated[Text | None, Field(max_length=100)] = None
    #: Tells an opening or a click from others of the same message.
    event_id: Word | None = None
    #: The address is dead: later runs leave it out.
    gone: StrictBool = False


class ReportsIn(BaseModel):
    """Reports as they come in one message."""

    model_config = REQUEST

    reports: Annotated[list[ReportIn], Field(max_length=10_000)]


def read(body: object, keys: Sequence[bytes], now: datetime) -> list[DeliveryReport]:
    """The reports in a task's argument, which is a list of them, signed with any of ``keys``.

    Raises:
        Invalid: one of them breaks a rule, or its reference is not one of ours; the message names
            its index.
    """
    return [
        _report(f"reports[{index}]", given, keys, now)
        for index, given in enumerate(parse(ReportsIn, {"reports": body}).reports)
    ]


def _report(path: str, given: ReportIn, keys: Sequence[bytes], now: datetime) -> DeliveryReport:
    run_id, seq = _place(path, given, keys)
    if given.part and given.message_id is None:
        raise Invalid(f"{path}.message_id", None, "is required in a report on a part")
    return DeliveryReport(
        _KINDS[given.state],
        given.at or now,
        run_id,
        seq,
        given.provider,
        given.message_id,
        part=given.part,
        code=given.code,
        event_id=given.event_id,
        gone=given.gone,
    )


def _place(
    path: str, given: ReportIn, keys: Sequence[bytes]
) -> tuple[int, int] | tuple[None, None]:
    """Run and number, or nothing where provider and message id have to tell."""
    if given.reference is None:
        if given.provider is None or given.message_id is None:
            raise Invalid(f"{path}.reference", None, "or provider and message_id are required")
        return None, None
    found = reference.verify(given.reference, keys)
    if found is None:
        raise Invalid(f"{path}.reference", None, "must be exactly as it went out with the message")
    return found
