"""The body of ``deliveries.report``: reports in the engine's own form, from any Celery client."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from campaigns.campaign import times
from campaigns.errors import Invalid
from campaigns.run.reports import DeliveryReport, ReportState
from campaigns.validation import REQUEST, Text, parse
from worker import reference


def _moment(value: object) -> datetime | None:
    return None if value is None else times.parse(value)


class ReportIn(BaseModel):
    """One report."""

    model_config = REQUEST

    reference: Text
    state: ReportState
    at: Annotated[datetime | None, BeforeValidator(_moment)] = None
    code: Annotated[Text | None, Field(max_length=100)] = None


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
        DeliveryReport(
            *_place(index, report.reference, keys),
            state=report.state,
            at=report.at or now,
            code=report.code,
        )
        for index, report in enumerate(parse(ReportsIn, {"reports": body}).reports)
    ]


def _place(index: int, text: str, keys: Sequence[bytes]) -> tuple[int, int]:
    found = reference.verify(text, keys)
    if found is None:
        raise Invalid(
            f"reports[{index}].reference", None, "must be exactly as it went out with the message"
        )
    return found
