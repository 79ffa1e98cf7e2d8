"""Delivery reports of the adapter ``http``, read as the providers file describes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from campaigns.run.events import ReportKind
from worker.adapters import message_ids
from worker.adapters.base import HttpRequest, Report
from worker.adapters.http_calls import Call
from worker.adapters.http_options import HttpOptions
from worker.adapters.http_times import read_moment
from worker.adapters.inbound import message
from worker.adapters.receiving import Inbound
from worker.adapters.reply import at_path, identifier, short_code


class ReportParser:
    """Reads one call into reports."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._kinds = options.kinds()
        self._events = None if options.report_events is None else set(options.report_events)
        self._no_code = set(options.report_no_code)
        self._gone = set(options.report_gone)
        # Where each part has an id of its own, each is reported alone.
        self._has_part_ids = "*" in options.message_id_path.split(".")

    def parse(self, request: HttpRequest) -> Sequence[Report]:
        """The final states in one call; a step on the way is left out.

        Raises:
            ValueError: it is not in the form that is described; nothing of it is used then.
        """
        if self._options.report_status_path is None:
            raise ValueError("report_status_path is not set for this provider")
        call = Call(request, self._options.report_format)
        found = [self._report(call, entry) for entry in self._entries(call)]
        return [report for report in found if report is not None]

    def inbound(self, request: HttpRequest) -> Sequence[Inbound]:
        """The messages in one call.

        Raises:
            ValueError: it is not in the form that is described.
        """
        options, call = self._options, Call(request, self._options.report_format)

        def at(entry: Any, path: str | None) -> Any:
            return None if path is None else call.at(entry, path)

        return [
            message(
                at(entry, options.inbound_sender_path),
                at(entry, options.inbound_recipient_path),
                at(entry, options.inbound_text_path),
                at(entry, options.inbound_id_path),
            )
            for entry in _entries(call, options.inbound_list_path, "messages at inbound_list_path")
        ]

    def _entries(self, call: Call) -> Iterable[Any]:
        return _entries(call, self._options.report_list_path, "reports at report_list_path")

    def _report(self, call: Call, entry: Any) -> Report | None:
        if not self._is_report(call, entry):
            return None
        words = self._words(call, entry, self._options.report_status_path)
        reference = self._word(call, entry, self._options.report_reference_path)
        message_id, is_part = self._id(call, entry)
        if not words or not (reference or message_id):
            raise ValueError("a report must hold a status, and a reference or an id")
        kind = self._kind(words)
        if kind is None:
            return None
        code = self._code(call, entry, words) if kind == "failed" else None
        return Report(
            reference,
            message_id,
            kind,
            self._moment(call, entry),
            code,
            is_part,
            self._word(call, entry, self._options.report_event_id_path),
            gone=code in self._gone,
        )

    def _is_report(self, call: Call, entry: Any) -> bool:
        if self._events is None:
            return True
        event = self._word(call, entry, self._options.report_event_path)
        if event is None:
            raise ValueError("a call must say at report_event_path of what kind it is")
        return event in self._events

    def _kind(self, words: Sequence[str]) -> ReportKind | None:
        for word in words:
            if word in self._kinds:
                return self._kinds[word]
        if self._options.report_unknown_status == "refused":
            raise ValueError("a report must hold one of the statuses that are listed")
        return "failed" if self._options.report_unknown_status == "failed" else None

    def _id(self, call: Call, entry: Any) -> tuple[str | None, bool]:
        """The id that the report is of, and whether it is that of a part."""
        options = self._options
        found = self._word(call, entry, options.report_id_path)
        if found is None:
            return None, self._has_part_ids
        if options.report_recipient_path is not None:
            recipient = self._word(call, entry, options.report_recipient_path)
            if recipient is None:
                raise ValueError("a report must hold the recipient")
            found = message_ids.of_recipient(found, recipient)
        if options.report_part_path is None or options.report_part_count_path is None:
            return found, self._has_part_ids
        count = call.at(entry, options.report_part_count_path)
        part = message_ids.of_part(found, call.at(entry, options.report_part_path), count)
        if part is None:
            raise ValueError("a report must say which part it is of, and of how many")
        return part, message_ids.part_count(count) != 1

    def _code(self, call: Call, entry: Any, words: Sequence[str]) -> str | None:
        paths = self._options.report_code_path
        found = words if paths is None else self._words(call, entry, paths)
        return next(
            (each for each in found if short_code(each) and each not in self._no_code), None
        )

    def _moment(self, call: Call, entry: Any) -> datetime | None:
        for path in self._options.report_time_path or ():
            found = read_moment(call.at(entry, path), self._options.report_time_format)
            if found is not None:
                return found
        return None

    @staticmethod
    def _words(call: Call, entry: Any, paths: Sequence[str] | None) -> list[str]:
        found = [identifier(call.at(entry, path)) for path in paths or ()]
        return [each for each in found if each is not None]

    @staticmethod
    def _word(call: Call, entry: Any, path: str | None) -> str | None:
        return None if path is None else identifier(call.at(entry, path))


def _entries(call: Call, path: str | None, what: str) -> Iterable[Any]:
    entries = call.content if path is None else at_path(call.content, path)
    if isinstance(entries, list):
        return entries
    if path is not None:
        raise ValueError(f"a call must hold a list of {what}")
    return [entries]
