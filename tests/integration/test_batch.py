"""Sending a batch on a real database: what each outcome leads to, through outages too.

Adapter and transport are scripted here; real ones have their own suites.
"""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from campaigns.database import Connection
from tests.support import ledger as rows
from tests.support.batches import Bench, ScriptedAdapter
from worker.adapters.base import (
    Accepted,
    Failed,
    Rejected,
    Throttled,
    Unknown,
)
from worker.condition import Known
from worker.engine import Engine
from worker.transport.base import NotSent, NotSentElsewhere, Uncertain, UncertainElsewhere


@pytest.fixture
def bench(conn: Connection, database: str) -> Bench:
    return Bench(conn, database)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_every_recipient_gets_one_message_whatever_the_requests_size(bench, size):
    """And one contact that breaks the encoder stops nobody else, in a request of many neither."""
    bench.adapter = ScriptedAdapter({}, size)
    bench.send(bench.cut())
    while bench.waiting():
        # On a busy machine some are too late for their slots, and come back.
        bench.conn.execute("DELETE FROM slices")
        bench.send(bench.cut())
    assert len(set(bench.transport.carried)) == len(bench.transport.carried) == 39
    assert {message.text for message in bench.adapter.sent} == {"Hello Ada"}
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 39, "rejected": 1}
    assert (bench.batches(), bench.waiting()) == (0, {})


def test_each_outcome_leads_where_it_should(bench):
    bench.adapter.script = {
        "01": Rejected("invalid_number"),
        "02": Failed("http_503"),
        "03": Unknown("http_500"),
    }
    bench.send(bench.cut(0, 10))
    assert rows.statuses(bench.conn, bench.run_id) == {
        "accepted": 7, "rejected": 1, "unknown": 1, "pending": 31,
    }  # fmt: skip
    assert bench.waiting() == {"retry": 1}


def test_a_failure_is_tried_again_up_to_the_limit(bench):
    bench.adapter.script = {"02": Failed("http_503")}
    for _ in range(3):
        bench.conn.execute("DELETE FROM slices")
        bench.send(bench.cut(2, 3))
    assert rows.counters(bench.conn, bench.run_id) == {"failed": 1}
    assert bench.waiting() == {}


def test_a_failure_is_final_after_the_attempts_of_the_whole_chain(bench):
    """Through whichever account of it: three at the first, two at the second."""
    bench.fallback(max_attempts=2)
    bench.adapter.script = {"02": Failed("http_503")}
    for account in ("carrier", "carrier", "carrier", "second"):
        bench.conn.execute("DELETE FROM slices")
        bench.send(bench.cut(2, 3, account))
        assert bench.waiting() == {"retry": 1}
    bench.conn.execute("DELETE FROM slices")
    bench.send(bench.cut(2, 3, "second"))
    assert rows.counters(bench.conn, bench.run_id) == {"failed": 1}


@pytest.mark.parametrize("outcome", [Rejected("400"), Unknown("http_500")])
def test_what_is_rejected_or_unknown_never_goes_to_the_next_account(bench, outcome):
    bench.fallback()
    bench.adapter.script = {"02": outcome}
    bench.send(bench.cut(2, 3))
    assert bench.waiting() == {}


def test_a_throttled_reply_costs_no_attempt_and_holds_the_whole_account(bench):
    bench.adapter.script = {f"{n:02d}": Throttled(60.0) for n in range(40)}
    bench.send(bench.cut())
    first = len(bench.adapter.sent)
    assert first <= bench.config.max_in_flight
    assert rows.statuses(bench.conn, bench.run_id) == {"pending": 40}
    attempts = bench.conn.execute("SELECT max(attempts) AS n FROM deliveries").fetchone()["n"]
    assert attempts == 0
    bench.conn.execute("DELETE FROM slices")
    bench.send(bench.cut())
    assert len(bench.adapter.sent) == first, "the account is still held"
    row = bench.conn.execute(
        "SELECT cooling_until > now() + interval '50 s' AS held, cooling_reason "
        "FROM provider_states"
    ).fetchone()
    assert (row["held"], row["cooling_reason"]) == (True, "throttled")


def test_a_provider_that_cannot_be_reached_burns_no_attempts(bench):
    bench.transport.failure = NotSent("connection_refused")
    bench.send(bench.cut())
    assert rows.statuses(bench.conn, bench.run_id) == {"pending": 40}
    assert bench.transport.requests <= bench.config.max_in_flight
    assert bench.waiting() == {"returned": 40}


