"""Delivery reports of the adapter ``http``, read as the providers file describes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from campaigns.run.events import ReportKind
from worker.adapters.base import Report
from worker.adapters.http_options import HttpOptions
from worker.adapters.reply import at_path, identifier, parse_json, short_code


class ReportParser:
    """Reads one JSON object, or a list of them, into reports."""

    def __init__(self, options: HttpOptions) -> None:
        self._reference_path = options.report_reference_path
        self._id_path = options.report_id_path
        self._status_path = options.report_status_path
        self._kinds: dict[str, ReportKind] = {
            **dict.fromkeys(options.report_delivered, "delivered"),
            **dict.fromkeys(options.report_undelivered, "failed"),
        }

    def parse(self, body: bytes) -> Sequence[Report]:
        """The final states in ``body``; a status in neither list is a step on the way, left out.

        Raises:
            ValueError: ``body`` is not such JSON; nothing of it is used then.
        """
        if self._status_path is None:
            raise ValueError("report_status_path is not set for this provider")
        content = parse_json(body)
        entries = content if isinstance(content, list) else [content]
        found = [self._report(entry, self._status_path) for entry in entries]
        return [report for report in found if report is not None]

    def _report(self, entry: Any, status_path: str) -> Report | None:
        status = at_path(entry, status_path)
        reference = self._identifier(entry, self._reference_path)
        message_id = self._identifier(entry, self._id_path)
        if not isinstance(status, str) or not (reference or message_id):
            raise ValueError("a report must hold a status, and a reference or an id")
        kind = self._kinds.get(status)
        if kind is None:
            return None
        code = None if kind == "delivered" else short_code(status)
        return Report(reference, message_id, kind, code=code)

    @staticmethod
    def _identifier(entry: Any, path: str | None) -> str | None:
        return None if path is None else identifier(at_path(entry, path))
