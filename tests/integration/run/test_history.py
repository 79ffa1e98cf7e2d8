"""A plain submission is told by its row alone, and nothing that was ever in a history leaves it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from campaigns import queries
from campaigns.run import again
from tests.support.reported import ECHOES, Sending
from worker.adapters.base import Rejected
from worker.outcomes import settle

UNREPORTED = queries.load("campaigns.run", "unreported.sql")


def history(sending: Sending, source: str = "delivery_history") -> list[dict[str, Any]]:
    query = f"SELECT * FROM {source} WHERE run_id = %s ORDER BY at, kind"
    return sending.conn.execute(query, (sending.run_id,)).fetchall()


def expire(sending: Sending) -> None:
    silent = {"run_id": sending.run_id, "lo": 0, "hi": 1, "now": None, "code": "no_report"}
    sending.conn.execute(UNREPORTED.settle_silent_rows, silent)


def resend(sending: Sending) -> None:
    again.send(sending.conn, sending.run_id, again.failed(), now=datetime.now(UTC))


def test_a_plain_submission_is_told_by_its_row(sending: Sending) -> None:
    sending.accept("a", "b")
    assert history(sending, "delivery_events") == []
    row = sending.conn.execute("SELECT * FROM deliveries WHERE seq = 0").fetchone()
    (event,) = history(sending)
    assert (event["kind"], event["at"]) == ("submitted", row["settled_at"])
    assert event["key"] == str(round(row["claimed_at"].timestamp() * 1_000_000))
    assert (event["provider"], event["message_ids"]) == ("carrier", ["a", "b"])


def test_nothing_leaves_a_history_whatever_becomes_of_the_row(sending: Sending) -> None:
    sending.accept("a", "b")
    steps = [
        lambda: sending.hear(sending.said("delivered", "a", part=True)),
        lambda: sending.accept("a", "b"),
        lambda: expire(sending),
        lambda: resend(sending),
        lambda: setattr(sending, "lease", sending.claimed()),
        lambda: sending.accept("c"),
        lambda: sending.hear(sending.said("delivered", "c")),
    ]
    told = history(sending)
    for step in steps:
        step()
        found = history(sending)
        assert all(event in found for event in told)
        told = found
    assert [event["kind"] for event in told if not event["key"].startswith(("r:", "p:"))] == [
        "submitted", "expired", "resent", "submitted",
    ]  # fmt: skip


@pytest.mark.parametrize("status", ["pending", "failed", "unknown"])
def test_a_row_that_tells_its_submission_cannot_be_anything_else(
    sending: Sending, status: str
) -> None:
    """Whoever changes it has to write the event first."""
    sending.accept("a")
    with pytest.raises(psycopg.errors.CheckViolation):
        sending.conn.execute("UPDATE deliveries SET status = %s WHERE seq = 0", (status,))


def test_an_answer_is_kept_that_comes_when_its_claim_is_forgotten(sending: Sending) -> None:
    """The row was held, a person had it sent again, and then a report said that it had arrived."""
    sending.lose()
    again.send(sending.conn, sending.run_id, again.unknown(), now=datetime.now(UTC))
    sending.hear(sending.said("delivered"))
    told = [settle(sending.run_id, 0, 1, Rejected("blocked"), max_attempts=3)]
    sending.runner.run(sending.ledger.record(sending.lease, told, ECHOES))
    assert ("failed", "blocked") in [(one["kind"], one["code"]) for one in history(sending)]
    sending.accept("late")
    assert sending.row() == ("accepted", "delivered")
    assert ("submitted", ["late"]) in [
        (one["kind"], one["message_ids"]) for one in history(sending)
    ]
