"""What is held as unknown is decided by a person, and every counter stays exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from campaigns import queries
from campaigns.database import Connection
from campaigns.errors import Invalid, Locked
from campaigns.providers import ProviderConfig, Providers
from campaigns.run import again, resolve
from scheduler.tick import tick
from tests.support import ledger
from worker.outcomes import Settlement

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
OUTCOMES = queries.load("campaigns.run", "outcomes.sql")
CARRIER = ProviderConfig(name="carrier", adapter="sandbox", channel="sms")
PROVIDERS = Providers(MappingProxyType({"carrier": CARRIER}))


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def finished_run(conn: Connection, *, unknown: int, accepted: int = 0, **campaign: object) -> int:
    """A run that is over, with rows held as unknown."""
    total = unknown + accepted
    run_id = ledger.run(conn, ledger.campaign(conn, NOW, **campaign), total, NOW)
    conn.execute(
        "UPDATE deliveries SET status = CASE WHEN seq < %s THEN 'unknown' ELSE 'accepted' END, "
        "attempts = 1, error_code = CASE WHEN seq < %s THEN 'worker_lost' END, "
        "lease_token = gen_random_uuid(), claimed_at = %s, settled_at = %s WHERE run_id = %s",
        (unknown, unknown, NOW, NOW, run_id),
    )
    conn.execute(
        "UPDATE runs SET unknown = %s, accepted = %s, status = 'finished', reason = 'completed', "
        "finished_at = %s WHERE id = %s",
        (unknown, accepted, NOW, run_id),
    )
    conn.execute("UPDATE lanes SET next_seq = hi, gate_opens_at = NULL, gate_closes_at = NULL")
    conn.execute("UPDATE campaigns SET status = 'finished', finished_sending_at = %s", (NOW,))
    return run_id


def campaign_status(conn: Connection) -> str:
    row = conn.execute("SELECT status FROM campaigns").fetchone()
    assert row is not None
    return row["status"]


def covered(conn: Connection, run_id: int) -> list[int]:
    rows = conn.execute(
        "SELECT seqs FROM slices WHERE run_id = %s AND batch_id IS NULL AND kind = 'returned' "
        "ORDER BY lo",
        (run_id,),
    )
    return [seq for row in rows for seq in row["seqs"]]


def test_failing_settles_the_rows_for_good(conn) -> None:
    run_id = finished_run(conn, unknown=3, accepted=2)
    assert resolve.fail(conn, run_id, again.unknown(), now=at(5)) == 3
    assert ledger.statuses(conn, run_id) == {"failed": 3, "accepted": 2}
    assert ledger.counters(conn, run_id) == {"failed": 3, "accepted": 2}
    row = conn.execute("SELECT error_code, settled_at FROM deliveries WHERE seq = 0").fetchone()
    assert row == {"error_code": "failed_by_operator", "settled_at": at(5)}
    assert resolve.fail(conn, run_id, again.unknown(), now=at(6)) == 0
    assert campaign_status(conn) == "finished"


def test_a_worker_that_was_thought_lost_cannot_overrule_the_decision(conn) -> None:
    run_id = finished_run(conn, unknown=1)
    row = conn.execute("SELECT lease_token FROM deliveries").fetchone()
    resolve.fail(conn, run_id, again.unknown(), now=at(5))
    settled = conn.execute(
        OUTCOMES.record_all,
        ledger.told(row["lease_token"], [Settlement(run_id, 0, "accepted")], at(6)),
    ).fetchone()
    assert settled == {"settled": 0}
    assert ledger.statuses(conn, run_id) == {"failed": 1}


def test_resending_reopens_the_run_and_its_campaign(conn) -> None:
    run_id = finished_run(conn, unknown=3, accepted=2)
    assert again.send(conn, run_id, again.unknown(), now=at(5)) == 3
    assert ledger.statuses(conn, run_id) == {"pending": 3, "accepted": 2}
    assert ledger.counters(conn, run_id) == {"accepted": 2}
    assert ledger.field(conn, "runs", run_id, "status") == "sending"
    assert ledger.field(conn, "runs", run_id, "reason") is None
    assert campaign_status(conn) == "sending"
    assert covered(conn, run_id) == [0, 1, 2]
    row = conn.execute("SELECT attempts, claimed_at FROM deliveries WHERE seq = 0").fetchone()
    assert row == {"attempts": 0, "claimed_at": None}


def test_resending_wakes_a_series_that_rests_and_its_next_occurrence_stays(conn) -> None:
    run_id = finished_run(conn, unknown=1)
    conn.execute(
        "UPDATE campaigns SET status = 'scheduled', next_dt = %s, schedule_type = 'scheduled', "
        "schedule_rrule = 'FREQ=DAILY'",
        (at(86_400),),
    )
    assert again.send(conn, run_id, again.unknown(), now=at(5)) == 1
    assert (campaign_status(conn), ledger.field(conn, "runs", run_id, "status")) == (
        "sending",
        "sending",
    )
    conn.execute("UPDATE deliveries SET status = 'accepted'")
    conn.execute("UPDATE runs SET accepted = 1")
    assert tick(conn, PROVIDERS, name="beat@test", now=at(10)) is not None
    assert campaign_status(conn) == "scheduled"
    row = conn.execute("SELECT next_dt FROM campaigns").fetchone()
    assert row == {"next_dt": at(86_400)}


def test_what_is_resent_is_cut_again_by_the_next_tick_and_exactly_once(conn) -> None:
    run_id = finished_run(conn, unknown=1200, accepted=10)
    again.send(conn, run_id, again.unknown(seqs=[*range(0, 1200, 2)]), now=at(5))
    report = tick(conn, PROVIDERS, name="beat@test", now=at(6))
    assert report is not None
    assert report.messages == 600
    batched = conn.execute("SELECT seqs FROM slices WHERE batch_id IS NOT NULL").fetchall()
    assert sorted(seq for row in batched for seq in row["seqs"]) == [*range(0, 1200, 2)]


def test_only_the_named_rows_are_touched(conn) -> None:
    run_id = finished_run(conn, unknown=4, accepted=1)
    assert resolve.fail(conn, run_id, again.unknown(seqs=[1, 4, 77]), now=at(5)) == 1
    assert again.send(conn, run_id, again.unknown(seqs=[2]), now=at(5)) == 1
    assert ledger.counters(conn, run_id) == {"unknown": 2, "failed": 1, "accepted": 1}
    assert covered(conn, run_id) == [2]


def test_what_the_provider_says_was_delivered_is_not_sent_again(conn) -> None:
    run_id = finished_run(conn, unknown=2)
    conn.execute("UPDATE deliveries SET report = 'delivered' WHERE seq = 0")
    assert again.send(conn, run_id, again.unknown(), now=at(5)) == 1
    assert covered(conn, run_id) == [1]
    assert ledger.counters(conn, run_id) == {"unknown": 1}


def test_where_nothing_is_unknown_nothing_is_reopened(conn) -> None:
    run_id = finished_run(conn, unknown=0, accepted=2)
    assert again.send(conn, run_id, again.unknown(), now=at(5)) == 0
    assert ledger.field(conn, "runs", run_id, "status") == "finished"
    assert campaign_status(conn) == "finished"


@pytest.mark.parametrize(
    ("campaign", "change", "words"),
    [
        ({"expiry": at(60)}, "", "expired at 2030-01-01 12:01:00"),
        ({"finish": at(30), "leftover": "expire"}, "", "expired at 2030-01-01 12:00:30"),
        ({}, "UPDATE campaigns SET status = 'stopped'", "its campaign is stopped"),
        ({}, "UPDATE campaigns SET status = 'deleted'", "its campaign is deleted"),
        ({}, "UPDATE runs SET status = 'closing', reason = 'stopped'", "is closing"),
    ],
)
def test_what_may_not_be_sent_any_more_is_refused_and_nothing_changes(
    conn, campaign, change, words
) -> None:
    run_id = finished_run(conn, unknown=2, **campaign)
    if change:
        conn.execute(change)
    before = (
        conn.execute("SELECT * FROM runs").fetchall(),
        conn.execute("SELECT * FROM deliveries ORDER BY seq").fetchall(),
    )
    with pytest.raises(Locked, match=words):
        again.send(conn, run_id, again.unknown(), now=at(100))
    after = (
        conn.execute("SELECT * FROM runs").fetchall(),
        conn.execute("SELECT * FROM deliveries ORDER BY seq").fetchall(),
    )
    assert after == before
    assert resolve.fail(conn, run_id, again.unknown(), now=at(100)) == 2


def test_a_number_that_no_row_can_have_is_refused() -> None:
    for seq in (-1, 2**31):
        with pytest.raises(Invalid, match="seq: "):
            again.unknown(seqs=[seq])


def test_only_what_is_held_can_be_given_up(conn) -> None:
    run_id = finished_run(conn, unknown=1)
    conn.execute("UPDATE deliveries SET status = 'failed'")
    conn.execute("UPDATE runs SET unknown = 0, failed = 1")
    assert resolve.fail(conn, run_id, again.failed(), now=at(5)) == 0
    assert ledger.counters(conn, run_id) == {"failed": 1}
