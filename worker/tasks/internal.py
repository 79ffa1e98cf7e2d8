"""Tasks that only the scheduler publishes. Their arguments are ids."""

from __future__ import annotations

from celery import Celery

from campaigns.messaging import TASK_CLOSE, TASK_CLOSE_REPORTS, TASK_RESOLVE, TASK_SEND
from campaigns.run import unreported
from worker import runs
from worker.runtime import Runtime


def register(app: Celery, runtime: Runtime) -> None:
    """Give ``app`` the internal tasks, working on ``runtime``."""

    @app.task(name=TASK_SEND, shared=False)  # type: ignore[untyped-decorator]
    def send(batch_id: int) -> int:
        return runtime.send(batch_id)

    @app.task(name=TASK_RESOLVE, shared=False)  # type: ignore[untyped-decorator]
    def resolve(run_id: int) -> int | None:
        with runtime.pool().connection() as conn:
            return runs.resolve(conn, run_id)

    @app.task(name=TASK_CLOSE, shared=False)  # type: ignore[untyped-decorator]
    def close(run_id: int) -> int | None:
        with runtime.pool().connection() as conn:
            return runs.close(conn, run_id)

    @app.task(name=TASK_CLOSE_REPORTS, shared=False)  # type: ignore[untyped-decorator]
    def close_reports(run_id: int) -> int | None:
        with runtime.pool().connection() as conn:
            return unreported.close_reports(conn, run_id)
