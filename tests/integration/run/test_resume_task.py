"""``campaigns.resume`` on the queue: as it always was, and with a scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery

from campaigns.campaign import control
from campaigns.database import Connection
from campaigns.errors import Invalid
from tests.support import ledger
from worker.tasks import public


@pytest.fixture
def resume(conn: Connection) -> Callable[..., Any]:
    """The task, called as a worker calls it."""

    @contextmanager
    def connection() -> Iterator[Connection]:
        yield conn

    app = Celery(set_as_current=False)
    runtime: Any = SimpleNamespace(pool=lambda: SimpleNamespace(connection=connection))
    public.register(app, runtime)
    return app.tasks["campaigns.resume"]


@pytest.fixture
def run_id(conn: Connection) -> int:
    """A run that failed everybody, of a campaign that is held by hand."""
    now = datetime.now(UTC) - timedelta(minutes=1)
    campaign_id = ledger.campaign(conn, now)
    run_id = ledger.run(conn, campaign_id, 3, now)
    conn.execute(
        "UPDATE deliveries SET status = 'failed', "
        "error_class = CASE WHEN seq = 2 THEN 'poisoned' ELSE 'transient' END"
    )
    conn.execute("UPDATE runs SET failed = 3")
    control.pause(conn, ledger.team_id(conn), campaign_id, now=now)
    return run_id


def campaign_of(conn: Connection, run_id: int) -> str:
    return str(ledger.field(conn, "runs", run_id, "campaign_id"))


def is_held(conn: Connection, run_id: int) -> bool:
    return bool(ledger.field(conn, "campaigns", campaign_of(conn, run_id), "manually_paused"))


@pytest.mark.parametrize("given", [(), ("default",), ("default", "pending")])
def test_without_a_scope_it_lets_the_campaign_go_on_and_sends_nothing_again(
    conn, run_id, resume, given
) -> None:
    assert resume(campaign_of(conn, run_id), *given) == campaign_of(conn, run_id)
    assert not is_held(conn, run_id)
    assert ledger.statuses(conn, run_id) == {"failed": 3}


def test_with_the_scope_failed_it_says_how_many_are_sent_again(conn, run_id, resume) -> None:
    found = resume(campaign_of(conn, run_id), scope="failed", error_class="transient")
    assert found == {"uuid": campaign_of(conn, run_id), "resent": 2}
    assert not is_held(conn, run_id)
    assert resume(campaign_of(conn, run_id), scope="failed")["resent"] == 1
    assert resume(campaign_of(conn, run_id), scope="failed")["resent"] == 0
    assert ledger.statuses(conn, run_id) == {"pending": 3}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"error_class": "transient"}, "error_class: 'transient' needs the scope 'failed'."),
        ({"scope": "all"}, "scope: 'all' must be 'pending' or 'failed'."),
        ({"scope": "failed", "error_class": "policy"}, "error_class: 'policy' must be one of"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_changes(
    conn, run_id, resume, given, sentence
) -> None:
    with pytest.raises(Invalid) as refusal:
        resume(campaign_of(conn, run_id), **given)
    assert str(refusal.value).startswith(sentence)
    assert is_held(conn, run_id)
    assert ledger.statuses(conn, run_id) == {"failed": 3}
