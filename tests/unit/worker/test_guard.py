"""A message waits for the database, also for one that is not migrated yet, and is never lost."""

from __future__ import annotations

from contextlib import nullcontext

import psycopg
import pytest
from celery.exceptions import Reject

from campaigns.errors import Invalid
from worker.redaction import TaskFailed
from worker.tasks.guard import perform


class Patience:
    """A runtime without servers, whose waits end at once; the last of ``rounds`` is a shutdown."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds

    def pool(self):
        return self

    def connection(self):
        return nullcontext()

    def wait_for_shutdown(self, seconds: float) -> bool:
        self.rounds -= 1
        return self.rounds <= 0


@pytest.mark.parametrize("error", [psycopg.OperationalError, psycopg.errors.UndefinedTable])
def test_what_passes_by_itself_is_waited_for(error):
    outcomes = [error("first"), error("second"), None]

    def work(conn):
        if found := outcomes.pop(0):
            raise found
        return "done"

    assert perform(Patience(9), work) == "done"


def test_a_worker_that_shuts_down_puts_the_message_back():
    def work(conn):
        raise psycopg.errors.UndefinedTable

    with pytest.raises(Reject) as rejection:
        perform(Patience(3), work)
    assert rejection.value.requeue


def test_a_refusal_passes_and_of_any_other_error_only_the_kind_is_told():
    def refuse(conn):
        raise Invalid("name", None, "is required")

    def break_down(conn):
        raise ValueError("anna@example.com")

    with pytest.raises(Invalid):
        perform(Patience(1), refuse)
    with pytest.raises(TaskFailed, match=r"^ValueError$"):
        perform(Patience(1), break_down)


def test_a_statement_that_always_takes_too_long_does_not_hold_its_thread_for_ever():
    tries = []

    def take_long(conn):
        tries.append(1)
        raise psycopg.errors.QueryCanceled

    with pytest.raises(TaskFailed, match="QueryCanceled"):
        perform(Patience(99), take_long)
    assert len(tries) == 3
