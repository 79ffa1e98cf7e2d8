"""The class of all public tasks: what clients send is checked, and what is refused is told.

Any Celery client may publish whatever JSON it likes, and nobody reads a result. So arguments are
read as strictly as the body of a request, and the worker's log says in a sentence why a message
did nothing.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, get_type_hints

from celery import Task
from pydantic import create_model

from campaigns.errors import Invalid, SluiceError
from campaigns.validation import REQUEST, parse
from worker.envelope import CheckedTask
from worker.redaction import RedactedRequest

log = logging.getLogger(__name__)

T = TypeVar("T")


class PublicTask(CheckedTask):
    """A task whose arguments are never printed and whose refusals need no traceback."""

    abstract = True
    Request = RedactedRequest
    throws = (SluiceError,)

    def on_failure(
        self, exc: BaseException, task_id: str, args: object, kwargs: object, einfo: object
    ) -> None:
        """Log a refusal, which Celery itself would only do on its INFO level."""
        if isinstance(exc, SluiceError):
            log.warning("%s[%s] did nothing: %s", self.name, task_id, exc)


def checked(function: Callable[..., T]) -> Callable[..., T]:
    """``function`` behind a check of its arguments against its own signature.

    The first parameter is the task itself. Each of the others accepts what its annotation says,
    by position or by name; anything else raises ``Invalid``, which names the argument.
    """
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    names = [parameter.name for parameter in parameters]
    fields: dict[str, Any] = {
        parameter.name: (
            hints[parameter.name],
            ... if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in parameters
    }
    model = create_model(function.__name__, __config__=REQUEST, **fields)

    @functools.wraps(function)
    def run(task: Task, *given: Any, **named: Any) -> T:
        found = parse(model, _by_name(names, given, named))
        return function(task, **{name: getattr(found, name) for name in names})

    return run


def _by_name(
    names: Sequence[str], given: Sequence[Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    if len(given) > len(names):
        raise Invalid("arguments", None, f"are at most {len(names)}: {', '.join(names)}")
    first = dict(zip(names, given, strict=False))
    if twice := sorted(first.keys() & named.keys()):
        raise Invalid(twice[0], None, "is given by position and by name")
    return {**first, **named}
