"""What may have arrived is held, or goes back to the account that recognises a repetition: the
ledger, the send path and the tick together, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from campaigns import queries
from campaigns.database import Connection
from campaigns.run import again, resolve
from campaigns.run.events import Event, fold
from scheduler.tick import tick
from tests.support import ledger as rows
from tests.support.batches import Bench
from worker.adapters.base import Failed, Throttled, Unknown

LEDGER = queries.load("campaigns.run", "ledger.sql")


@pytest.fixture
def bench(conn: Connection, database: str) -> Iterator[Bench]:
    """An account that sends again what is in doubt, up to three times, with another behind it."""
    bench = Bench(conn, database)
    bench.config = bench.config.model_copy(update={"in_doubt": "resend"})
    bench.fallback(in_doubt="hold", max_attempts=2)
    conn.execute("UPDATE lanes SET next_seq = hi")
    # Of what no batch holds here nobody is to think that it was forgotten.
    conn.execute("UPDATE runs SET progressed_at = now() + interval '1 hour'")
    yield bench
    held = conn.execute("SELECT run_id, seq, status, error_class FROM deliveries").fetchall()
    for row in held:
        history = events(conn, row["run_id"], row["seq"])
        standing = fold(history)
        found = "pending" if row["status"] == "sending" else row["status"]
        assert (standing.status, standing.error_class) == (found, row["error_class"]), history


def events(conn: Connection, run_id: int, seq: int) -> list[Event]:
    found = conn.execute(
        "SELECT kind, key, at, retried, coalesce(message_ids, '{}') AS message_ids, error_class, "
        "code FROM delivery_history WHERE run_id = %s AND seq = %s",
        (run_id, seq),
    )
    return [Event(**{**row, "message_ids": tuple(row["message_ids"])}) for row in found]


def row(bench: Bench, seq: int = 2) -> dict[str, Any]:
    found = bench.conn.execute(
        "SELECT status, error_class, error_code, attempts, provider FROM deliveries WHERE seq = %s",
        (seq,),
    ).fetchone()
    assert found is not None
    return dict(found)


def waiting(bench: Bench) -> list[tuple[str, str | None, int]]:
    found = bench.conn.execute(
        "SELECT kind, bound_to, messages FROM slices WHERE batch_id IS NULL ORDER BY id"
    )
    return [(piece["kind"], piece["bound_to"], piece["messages"]) for piece in found]


def lost(
    bench: Bench, amount: int, *, resending: bool = True, attempts: int = 0, capped: bool = False
) -> None:
    """A batch of so many rows that a worker claimed before it died."""
    batch_id, token = bench.cut(0, amount), uuid4()
    bench.conn.execute("UPDATE deliveries SET attempts = %s WHERE seq < %s", (attempts, amount))
    of_batch = {
        "batch_id": batch_id, "token": token, "now": None, "lease_seconds": 15, "amount": amount,
        "channel": "sms", "capped": capped, "resending": ["carrier"] if resending else [],
    }  # fmt: skip
    bench.conn.execute(LEDGER.lease_batch, of_batch)
    claim = LEDGER.by_address("claim_capped" if capped else "claim", "phone")
    assert len(bench.conn.execute(claim, of_batch).fetchall()) == amount
    bench.conn.execute("UPDATE batches SET lease_until = now() - interval '1 s'")


def play_tick(bench: Bench) -> None:
    """A tick after all waits are over."""
    bench.conn.execute("UPDATE slices SET not_before = now() - interval '1 s'")
    now = datetime.now(UTC)
    assert tick(bench.conn, bench.current(), name="beat@test", now=now) is not None


def batches(bench: Bench) -> list[tuple[str, int]]:
    found = bench.conn.execute("SELECT provider, messages FROM batches ORDER BY id")
    return [(batch["provider"], batch["messages"]) for batch in found]


def next_batch(bench: Bench) -> int:
    found = bench.conn.execute("SELECT max(id) AS id FROM batches").fetchone()
    assert found is not None
    return int(found["id"])


def test_no_answer_is_a_retry_at_the_same_account_while_its_attempts_last(bench) -> None:
    """Three here; the two of the account behind it are not for what is in doubt."""
    bench.adapter.script = {"02": Unknown("read_timeout")}
    bench.send(bench.cut(2, 3))
    for attempt in (1, 2):
        assert row(bench) == {
            "status": "pending", "error_class": "in_doubt", "error_code": "read_timeout",
            "attempts": attempt, "provider": "carrier",
        }  # fmt: skip
        assert waiting(bench) == [("retry", "carrier", 1)]
        play_tick(bench)
        assert batches(bench) == [("carrier", 1)]
        bench.send(next_batch(bench))
    assert (row(bench)["status"], row(bench)["attempts"]) == ("unknown", 3)
    assert waiting(bench) == []
    assert rows.counters(bench.conn, bench.run_id) == {"unknown": 1}
    assert len({message.reference for message in bench.adapter.sent}) == 1


def test_an_account_that_holds_is_held_to_that(bench) -> None:
    bench.configs = [bench.config.model_copy(update={"in_doubt": "hold"})]
    bench.adapter.script = {"02": Unknown("read_timeout")}
    bench.send(bench.cut(2, 3))
    assert (row(bench)["status"], row(bench)["error_class"]) == ("unknown", "in_doubt")
    assert waiting(bench) == []


def test_what_is_in_doubt_waits_for_its_account_where_others_are_taken_over_for(bench) -> None:
    bench.adapter.script = {"02": Unknown("read_timeout"), "03": Failed("http_503")}
    bench.send(bench.cut(2, 4))
    bench.conn.execute(
        "INSERT INTO provider_states (provider, cooling_until, updated_at) "
        "VALUES ('carrier', now() + interval '1 hour', now()) "
        "ON CONFLICT (provider) DO UPDATE SET cooling_until = excluded.cooling_until"
    )
    play_tick(bench)
    assert batches(bench) == [("second", 1)]
    assert waiting(bench) == [("retry", "carrier", 1)]


@pytest.mark.parametrize("outcome", [Failed("http_503"), Throttled(1.0)])
def test_a_refusal_that_passes_leaves_it_in_doubt(bench, outcome) -> None:
    bench.adapter.script = {"02": Unknown("read_timeout")}
    bench.send(bench.cut(2, 3))
    play_tick(bench)
    bench.adapter.script = {"02": outcome}
    bench.send(next_batch(bench))
    assert (row(bench)["status"], row(bench)["error_class"]) == ("pending", "in_doubt")
    assert waiting(bench) == [("retry", "carrier", 1)]


def test_an_answer_ends_the_doubt(bench) -> None:
    bench.adapter.script = {"02": Unknown("read_timeout")}
    bench.send(bench.cut(2, 3))
    play_tick(bench)
    bench.adapter.script = {}
    bench.send(next_batch(bench))
    assert row(bench) == {
        "status": "accepted", "error_class": None, "error_code": None, "attempts": 2,
        "provider": "carrier",
    }  # fmt: skip
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 1}


def test_what_a_lost_worker_had_claimed_goes_back_to_the_same_account(bench) -> None:
    lost(bench, 4)
    play_tick(bench)
    assert rows.statuses(bench.conn, bench.run_id) == {"pending": 40}
    assert row(bench)["error_code"] == "worker_lost"
    assert waiting(bench) == [("retry", "carrier", 4)]
    assert rows.counters(bench.conn, bench.run_id) == {}


@pytest.mark.parametrize("reason", ["leased_before", "attempts", "file"])
def test_what_a_lost_worker_had_claimed_is_held_where_it_may_not_be_sent_again(
    bench, reason
) -> None:
    """It was sent without the key, it has no attempt left, or the file says so by now."""
    lost(bench, 4, resending=reason != "leased_before", attempts=2 if reason == "attempts" else 0)
    if reason == "file":
        bench.configs = [bench.config.model_copy(update={"in_doubt": "hold"})]
    play_tick(bench)
    assert rows.counters(bench.conn, bench.run_id) == {"unknown": 4}
    assert waiting(bench) == []


@pytest.mark.parametrize("change", ["hold", "gone"])
def test_what_waits_for_an_account_that_sends_nothing_again_any_more_is_held(bench, change) -> None:
    lost(bench, 4)
    play_tick(bench)
    if change == "hold":
        bench.configs = [bench.config.model_copy(update={"in_doubt": "hold"})]
    else:
        bench.configs = [bench.config.model_copy(update={"name": "second", "in_doubt": "hold"})]
    play_tick(bench)
    assert rows.counters(bench.conn, bench.run_id) == {"unknown": 4}
    assert waiting(bench) == []
    play_tick(bench)
    assert rows.counters(bench.conn, bench.run_id) == {"unknown": 4}


def test_whoever_opts_out_while_in_doubt_is_held_and_not_called_suppressed(bench) -> None:
    bench.adapter.script = {"02": Unknown("read_timeout")}
    bench.send(bench.cut(2, 3))
    bench.conn.execute(
        "INSERT INTO contacts (group_id, phone, fields) VALUES (%s, '447700000002', '{}')",
        (rows.optouts_id(bench.conn),),
    )
    play_tick(bench)
    bench.send(next_batch(bench))
    assert (row(bench)["status"], row(bench)["error_class"]) == ("unknown", "in_doubt")
    assert rows.counters(bench.conn, bench.run_id) == {"unknown": 1}


def test_a_person_ends_the_doubt_about_where_it_may_go(bench) -> None:
    """Sent again by a person it begins at the first account, with all of its attempts."""
    lost(bench, 4, resending=False)
    play_tick(bench)
    assert (
        again.send(bench.conn, bench.run_id, again.unknown(seqs=[1, 2]), now=datetime.now(UTC)) == 2
    )
    assert waiting(bench) == [("returned", None, 2)]
    assert row(bench)["error_class"] is None
    assert resolve.fail(bench.conn, bench.run_id, again.unknown(), now=datetime.now(UTC)) == 2
    assert row(bench, 0)["error_class"] == "operator"
    chosen = again.failed("operator")
    assert again.send(bench.conn, bench.run_id, chosen, now=datetime.now(UTC)) == 2
    assert rows.counters(bench.conn, bench.run_id) == {}


def test_the_repetition_is_not_refused_because_of_the_touch_of_its_first_attempt(bench) -> None:
    bench.conn.execute("UPDATE teams SET frequency_cap_day = 1")
    lost(bench, 1, capped=True)
    touches = bench.conn.execute("SELECT sent_at FROM recipient_touches").fetchall()
    assert [len(touch["sent_at"]) for touch in touches] == [1]
    play_tick(bench)
    play_tick(bench)
    bench.send(next_batch(bench))
    assert row(bench, 0)["status"] == "accepted"
