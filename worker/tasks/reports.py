"""The body of ``deliveries.report``: reports in the engine's own form, from any Celery client."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from campaigns.campaign import times
from campaigns.run.reports import DeliveryReport, ReportState
from campaigns.validation import REQUEST, Text, parse
from worker import reference


def _reference(value: object) -> tuple[int, int]:
    found = reference.parse(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be a reference as it was sent along with the message, such as '7-3'")
    return found


def _moment(value: object) -> datetime | None:
    return None if value is None else times.parse(value)


class ReportIn(BaseModel):
    """One report."""

    model_config = REQUEST

    reference: Annotated[tuple[int, int], BeforeValidator(_reference)]
    state: ReportState
    at: Annotated[datetime | None, BeforeValidator(_moment)] = None
    code: Annotated[Text | None, Field(max_length=100)] = None


class ReportsIn(BaseModel):
    """Reports as they come in one message."""

    model_config = REQUEST

    reports: Annotated[list[ReportIn], Field(max_length=10_000)]


def read(body: object, now: datetime) -> list[DeliveryReport]:
    """The reports in a task's argument, which is a list of them.

    Raises:
        Invalid: one of them breaks a rule; the message names its index.
    """
    return [
        DeliveryReport(
            *report.reference,
            state=report.state,
            at=report.at or now,
            code=report.code,
        )
        for report in parse(ReportsIn, {"reports": body}).reports
    ]
