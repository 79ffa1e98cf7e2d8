"""Tasks that only the scheduler publishes. Their arguments are ids."""

from __future__ import annotations

import logging
from collections.abc import Callable

import psycopg
from celery import Celery

from campaigns.audience import jobs
from campaigns.database import Connection
from campaigns.messaging import (
    TASK_CALL,
    TASK_CHANGE_GROUP,
    TASK_CLOSE,
    TASK_CLOSE_REPORTS,
    TASK_GATHER,
    TASK_RESOLVE,
    TASK_SEND,
)
from campaigns.run import unreported
from worker import runs
from worker.runtime import Runtime

log = logging.getLogger(__name__)


def _foreseeing(task: str, row_id: int, work: Callable[[], int | None]) -> int | None:
    """Do ``work``. What a lost database leaves undone the tick publishes again: no reason for a
    traceback in the log, and one for each message would hide the others."""
    try:
        return work()
    except psycopg.OperationalError as error:
        log.warning("%s(%d) is not done and comes again (%s)", task, row_id, type(error).__name__)
        return None


def register(app: Celery, runtime: Runtime) -> None:
    """Give ``app`` the internal tasks, working on ``runtime``."""

    def with_connection(work: Callable[[Connection, int], int | None], run_id: int) -> int | None:
        with runtime.pool().connection() as conn:
            return work(conn, run_id)

    @app.task(name=TASK_SEND, shared=False)  # type: ignore[untyped-decorator]
    def send(batch_id: int) -> int | None:
        return _foreseeing(TASK_SEND, batch_id, lambda: runtime.send(batch_id))

    @app.task(name=TASK_RESOLVE, shared=False)  # type: ignore[untyped-decorator]
    def resolve(run_id: int) -> int | None:
        return _foreseeing(TASK_RESOLVE, run_id, lambda: with_connection(runs.resolve, run_id))

    @app.task(name=TASK_CLOSE, shared=False)  # type: ignore[untyped-decorator]
    def close(run_id: int) -> int | None:
        return _foreseeing(TASK_CLOSE, run_id, lambda: with_connection(runs.close, run_id))

    @app.task(name=TASK_CLOSE_REPORTS, shared=False)  # type: ignore[untyped-decorator]
    def close_reports(run_id: int) -> int | None:
        return _foreseeing(
            TASK_CLOSE_REPORTS, run_id, lambda: with_connection(unreported.close_reports, run_id)
        )

    @app.task(name=TASK_CHANGE_GROUP, shared=False)  # type: ignore[untyped-decorator]
    def change_group(job_id: int) -> int | None:
        return _foreseeing(TASK_CHANGE_GROUP, job_id, lambda: with_connection(jobs.work, job_id))

    @app.task(name=TASK_GATHER, shared=False)  # type: ignore[untyped-decorator]
    def gather(up_to: int) -> int | None:
        return _foreseeing(TASK_GATHER, up_to, lambda: runtime.gather(up_to))

    @app.task(name=TASK_CALL, shared=False)  # type: ignore[untyped-decorator]
    def call(receiver_id: int) -> int | None:
        return _foreseeing(TASK_CALL, receiver_id, lambda: runtime.call(receiver_id))
