"""The workers' Celery app: all wiring of the worker side happens here.

celery -A worker.app worker --pool threads --concurrency 16 --queues sluice.send
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Container
from itertools import count
from types import FrameType
from typing import Any

from celery import Celery, signals

from campaigns import failpoints, settings
from campaigns.errors import ConfigurationError
from campaigns.messaging import QUEUE_CALLBACKS, QUEUE_CONTROL, QUEUE_SEND, celery_config
from worker import garbage
from worker.broker import LastingAMQP
from worker.envelope import CheckedTask
from worker.redaction import install_filters
from worker.runtime import Runtime
from worker.tasks import internal, public

log = logging.getLogger(__name__)


def create_app(config: settings.Settings) -> tuple[Celery, Runtime]:
    """The app with every task registered, and the runtime that its tasks share."""
    celery = Celery("sluice", set_as_current=False, task_cls=CheckedTask, amqp=LastingAMQP)
    celery.conf.update(celery_config(config.broker_url))
    runtime = Runtime(config)
    internal.register(celery, runtime)
    public.register(celery, runtime)
    return celery, runtime


_settings = settings.load()
failpoints.arm(_settings.failpoints, _settings.failpoint_log)
app, _runtime = create_app(_settings)
_told_to_end = count()


@signals.after_setup_logger.connect  # type: ignore[untyped-decorator]
def _quiet_messages(**_: Any) -> None:
    install_filters()
    # They print every URL, and some providers' URLs hold a token.
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@signals.celeryd_after_setup.connect  # type: ignore[untyped-decorator]
def _check_early(instance: Any, **_: Any) -> None:
    """A mistake in the settings stops a worker at its start, not at its first task.

    So does anything else that keeps it from opening: Celery goes on after an error in here, and
    a worker would be left that is alive and takes nothing.
    """
    try:
        _open(instance.app.amqp.queues.consume_from)
    except ConfigurationError as error:
        raise SystemExit(str(error)) from None
    except Exception as error:
        log.critical("the worker cannot start", exc_info=error)
        raise SystemExit(1) from error


def _open(queues: Container[str]) -> None:
    if QUEUE_SEND in queues:
        _runtime.open_send()
        garbage.relax()
    if QUEUE_CONTROL in queues:
        _runtime.open_control()
    if QUEUE_CALLBACKS in queues:
        _runtime.open_callbacks()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _stop_claiming(**_: Any) -> None:
    _runtime.stop_claiming()


@signals.worker_ready.connect  # type: ignore[untyped-decorator]
def _obey_signals(**_: Any) -> None:
    """One warm shutdown, by whichever signal it is asked for, and however often.

    Celery's answer to a second interrupt is to kill the tasks, and threads cannot be killed. Its
    handlers take locks, so a signal that comes right behind another must not enter them again: it
    interrupts the first one's handler.
    """
    shut_down = signal.getsignal(signal.SIGTERM)
    assert callable(shut_down)

    def told(number: int, frame: FrameType | None) -> None:
        if next(_told_to_end) == 0:
            shut_down(signal.SIGTERM, frame)
        elif number == signal.SIGINT:
            # Whoever interrupts again does not want to wait.
            _runtime.stop_claiming(hurry=True)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, told)


@signals.worker_process_shutdown.connect  # type: ignore[untyped-decorator]
@signals.worker_shutdown.connect  # type: ignore[untyped-decorator]
def _close(**_: Any) -> None:
    _runtime.close()