def test_a_recipients_own_server_says_nothing_about_the_account(bench):
    """An attempt of each is used up, so that they are not tried for ever, and nobody else waits."""
    bench.transport.failure = NotSentElsewhere("private_address")
    bench.send(bench.cut(0, 5))
    tried = bench.conn.execute("SELECT attempts, error_class, status FROM deliveries WHERE seq < 5")
    expected = {"attempts": 1, "error_class": "transient", "status": "pending"}
    assert tried.fetchall() == [expected] * 5
    bench.transport.failure = UncertainElsewhere("closed")
    bench.send(bench.cut(5, 10))
    assert rows.counters(bench.conn, bench.run_id) == {"unknown": 5}
    assert bench.conn.execute("SELECT failures FROM provider_states").fetchall() == []


def test_what_a_fallback_may_take_over_does_not_wait_for_the_first_account(bench):
    bench.fallback()
    bench.adapter.script = {f"{n:02d}": Throttled(3600.0) for n in range(40)}
    bench.send(bench.cut(0, 5))
    bench.send(bench.cut(5, 10))
    row = bench.conn.execute(
        "SELECT max(extract(epoch FROM not_before - now()))::float8 AS wait FROM slices"
    ).fetchone()
    assert row["wait"] <= 1.0


def test_while_the_circuit_is_open_one_message_at_a_time_is_sent(bench):
    """What was cut before goes back, and the tick sends one message to see how things are."""
    bench.conn.execute(
        "INSERT INTO provider_states (provider, failures, circuit, updated_at) "
        "VALUES ('carrier', 3, 'open', now())"
    )
    assert bench.send(bench.cut(0, 5)) == 0
    first, second = bench.cut(5, 6), bench.cut(6, 7)
    bench.conn.execute(
        "UPDATE batches SET status = 'leased', lease_until = now() + interval '10 s' WHERE id = %s",
        (second,),
    )
    assert bench.send(first) == 0, "another probe is under way"
    assert bench.transport.requests == 0
    bench.conn.execute("DELETE FROM batches")
    assert bench.send(bench.cut(7, 8)) == 1
    row = bench.conn.execute("SELECT failures, circuit FROM provider_states").fetchone()
    assert (row["failures"], row["circuit"]) == (0, "closed")


def test_a_circuit_that_was_closed_meanwhile_costs_no_batch_its_tick(bench):
    """Another process probed, and this one has not read of it yet."""

    async def believe(engine: Engine) -> None:
        known = Known(failures=3, circuit="open")
        engine.accounts.get("carrier").condition.learn(known, 0.0)

    bench.conn.execute(
        "INSERT INTO provider_states (provider, updated_at) VALUES ('carrier', now())"
    )
    assert bench.send(bench.cut(0, 5), believe) == 5


def test_what_was_claimed_is_not_sent_once_the_account_was_throttled(bench):
    """The other rows of the chunk wait for their slots; each request more would be refused too."""
    bench.config = bench.config.model_copy(update={"rate": "50/s", "max_in_flight": 40})
    bench.configs = [bench.config]
    bench.adapter.script = {f"{n:02d}": Throttled(60.0) for n in range(40)}
    bench.send(bench.cut())
    assert bench.transport.requests == 1
    codes = bench.conn.execute(
        "SELECT DISTINCT error_code AS code, attempts FROM deliveries WHERE error_code IS NOT NULL"
    ).fetchall()
    assert {(row["code"], row["attempts"]) for row in codes} <= {("throttled", 0), ("cooling", 0)}


def test_a_request_that_may_have_arrived_is_held_as_unknown(bench):
    bench.transport.failure = Uncertain("read_timeout")
    bench.send(bench.cut(0, 2))
    assert rows.counters(bench.conn, bench.run_id) == {"unknown": 2}
    assert bench.waiting() == {}


def test_a_providers_strange_word_does_not_cost_the_outcomes_of_the_chunk(bench):
    bench.adapter.script = {"01": Accepted("a\x00b\ud800"), "02": Rejected("x" * 5000)}
    bench.send(bench.cut(0, 5))
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 4, "rejected": 1}


def test_a_transport_that_breaks_leaves_no_row_without_an_outcome(bench):
    bench.transport.failure = RuntimeError("a defect")
    bench.send(bench.cut(0, 5))
    assert rows.counters(bench.conn, bench.run_id) == {"unknown": 5}


def test_outcomes_survive_a_database_that_is_away_for_a_moment(bench):
    """The connections die while the requests are under way; the outcomes are written later."""

    bench.transport.during = bench.cut_off
    bench.send(bench.cut(0, 5))
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 5}


def test_a_restarted_database_costs_no_batch_its_message(bench):
    """All idle connections are dead at once; the batch's next message would come much later."""

    async def restart(engine: Engine) -> None:
        pool = engine.ledger._pool
        async with AsyncExitStack() as opened:
            for _ in range(4):
                await opened.enter_async_context(pool.connection())
        bench.cut_off()

    assert bench.send(bench.cut(0, 5), restart) == 5
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 5}
    assert bench.waiting() == {}
