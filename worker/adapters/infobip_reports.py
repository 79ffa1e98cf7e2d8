"""Infobip's delivery reports: ``{"results": [{"messageId": .., "status": {..}, ..}]}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.run.events import ReportKind
from worker.adapters.base import Report
from worker.adapters.infobip_statuses import status_of
from worker.adapters.reply import at_path, identifier, moment, parse_json, short_code

#: By the group of the status. Group 3 has two, of which only the handset's is the last word:
#: https://www.infobip.com/docs/developer-resources/api-fundamentals/message-status-codes.md
_FINAL: Mapping[int, ReportKind] = {2: "failed", 3: "delivered", 4: "failed", 5: "failed"}
_DELIVERED_TO_OPERATOR = 2


def parse_reports(body: bytes) -> Sequence[Report]:
    """The final reports in one call.

    Raises:
        ValueError: the call is not in that form; nothing of it is used then.
    """
    match parse_json(body):
        case {"results": list(results)}:
            reports = [_report(result) for result in results]
            return [report for report in reports if report is not None]
    raise ValueError("a delivery report must be an object with the list 'results'")


def _report(result: Any) -> Report | None:
    message_id, status = identifier(at_path(result, "messageId")), status_of(result)
    if message_id is None or status is None:
        raise ValueError("a report must hold a messageId and a status with its groupId")
    kind = _FINAL.get(status.group)
    # Of a repetition that was refused, the message itself is on its way.
    if kind is None or status.is_repetition:
        return None
    at = moment(at_path(result, "doneAt"))
    if kind == "delivered":
        on_its_way = status.id == _DELIVERED_TO_OPERATOR
        return None if on_its_way else Report(message_id, message_id, kind, at)
    error = short_code(at_path(result, "error.name"))
    code = error if error not in (None, "NO_ERROR") else status.name
    return Report(message_id, message_id, kind, at, code)
