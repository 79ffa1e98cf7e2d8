"""Internal tasks through an outage of the database."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import psycopg
import pytest
from celery import Celery
from psycopg_pool import PoolTimeout

from campaigns.messaging import TASK_CLOSE, TASK_CLOSE_REPORTS, TASK_RESOLVE, TASK_SEND
from worker.tasks import internal

TASKS = (TASK_SEND, TASK_RESOLVE, TASK_CLOSE, TASK_CLOSE_REPORTS)


def app_failing_with(error: Exception) -> Celery:
    """An app on a runtime that gets no further than to its database."""

    def fail(*_: object) -> None:
        raise error

    app = Celery(set_as_current=False)
    internal.register(app, SimpleNamespace(send=fail, pool=fail))
    return app


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("error", [PoolTimeout("late"), psycopg.OperationalError("gone")])
def test_a_lost_database_is_told_in_one_line_because_the_tick_publishes_again(
    task: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert app_failing_with(error).tasks[task].run(7) is None
    (record,) = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert record.getMessage().startswith(f"{task}(7) is not done and comes again")


@pytest.mark.parametrize("task", TASKS)
def test_what_nobody_foresaw_is_not_hidden(task: str) -> None:
    with pytest.raises(psycopg.errors.UndefinedColumn):
        app_failing_with(psycopg.errors.UndefinedColumn()).tasks[task].run(7)
