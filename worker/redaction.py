"""Keeps contact data out of Celery's logs and events.

A client puts a printed form of the arguments into a task's headers, and Celery shows it in its
log, in its events and so in Flower. For public tasks, which carry addresses, the worker replaces
it before anything reads it, whatever the client sent.
"""

from __future__ import annotations

import logging
from typing import Any

from celery.worker.request import Request

REDACTED = "<redacted>"


class RedactedRequest(Request):  # type: ignore[misc]
    """A request whose arguments are never printed."""

    def __init__(self, message: Any, **options: Any) -> None:
        super().__init__(message, **options)
        self._argsrepr = self._kwargsrepr = REDACTED
        # The dict is what the tracer logs from.
        self._request_dict["argsrepr"] = self._request_dict["kwargsrepr"] = REDACTED

    def info(self, safe: bool = False) -> dict[str, Any]:
        """What `celery inspect` answers; the safe form always."""
        described: dict[str, Any] = super().info(safe=True)
        return described


class TaskFailed(Exception):
    """A task failed for a reason whose text might hold contact data, so only its kind is told."""


class BodyFilter(logging.Filter):
    """Celery prints the body of a message that it cannot use; here it only says that it did.

    Such messages come from a misspelt task name or from a client that does not speak JSON, and
    may hold contact data all the same.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the record; it always passes."""
        if record.levelno >= logging.WARNING and "body" in str(record.msg):
            record.msg = "a message that cannot be used was discarded (%s)"
            record.args = (str(record.exc_info[0]) if record.exc_info else "unknown task or form",)
            record.exc_info = record.exc_text = None
        return True


def install_filters() -> None:
    """Put the filters on Celery's loggers."""
    for name in ("celery.worker.consumer.consumer", "celery.worker.strategy"):
        logger = logging.getLogger(name)
        if not any(isinstance(present, BodyFilter) for present in logger.filters):
            logger.addFilter(BodyFilter())
