"""Answers of the adapter ``http``, read as the providers file describes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.clock import Clock
from worker.adapters import message_ids
from worker.adapters.base import (
    Accepted,
    Blocked,
    Failed,
    HttpResponse,
    Message,
    Outcome,
    Rejected,
    Throttled,
    Unknown,
)
from worker.adapters.http_options import HttpOptions
from worker.adapters.http_reply_options import Class
from worker.adapters.reply import (
    at_path,
    each_at_path,
    identifier,
    parse_json,
    retry_after,
    short_code,
)

_SECONDS: Mapping[str, float] = {"s": 1, "ms": 0.001, "min": 60}


class ReplyReader:
    """Tells what became of a message."""

    def __init__(self, options: HttpOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._classes = options.classes()
        self._listed = options.listed_classes()
        self._read_bodies = options.read_bodies()
        self._codes: Mapping[str, Class] = dict(options.error_codes.pairs())
        self._values = None if options.success_values is None else set(options.success_values)

    def read(self, message: Message, response: HttpResponse) -> Outcome:
        """The outcome for the message that the answer is to."""
        content = parse_json(response.body)
        means, word = self._class(response.status, content)
        code = short_code(word) or f"http_{response.status}"
        match means:
            case "repeated" if not message.in_doubt:
                return Unknown(code)
            case "accepted" | "repeated":
                return Accepted(*self._ids(content, message))
            case "throttled" if self._options.throttle_scope == "account":
                return Throttled(self._wait(content, response.headers), code)
            case "throttled" | "throttled_recipient":
                wait = self._wait(content, response.headers)
                return Failed(code, self._options.recipient_wait if wait is None else wait)
            case "blocked":
                return Blocked(code)
            case "rejected" | "gone":
                return Rejected(code, gone=means == "gone")
            case "failed":
                return Failed(code)
            case _:
                return Unknown(code)

    def _class(self, status: int, content: Any) -> tuple[Class, str | None]:
        """What the answer means, and the code of its error."""
        if status in self._read_bodies:
            return self._class_by_body(status, content)
        means = self._classes.get(status, "unknown")
        if means == "accepted":
            return means, None
        words = self._error_words(content)
        return self._listed_class(words) or means, _first(words)

    def _class_by_body(self, status: int, content: Any) -> tuple[Class, str | None]:
        found = [_word(each) for each in each_at_path(content, self._options.success_path or "")]
        if any(map(self._is_success, found)):
            return "accepted", None
        # Where a list speaks of several parts, each has to be understood.
        words = [] if len(found) > 1 and None in found else self._error_words(content)
        means = self._listed_class(words)
        if means is None and any(map(short_code, words)):
            means = self._options.unlisted_code
        if means is None:
            means = self._listed.get(status, "unknown")
            means = "unknown" if means == "accepted" else means
        return means, _first(words)

    def _is_success(self, word: str | None) -> bool:
        if self._values is not None:
            return word in self._values
        return word is not None and word != "false"

    def _error_words(self, content: Any) -> list[str]:
        """What stands at the paths for codes."""
        paths = self._options.error_code_path or ()
        found = [_word(value) for path in paths for value in each_at_path(content, path)]
        return [word for word in found if word is not None]

    def _listed_class(self, words: Sequence[str]) -> Class | None:
        listed = (self._codes[word] for word in words if word in self._codes)
        return next(listed, None)

    def _ids(self, content: Any, message: Message) -> list[str]:
        options = self._options
        values = each_at_path(content, options.message_id_path)[: message_ids.MOST_PARTS]
        ids = [each for each in map(identifier, values) if each is not None]
        if options.report_recipient_path is not None:
            ids = [message_ids.of_recipient(each, message.address) for each in ids]
        if options.part_count_path is None:
            return ids
        count = message_ids.part_count(at_path(content, options.part_count_path)) or 1
        return [part for each in ids for part in message_ids.of_parts(each, count)]

    def _wait(self, content: Any, headers: Mapping[str, str]) -> float | None:
        """Seconds that the answer says: in its body, or in its header."""
        path = self._options.retry_after_path
        found = None if path is None else _number(at_path(content, path))
        if found is not None:
            return found * _SECONDS[self._options.retry_after_unit]
        given = headers.get(self._options.retry_after_header, "")
        return retry_after({**headers, "retry-after": given}, self._clock.now())


def _first(words: Sequence[str]) -> str | None:
    return words[0] if words else None


def _word(value: Any) -> str | None:
    """A JSON value as the providers file may write it: 105, "105", true."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return identifier(value)


def _number(value: Any) -> float | None:
    if isinstance(value, str) and len(value) < 20:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    is_sane = math.isfinite(value) if isinstance(value, float) else True
    return float(value) if is_sane and 0 <= value < 1e12 else None
