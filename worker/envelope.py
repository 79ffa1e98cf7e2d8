"""Keeps messages that are no task messages from ending a worker.

Celery takes the parts of a message (its message protocol, version 2) for granted: a body that is
JSON but not ``[args, kwargs, embed]``, or a header that is missing, raises in the middle of its
consumer and ends the worker. The message is not acknowledged by then, so it comes back and ends
the next one. Here it is discarded, like any other message that cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from celery import Celery, Task
from celery.exceptions import InvalidTaskError
from celery.worker.strategy import default


def strategy(task: Task, app: Celery, consumer: Any, **options: Any) -> Callable[..., Any]:
    """Celery's strategy for ``task`` behind a check of each message."""
    handle = default(task, app, consumer, **options)

    def receive(message: Any, *rest: Any, **named: Any) -> Any:
        if "task" in message.headers:
            check(message.headers, message.payload)
        return handle(message, *rest, **named)

    return receive


def check(headers: Mapping[str, Any], payload: object) -> None:
    """That Celery can take the message apart.

    Raises:
        InvalidTaskError: it cannot; says which part, and nothing of its content.
    """
    if not isinstance(headers.get("id"), str):
        raise InvalidTaskError("the header 'id' must be a text")
    if not _is_pair(headers.get("timelimit")):
        raise InvalidTaskError("the header 'timelimit' must be two numbers")
    if isinstance(payload, Mapping):
        # The body of version 1 behind the headers of version 2, which Celery accepts as well.
        parts: tuple[object, ...] = payload.get("args", []), payload.get("kwargs", {}), None
    elif isinstance(payload, list | tuple) and len(payload) == 3:
        parts = tuple(payload)
    else:
        raise InvalidTaskError("the body must be a list of args, kwargs and embed")
    args, kwargs, embed = parts
    if not (isinstance(args, list | tuple) and isinstance(kwargs, Mapping)):
        raise InvalidTaskError("args must be a list, and kwargs an object")
    if not (embed is None or isinstance(embed, Mapping)):
        raise InvalidTaskError("embed must be an object")


def _is_pair(limits: object) -> bool:
    if limits is None:
        return True
    return (
        isinstance(limits, list | tuple)
        and len(limits) == 2
        and all(limit is None or isinstance(limit, int | float) for limit in limits)
    )


class CheckedTask(Task):  # type: ignore[misc]
    """A task whose messages are checked before Celery takes them apart."""

    abstract = True
    Strategy = "worker.envelope:strategy"
