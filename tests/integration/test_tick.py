"""The tick on a real database: what it starts, cuts, publishes, closes and finishes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from campaigns import database
from campaigns.database import Connection
from campaigns.database import connect as open_connection
from campaigns.messaging import TASK_CLOSE, TASK_RESOLVE, TASK_SEND
from campaigns.providers import ProviderConfig, Providers
from campaigns.run import again, handback
from scheduler.duties.starting import LEAD
from scheduler.memory import Memory
from scheduler.tick import TickReport, tick
from tests.support import ledger
from tests.support.waiting import eventually

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
CARRIER = ProviderConfig(name="carrier", adapter="sandbox", channel="sms", rate="50/s")
PROVIDERS = Providers(MappingProxyType({"carrier": CARRIER}))


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ticked(conn: Connection, seconds: float = 0) -> TickReport:
    report = tick(conn, PROVIDERS, name="beat@test", now=at(seconds))
    assert report is not None
    return report


def published(report: TickReport, task: str) -> list[int]:
    return [row_id for name, row_id in report.publish if name == task]


def test_a_campaign_gets_its_run_a_moment_ahead_of_its_start_and_only_once(conn):
    campaign_id = ledger.campaign(conn, NOW, status="scheduled", start=at(100))
    assert ticked(conn, 99 - LEAD.total_seconds()).started == 0
    report = ticked(conn, 100 - LEAD.total_seconds())
    assert report.started == 1
    assert ledger.field(conn, "campaigns", campaign_id, "status") == "sending"
    assert len(published(report, TASK_RESOLVE)) == 1
    assert ticked(conn, 101 - LEAD.total_seconds()).started == 0
    assert conn.execute("SELECT count(*) AS n FROM runs").fetchone()["n"] == 1


def test_a_second_beat_does_nothing_while_the_first_one_ticks(conn, database):
    ledger.campaign(conn, NOW, status="scheduled", start=NOW)
    with open_connection(database) as other, conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtext('sluice.tick'))")
        assert tick(other, PROVIDERS, name="beat@other", now=NOW) is None


def test_cut_rows_cover_the_run_exactly_and_never_twice(conn):
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 230, NOW)
    for second in range(6):
        ticked(conn, second)
        # Everything that is out counts as claimed, so that the next tick may cut more.
        conn.execute("UPDATE batches SET messages = 0")
    pieces = conn.execute(
        "SELECT lo, hi FROM slices WHERE run_id = %s AND batch_id IS NOT NULL ORDER BY lo",
        (run_id,),
    ).fetchall()
    covered = [seq for piece in pieces for seq in range(piece["lo"], piece["hi"])]
    assert covered == list(range(230))


def test_no_more_than_two_quanta_are_cut_while_nobody_claims(conn):
    ledger.run(conn, ledger.campaign(conn, NOW), 1000, NOW)
    assert [ticked(conn, second).messages for second in range(4)] == [100, 0, 0, 0]


def test_what_waits_for_its_account_counts_as_outstanding(conn):
    """A worker hands back what a slow account cannot take yet. Cutting on in its place would end
    in a slice for every recipient, and a batch for nothing in every tick."""
    slow = CARRIER.model_copy(update={"rate": "1/min"})
    providers = Providers(MappingProxyType({"carrier": slow}))
    ledger.run(conn, ledger.campaign(conn, NOW), 50, NOW)
    cut = []
    for second in range(12):
        report = tick(conn, providers, name="beat@test", now=at(second))
        assert report is not None
        cut.append(report.messages)
        batches = [row["id"] for row in conn.execute("SELECT id FROM batches")]
        conn.execute(
            handback.SQL.hand_back,
            handback.parameters(batches, now=at(second), not_before=at(second + 9.5)),
        )
    assert cut == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]
    assert conn.execute("SELECT count(*) AS n FROM slices").fetchone()["n"] == 1


def test_a_message_that_got_lost_is_published_again_and_later_each_time(conn):
    ledger.run(conn, ledger.campaign(conn, NOW), 10, NOW)
    sent = [bool(published(ticked(conn, second), TASK_SEND)) for second in range(20)]
    assert [second for second, there in enumerate(sent) if there] == [0, 6, 17]


def test_a_lost_resolve_message_is_published_again(conn):
    ledger.campaign(conn, NOW, status="scheduled", start=NOW)
    assert published(ticked(conn, 0), TASK_RESOLVE)
    assert not published(ticked(conn, 9), TASK_RESOLVE)
    assert published(ticked(conn, 11), TASK_RESOLVE)


def test_a_batch_whose_worker_is_gone_is_taken_back(conn):
    """What was claimed is in doubt and never sent again; the rest is cut anew."""
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 50, NOW)
    ticked(conn)
    token = "00000000-0000-4000-8000-000000000001"
    conn.execute(
        "UPDATE batches SET status = 'leased', lease_token = %s, lease_until = %s",
        (token, at(15)),
    )
    conn.execute(
        "UPDATE deliveries SET status = 'sending', attempts = 1, lease_token = %s WHERE seq < 7",
        (token,),
    )
    conn.execute("UPDATE deliveries SET status = 'accepted' WHERE seq BETWEEN 7 AND 9")
    assert ticked(conn, 14).reclaimed == 0
    report = ticked(conn, 16)
    assert report.reclaimed == 1
    assert report.messages == 40
    assert ledger.statuses(conn, run_id) == {"unknown": 7, "accepted": 3, "pending": 40}
    assert ledger.counters(conn, run_id) == {"unknown": 7}


def test_a_retry_waits_for_its_backoff(conn):
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 3, NOW)
    conn.execute("UPDATE lanes SET next_seq = 3")
    conn.execute(
        "INSERT INTO slices (run_id, kind, lo, hi, messages, not_before) "
        "VALUES (%s, 'retry', 0, 3, 3, %s)",
        (run_id, at(4)),
    )
    assert [ticked(conn, second).messages for second in range(6)] == [0, 0, 0, 0, 3, 0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE campaigns SET status = 'stopped'", "stopped"),
        ("UPDATE runs SET expires_at = '2030-01-01 12:00:05+00'", "expired"),
    ],
)
def test_a_run_that_is_over_is_closed(conn, change, reason):
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 10, NOW)
    conn.execute(change)
    report = ticked(conn, 5)
    assert published(report, TASK_CLOSE) == [run_id]
    assert report.messages == 0
    assert ledger.field(conn, "runs", run_id, "reason") == reason


def test_the_leftover_policy_decides_what_happens_after_the_finish(conn):
    kept = ledger.run(conn, ledger.campaign(conn, NOW, finish=at(10)), 10, NOW)
    ended = ledger.run(conn, ledger.campaign(conn, NOW, finish=at(10), leftover="expire"), 10, NOW)
    report = ticked(conn, 11)
    assert ledger.field(conn, "runs", kept, "status") == "sending"
    assert ledger.field(conn, "runs", ended, "status") == "closing"
    assert report.messages == 10


def test_a_run_is_finished_only_when_every_row_is_settled(conn):
    campaign_id = ledger.campaign(conn, NOW)
    run_id = ledger.run(conn, campaign_id, 3, NOW)
    conn.execute("UPDATE runs SET accepted = 3")
    conn.execute("UPDATE deliveries SET status = 'accepted' WHERE seq < 2")
    assert ticked(conn).finished == 0
    conn.execute("UPDATE deliveries SET status = 'accepted'")
    assert ticked(conn, 1).finished == 1
    assert ledger.field(conn, "runs", run_id, "reason") == "completed"
    assert ledger.field(conn, "campaigns", campaign_id, "status") == "finished"


def test_a_run_whose_rows_are_being_sent_again_is_not_finished(conn, database):
    """The operator's decision is committed between the tick's look at the run and its last word."""
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 2, NOW)
    conn.execute("UPDATE runs SET accepted = 1")
    conn.execute("UPDATE lanes SET next_seq = 2")
    ticked(conn)
    conn.execute(
        "UPDATE deliveries SET status = CASE seq WHEN 0 THEN 'accepted' ELSE 'unknown' END"
    )
    conn.execute("UPDATE runs SET unknown = 1")
    with open_connection(database) as beat, ThreadPoolExecutor(1) as thread:
        with conn.transaction():
            assert again.send(conn, run_id, again.unknown(), now=NOW) == 1
            later = thread.submit(ticked, beat, 1)
            eventually(lambda: later.done() or waits_for_a_lock(conn, beat.info.backend_pid))
        assert later.result().finished == 0
    assert ledger.field(conn, "runs", run_id, "status") == "sending"
    assert ticked(conn, 2).messages == 1


def waits_for_a_lock(conn: Connection, pid: int) -> bool:
    row = conn.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0 AS waits", (pid,)).fetchone()
    return row is not None and bool(row["waits"])


@pytest.mark.parametrize(
    "held",
    [
        "INSERT INTO slices (run_id, kind, lo, hi, messages) SELECT id, 'returned', 0, 1, 1 "
        "FROM runs ORDER BY id LIMIT 1",
        "SELECT FROM campaigns WHERE id = (SELECT campaign_id FROM runs ORDER BY id LIMIT 1) "
        "FOR UPDATE",
        "SELECT FROM batches FOR UPDATE",
    ],
    ids=["a worker handing back", "a client changing its campaign", "a worker at its batch"],
)
def test_a_process_that_hangs_within_a_transaction_holds_up_no_other_run(conn, database, held):
    """A stopped process keeps its locks until PostgreSQL gives up on it, a minute later."""
    hung = ledger.run(conn, ledger.campaign(conn, NOW), 5, NOW)
    ticked(conn)
    conn.execute("UPDATE batches SET status = 'leased', lease_until = %s", (at(0.5),))
    conn.execute("UPDATE deliveries SET status = 'accepted'")
    conn.execute("UPDATE runs SET accepted = 5")
    conn.execute("UPDATE lanes SET gate_opens_at = NULL, gate_closes_at = NULL")
    other = ledger.run(conn, ledger.campaign(conn, NOW), 3, NOW)
    conn.execute("SET lock_timeout = '100ms'")
    with open_connection(database) as stopped, stopped.transaction():
        stopped.execute(held)
        assert ticked(conn, 1).messages == 3
        conn.execute("UPDATE deliveries SET status = 'accepted' WHERE run_id = %s", (other,))
        conn.execute("UPDATE runs SET accepted = 3 WHERE id = %s", (other,))
        ticked(conn, 2)
        assert ledger.field(conn, "runs", other, "status") == "finished"
    ticked(conn, 3)
    assert ledger.field(conn, "runs", hung, "status") == "finished"


def test_a_finished_run_leaves_no_slice_behind(conn):
    """A worker that hands back while its run is being closed leaves one that nobody needs."""
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 3, NOW)
    conn.execute("UPDATE runs SET status = 'closing', reason = 'stopped', cancelled = 3")
    conn.execute("UPDATE deliveries SET status = 'cancelled'")
    conn.execute(
        "INSERT INTO slices (run_id, kind, lo, hi, messages) VALUES (%s, 'returned', 0, 3, 3)",
        (run_id,),
    )
    assert ticked(conn).finished == 1
    assert conn.execute("SELECT count(*) AS n FROM slices").fetchone()["n"] == 0


def test_an_empty_audience_finishes_at_once_and_says_so(conn):
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 0, NOW)
    assert ticked(conn).finished == 1
    assert ledger.field(conn, "runs", run_id, "reason") == "empty"


def test_nothing_is_cut_while_paused_by_hand(conn):
    ledger.run(conn, ledger.campaign(conn, NOW), 10, NOW)
    conn.execute("UPDATE campaigns SET manually_paused = true")
    assert ticked(conn).messages == 0
    conn.execute("UPDATE campaigns SET manually_paused = false")
    assert ticked(conn, 1).messages == 10


def test_an_account_that_carries_another_channel_by_now_gets_nothing(conn):
    ledger.run(conn, ledger.campaign(conn, NOW), 10, NOW)
    changed = Providers({"carrier": CARRIER.model_copy(update={"channel": "email"})})
    report = tick(conn, changed, name="beat@test", now=NOW)
    assert report is not None
    assert report.messages == 0
    assert ticked(conn, 1).messages == 10


def test_a_cooling_account_gets_nothing(conn):
    ledger.run(conn, ledger.campaign(conn, NOW), 10, NOW)
    conn.execute(
        "INSERT INTO provider_states (provider, cooling_until, updated_at) VALUES (%s, %s, %s)",
        ("carrier", at(3), NOW),
    )
    assert [ticked(conn, second).messages for second in range(4)] == [0, 0, 0, 10]


def test_a_beat_is_seen_alive(conn):
    ticked(conn, 7)
    row = conn.execute("SELECT kind, seen_at FROM heartbeats WHERE name = 'beat@test'").fetchone()
    assert (row["kind"], row["seen_at"]) == ("beat", at(7))


def test_processes_that_are_long_gone_are_forgotten(conn):
    ticked(conn)
    tick(conn, PROVIDERS, name="beat@later", now=at(90_000))
    names = [row["name"] for row in conn.execute("SELECT name FROM heartbeats")]
    assert names == ["beat@later"]


def test_the_connection_parameters_are_bounded():
    assert "statement_timeout" in database.parameters()["options"]


def tally(conn: Connection, run_id: int, backend: int, accepted: int) -> None:
    conn.execute(
        "INSERT INTO run_tallies VALUES (%s, %s, %s, 0, 0, 0)", (run_id, backend, accepted)
    )


def test_what_workers_counted_is_added_up_once_and_left_where_one_is_writing(conn, database):
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 10, NOW)
    for backend in (1, 2, 3):
        tally(conn, run_id, backend, backend)
    with open_connection(database) as worker, worker.transaction():
        worker.execute("UPDATE run_tallies SET accepted = 4 WHERE backend = 3")
        ticked(conn)
        assert ledger.field(conn, "runs", run_id, "accepted") == 3
    ticked(conn, 1)
    ticked(conn, 2)
    assert ledger.field(conn, "runs", run_id, "accepted") == 7
    assert ledger.field(conn, "runs", run_id, "started_at") == NOW
    assert conn.execute("SELECT count(*) AS n FROM run_tallies").fetchone()["n"] == 0


def test_a_run_is_finished_in_the_tick_that_adds_up_its_last_row(conn):
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 3, NOW)
    conn.execute("UPDATE deliveries SET status = 'accepted'")
    tally(conn, run_id, 1, 3)
    assert ticked(conn).finished == 1


def test_touches_that_no_cap_looks_at_any_more_are_forgotten(conn):
    team = ledger.team_id(conn)
    touch = "INSERT INTO recipient_touches VALUES (%s, %s, ARRAY[%s::timestamptz])"
    conn.execute(touch, (team, "447700900001", NOW - timedelta(days=9)))
    conn.execute(touch, (team, "447700900002", NOW - timedelta(days=6)))
    memory = Memory()
    for second in range(0, 20, 5):
        assert tick(conn, PROVIDERS, name="beat@test", now=at(second), memory=memory)
    left = conn.execute("SELECT address FROM recipient_touches").fetchall()
    assert [row["address"] for row in left] == ["447700900002"]
