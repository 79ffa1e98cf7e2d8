"""Work that nobody would ever come back to is found, put right where that is safe, and told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import uuid4

import pytest

from campaigns.database import Connection
from campaigns.providers import ProviderConfig, Providers
from campaigns.run.explain import MISSING_AFTER
from scheduler.duties import watching
from scheduler.duties.watching import EVERY, PUBLICATIONS, QUIET, Round, idle_queues
from scheduler.tick import tick
from tests.support import ledger
from worker.heart import Silence

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
LATER = NOW + QUIET + timedelta(seconds=1)
PROVIDERS = Providers(
    MappingProxyType({"carrier": ProviderConfig(name="carrier", adapter="sandbox", channel="sms")})
)


def forsaken(conn: Connection, *, pending: int = 0, sending: int = 0, accepted: int = 0) -> int:
    """A run whose rows were all cut once, and whose slices are gone."""
    total = pending + sending + accepted
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), total, NOW)
    conn.execute("UPDATE lanes SET next_seq = hi WHERE run_id = %s", (run_id,))
    conn.execute(
        "UPDATE deliveries SET status = CASE WHEN seq < %s THEN 'accepted' ELSE 'sending' END, "
        "claimed_at = %s, lease_token = %s WHERE run_id = %s AND seq < %s",
        (accepted, NOW, uuid4(), run_id, accepted + sending),
    )
    conn.execute("UPDATE runs SET accepted = %s WHERE id = %s", (accepted, run_id))
    return run_id


def look(conn: Connection, now: datetime = LATER) -> list[str]:
    with conn.transaction():
        return [finding.detail for finding in watching.run_once(conn, now, Round())]


def told(conn: Connection) -> list[tuple[str, str, bool]]:
    rows = conn.execute("SELECT kind, subject, repaired FROM findings ORDER BY kind, subject")
    return [(row["kind"], row["subject"], row["repaired"]) for row in rows]


def test_rows_that_no_slice_names_are_handed_out_again(conn):
    run_id = forsaken(conn, pending=5, accepted=3)
    assert look(conn) == ["5 that nobody had are handed out again"]
    report = tick(conn, PROVIDERS, name="beat@test", now=LATER)
    assert report is not None
    assert report.messages == 5
    slices = conn.execute("SELECT seqs FROM slices WHERE run_id = %s", (run_id,)).fetchall()
    assert sorted(seq for row in slices for seq in row["seqs"]) == [3, 4, 5, 6, 7]
    assert told(conn) == [("forsaken", f"run {run_id}", True)]


def test_rows_that_nobody_is_sending_are_held_as_unknown_and_never_sent_again(conn):
    run_id = forsaken(conn, sending=2, accepted=1)
    found = look(conn)
    assert found[0].startswith("2 messages that nobody was sending are held as unknown")
    assert ledger.statuses(conn, run_id) == {"accepted": 1, "unknown": 2}
    assert ledger.counters(conn, run_id) == {"accepted": 1, "unknown": 2}
    report = tick(conn, PROVIDERS, name="beat@test", now=LATER)
    assert report is not None
    assert (report.messages, report.finished) == (0, 1)


def resending(**changes: object) -> Providers:
    """Its account recognises repetitions, and a second one takes over for it."""
    carrier = PROVIDERS.by_name["carrier"]
    first = carrier.model_copy(update={"in_doubt": "resend", "fallback": "second", **changes})
    second = carrier.model_copy(update={"name": "second"})
    return Providers(MappingProxyType({"carrier": first, "second": second}))


def watched(conn: Connection, providers: Providers, before: Providers | None = None) -> list[str]:
    """Twice by one beat: before the rows were claimed, and long after."""
    turn = Round()
    watching.run_once(conn, NOW - EVERY, turn, before or providers)
    conn.execute(
        "UPDATE deliveries SET provider = 'carrier', attempts = 1 WHERE status = 'sending'"
    )
    with conn.transaction():
        return [found.detail for found in watching.run_once(conn, LATER, turn, providers)]


def test_rows_of_an_account_that_recognises_them_are_sent_again_by_it_alone(conn):
    run_id = forsaken(conn, pending=1, sending=2, accepted=1)
    assert watched(conn, resending()) == [
        "2 messages that nobody was sending are sent again, 1 that nobody had are handed out again"
    ]
    assert ledger.statuses(conn, run_id) == {"accepted": 1, "pending": 3}
    assert ledger.counters(conn, run_id) == {"accepted": 1}
    found = conn.execute("SELECT kind, attempts, bound_to, seqs FROM slices ORDER BY kind")
    assert [tuple(piece.values()) for piece in found] == [
        ("retry", 1, "carrier", [1, 2]), ("returned", 0, None, [3]),
    ]  # fmt: skip
    events = conn.execute("SELECT kind, retried, code FROM delivery_events").fetchall()
    assert [tuple(event.values()) for event in events] == [("unknown", True, "forsaken")] * 2


@pytest.mark.parametrize(
    ("providers", "before"),
    [
        (resending(max_attempts=1), None),
        (resending(), PROVIDERS),
        (PROVIDERS, resending()),
    ],
    ids=["no attempt is left", "it did not when they were claimed", "it does not any more"],
)
def test_rows_of_an_account_that_may_not_send_them_again_are_held(conn, providers, before):
    run_id = forsaken(conn, sending=2)
    watched(conn, providers, before)
    assert ledger.counters(conn, run_id) == {"unknown": 2}
    assert conn.execute("SELECT FROM slices").fetchall() == []


def test_a_beat_that_has_not_seen_how_they_were_sent_holds_them(conn):
    run_id = forsaken(conn, sending=2)
    conn.execute("UPDATE deliveries SET provider = 'carrier', attempts = 1")
    with conn.transaction():
        watching.run_once(conn, LATER, Round(), resending())
    assert ledger.counters(conn, run_id) == {"unknown": 2}


def test_rows_of_a_run_that_is_closing_are_held(conn):
    run_id = forsaken(conn, sending=2)
    conn.execute("UPDATE runs SET status = 'closing', reason = 'stopped'")
    watched(conn, resending())
    assert ledger.counters(conn, run_id) == {"unknown": 2}


def test_counters_that_do_not_add_up_are_counted_again(conn):
    run_id = forsaken(conn, accepted=4)
    conn.execute("UPDATE runs SET accepted = 1, unknown = 1 WHERE id = %s", (run_id,))
    assert look(conn) == ["its counters were corrected"]
    assert ledger.counters(conn, run_id) == {"accepted": 4}


def test_a_count_that_waits_for_the_tick_is_left_to_it(conn):
    run_id = forsaken(conn, accepted=4)
    conn.execute("UPDATE runs SET accepted = 0 WHERE id = %s", (run_id,))
    conn.execute("INSERT INTO run_tallies VALUES (%s, 1, 4, 0, 0, 0)", (run_id,))
    assert look(conn) == []
    assert ledger.counters(conn, run_id) == {"accepted": 4}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE lanes SET next_seq = hi - 1",
        "INSERT INTO slices (run_id, kind, lo, hi, messages) SELECT id, 'retry', 0, 1, 1 FROM runs",
        f"UPDATE runs SET progressed_at = timestamptz '{NOW + timedelta(seconds=2)}'",
    ],
    ids=["not cut yet", "waits for another try", "was settled of just now"],
)
def test_a_run_that_somebody_will_come_back_to_is_left_alone(conn, change):
    forsaken(conn, pending=3, sending=2)
    conn.execute(change)
    assert look(conn) == []
    assert told(conn) == []


def test_a_run_under_a_batch_is_left_alone(conn):
    run_id = forsaken(conn, sending=2)
    batch = conn.execute(
        "INSERT INTO batches (provider, messages, status, spread_from, spread_until, created_at) "
        "VALUES ('carrier', 2, 'leased', now(), now(), now()) RETURNING id"
    ).fetchone()
    conn.execute(
        "INSERT INTO slices (run_id, batch_id, kind, lo, hi, messages) "
        "VALUES (%s, %s, 'fresh', 0, 2, 2)",
        (run_id, batch["id"]),
    )
    assert look(conn) == []


def test_batches_that_nobody_takes_are_told_with_the_reason(conn):
    conn.execute(
        "INSERT INTO batches (provider, messages, status, spread_from, spread_until, created_at, "
        "publications) VALUES ('carrier', 2, 'ready', now(), now(), now(), %s)",
        (PUBLICATIONS,),
    )
    assert look(conn) == ["1 batches wait, and no send worker was seen"]
    conn.execute("INSERT INTO heartbeats VALUES ('send@x', 'send', %s)", (LATER,))
    assert look(conn) == [
        "1 batches wait, and a send worker is alive and takes none of them; restart it"
    ]
    assert told(conn) == [("idle queue", "queue of send", False)]


def test_a_worker_that_was_not_seen_lately_is_no_worker():
    row = {
        "batches": 0,
        "runs": 2,
        "send_seen": None,
        "receivers": 0,
        "noted_at": None,
        "control_seen": NOW - 2 * MISSING_AFTER,
    }
    (finding,) = idle_queues(row, NOW)
    assert finding.detail == "2 runs wait, and no control worker was seen since 11:59:20 UTC"
    assert not list(idle_queues({**row, "runs": 0}, NOW))


def test_it_looks_once_in_a_while_and_counts_what_it_finds_again(conn):
    turn = Round()
    forsaken(conn, pending=1)
    for seconds, found in ((0, 1), (5, 0), (EVERY.total_seconds(), 0)):
        with conn.transaction():
            assert len(watching.run_once(conn, LATER + timedelta(seconds=seconds), turn)) == found
    conn.execute("DELETE FROM slices")
    look(conn, LATER + timedelta(minutes=1))
    assert conn.execute("SELECT times FROM findings").fetchone()["times"] == 2
    conn.execute("DELETE FROM slices")
    conn.execute("UPDATE deliveries SET status = 'accepted'")
    conn.execute("UPDATE runs SET accepted = total")
    look(conn, LATER + timedelta(days=8))
    assert told(conn) == []


def test_a_beat_that_fell_silent_is_told_once_a_minute_while_there_is_work(conn):
    silence = Silence()

    def seen(seconds_ago: float) -> None:
        conn.execute(
            "INSERT INTO heartbeats VALUES ('beat@x', 'beat', now() - make_interval(secs => %s)) "
            "ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at",
            (seconds_ago,),
        )

    seen(100)
    assert not silence.look(conn), "nothing is to be sent"
    ledger.run(conn, ledger.campaign(conn, datetime.now(UTC)), 1, datetime.now(UTC))
    for seconds_ago, told_now in (
        (5, False),
        (31, True),
        (60, False),
        (92, True),
        (1, False),
        (40, True),
    ):
        seen(seconds_ago)
        assert silence.look(conn) is told_now, seconds_ago
