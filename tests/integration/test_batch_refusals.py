"""What is refused: the account, the address, the content; and who has to wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from campaigns.database import Connection
from campaigns.template.content import Card
from tests.support import ledger as rows
from tests.support.batches import Bench, ScriptedAdapter
from worker.adapters.base import (
    Accepted,
    Blocked,
    Failed,
    HttpResponse,
    Message,
    Outcome,
    Rejected,
)
from worker.throttle.memory import MemoryLimiter


@pytest.fixture
def bench(conn: Connection, database: str) -> Bench:
    return Bench(conn, database)


def test_a_refused_account_costs_no_attempt_is_held_and_says_its_code(bench):
    bench.adapter.script = {f"{n:02d}": Blocked("invalid_key") for n in range(40)}
    bench.send(bench.cut())
    first = len(bench.adapter.sent)
    assert first <= bench.config.max_in_flight
    assert rows.statuses(bench.conn, bench.run_id) == {"pending": 40}
    attempts = bench.conn.execute("SELECT max(attempts) AS n FROM deliveries").fetchone()["n"]
    assert attempts == 0
    row = bench.conn.execute(
        "SELECT extract(epoch FROM cooling_until - now())::float8 AS rest, cooling_reason, "
        "circuit, refusals, refusal, factor_at FROM provider_states"
    ).fetchone()
    assert 50 < row.pop("rest") <= 60
    assert row == {
        "cooling_reason": "invalid_key", "circuit": "open", "refusals": 1,
        "refusal": "invalid_key", "factor_at": None,
    }  # fmt: skip

    bench.conn.execute("DELETE FROM slices")
    bench.conn.execute("UPDATE provider_states SET cooling_until = now()")
    bench.limiter = MemoryLimiter()
    bench.adapter.script = {}
    assert bench.send(bench.cut(0, 5)) == 0, "only one message may ask"
    assert bench.send(bench.cut(5, 6)) == 1
    row = bench.conn.execute("SELECT circuit, refusals, refusal FROM provider_states").fetchone()
    assert row == {"circuit": "closed", "refusals": 0, "refusal": None}


class Whole(ScriptedAdapter):
    """A vendor that refuses a request because of one recipient, and does not say which."""

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        if not any(message.address.endswith("02") for message in messages):
            return [Accepted("id")] * len(messages)
        return [Rejected("400")] if len(messages) == 1 else [Failed("400")] * len(messages)


def test_one_recipient_that_breaks_a_request_of_many_fails_alone(bench):
    """What was refused together is tried again one by one, and not together until all fail."""
    together = bench.config.max_in_flight
    bench.adapter = Whole({}, together)
    bench.send(bench.cut(0, together))
    assert rows.statuses(bench.conn, bench.run_id) == {"pending": 40}
    bench.conn.execute("DELETE FROM slices")
    bench.send(bench.cut(0, together))
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": together - 1, "rejected": 1}


def test_a_recipient_that_is_slowed_down_waits_and_keeps_nobody_else_waiting(bench):
    """`Failed.retry_after` is a floor below the backoff, of this row alone."""
    bench.adapter.script = {"02": Failed("pair_rate", retry_after=600.0), "03": Failed("http_503")}
    bench.send(bench.cut(0, 10))
    waits = bench.conn.execute(
        "SELECT lo, extract(epoch FROM not_before - now())::float8 AS wait FROM slices ORDER BY lo"
    ).fetchall()
    assert [row["lo"] for row in waits] == [2, 3]
    assert 590 < waits[0]["wait"] <= 600
    assert waits[1]["wait"] <= 2


def test_a_shorter_wait_than_the_backoff_changes_nothing(bench):
    bench.adapter.script = {"02": Failed("pair_rate", retry_after=0.1)}
    bench.send(bench.cut(0, 10))
    row = bench.conn.execute(
        "SELECT extract(epoch FROM not_before - now())::float8 AS wait FROM slices"
    ).fetchone()
    assert 1 < row["wait"] <= 2


def test_a_dead_address_is_remembered_for_its_team_and_channel(bench):
    bench.adapter.script = {"02": Rejected("unsubscribed", gone=True), "03": Rejected("bad_text")}
    bench.send(bench.cut(0, 10))
    found = bench.conn.execute(
        "SELECT channel, address, provider, code FROM gone_addresses"
    ).fetchall()
    assert found == [
        {
            "channel": "sms", "address": "447700000002", "provider": "carrier",
            "code": "unsubscribed",
        }
    ]  # fmt: skip
    assert rows.statuses(bench.conn, bench.run_id)["rejected"] == 2


def test_what_the_adapter_has_no_words_for_is_not_sent_in_part(bench):
    """The text of a card alone would lack its picture and its buttons."""
    bench.adapter.capabilities = replace(bench.adapter.capabilities, contents=frozenset({Card}))
    bench.send(bench.cut(0, 3))
    found = bench.conn.execute(
        "SELECT DISTINCT status, error_class, error_code FROM deliveries WHERE seq < 3"
    ).fetchall()
    assert found == [
        {"status": "rejected", "error_class": "content", "error_code": "content_not_carried"}
    ]
    assert bench.transport.carried == []
