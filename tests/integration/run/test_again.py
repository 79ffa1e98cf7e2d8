"""What failed is sent again when a person wants it: those, once, and every counter stays exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import uuid4

import pytest

from campaigns import queries
from campaigns.campaign import control
from campaigns.database import Connection
from campaigns.errors import Invalid, Locked, NotFound
from campaigns.providers import ProviderConfig, Providers
from campaigns.run import again
from scheduler.tick import tick
from tests.support import ledger
from worker.outcomes import Settlement

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
OUTCOMES = queries.load("campaigns.run", "outcomes.sql")
CARRIER = ProviderConfig(name="carrier", adapter="sandbox", channel="sms")
PROVIDERS = Providers(MappingProxyType({"carrier": CARRIER}))

#: A run that is over: status and class of each of its rows.
ROWS = (
    ("accepted", None),
    ("failed", "transient"),
    ("failed", "transient"),
    ("failed", "poisoned"),
    ("rejected", "permanent"),
    ("rejected", "content"),
    ("unknown", "in_doubt"),
    ("suppressed", "policy"),
    ("expired", None),
)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def finished_run(conn: Connection, rows=ROWS, **campaign: object) -> int:
    run_id = ledger.run(conn, ledger.campaign(conn, NOW, **campaign), len(rows), NOW)
    for seq, (status, error_class) in enumerate(rows):
        conn.execute(
            "UPDATE deliveries SET status = %s, error_class = %s, error_code = 'x', attempts = 5, "
            "provider = 'carrier', lease_token = gen_random_uuid(), claimed_at = %s, "
            "settled_at = %s WHERE run_id = %s AND seq = %s",
            (status, error_class, NOW, at(1), run_id, seq),
        )
        conn.execute(f"UPDATE runs SET {status} = {status} + 1 WHERE id = %s", (run_id,))
    conn.execute(
        "UPDATE runs SET status = 'finished', reason = 'completed', finished_at = %s WHERE id = %s",
        (at(2), run_id),
    )
    conn.execute("UPDATE lanes SET next_seq = hi, gate_opens_at = NULL, gate_closes_at = NULL")
    conn.execute("UPDATE campaigns SET status = 'finished', finished_sending_at = %s", (at(2),))
    return run_id


def resume(conn: Connection, run_id: int, error_class: str | None = None, after: float = 5) -> int:
    campaign_id = ledger.field(conn, "runs", run_id, "campaign_id")
    return again.resume_failed(
        conn, ledger.team_id(conn), campaign_id, now=at(after), error_class=error_class
    )


def pending(conn: Connection, run_id: int) -> list[int]:
    rows = conn.execute(
        "SELECT seq FROM deliveries WHERE run_id = %s AND status = 'pending' ORDER BY seq",
        (run_id,),
    )
    return [row["seq"] for row in rows]


def settled_at(conn: Connection, seq: int) -> datetime:
    return conn.execute("SELECT settled_at FROM deliveries WHERE seq = %s", (seq,)).fetchone()[
        "settled_at"
    ]


@pytest.mark.parametrize(
    ("error_class", "seqs"),
    [
        (None, [1, 2, 3]),
        ("transient", [1, 2]),
        ("poisoned", [3]),
        ("permanent", [4]),
        ("content", [5]),
        ("unreported", []),
    ],
)
def test_only_what_failed_is_sent_again_and_what_was_refused_only_by_name(
    conn, error_class, seqs
) -> None:
    run_id = finished_run(conn)
    before = ledger.counters(conn, run_id)
    assert resume(conn, run_id, error_class) == len(seqs)
    assert pending(conn, run_id) == seqs
    for seq in seqs:
        before[ROWS[seq][0]] -= 1
    assert ledger.counters(conn, run_id) == {name: n for name, n in before.items() if n}
    assert ledger.statuses(conn, run_id) == {
        **ledger.counters(conn, run_id),
        **({"pending": len(seqs)} if seqs else {}),
    }


def test_the_run_and_its_campaign_go_on_and_each_row_has_all_its_attempts(conn) -> None:
    run_id = finished_run(conn)
    assert resume(conn, run_id) == 3
    assert ledger.field(conn, "runs", run_id, "status") == "sending"
    campaign_id = ledger.field(conn, "runs", run_id, "campaign_id")
    assert ledger.field(conn, "campaigns", campaign_id, "status") == "sending"
    row = conn.execute(
        "SELECT attempts, error_class, error_code, claimed_at, settled_at FROM deliveries "
        "WHERE seq = 1"
    ).fetchone()
    assert row == dict.fromkeys(row) | {"attempts": 0, "settled_at": at(5)}
    report = tick(conn, PROVIDERS, name="beat@test", now=at(6))
    assert report is not None
    assert report.messages == 3
    assert resume(conn, run_id) == 0, "a repetition finds nothing more"


def test_it_is_noted_what_was_sent_again_and_later_than_all_before(conn) -> None:
    """A clock that is behind must not put the decision before what it was about."""
    run_id = finished_run(conn)
    resume(conn, run_id, "poisoned", after=-60)
    (event,) = conn.execute("SELECT * FROM delivery_history WHERE kind = 'resent'").fetchall()
    assert (event["run_id"], event["seq"], event["provider"]) == (run_id, 3, "carrier")
    assert event["key"] == str(int(NOW.timestamp() * 1_000_000))
    assert event["at"] > at(1)
    assert settled_at(conn, 3) == event["at"]


def test_what_comes_of_it_is_later_than_the_decision_even_by_a_clock_that_is_behind(conn) -> None:
    """The person's machine is a minute ahead of the database."""
    run_id = finished_run(conn)
    resume(conn, run_id, "poisoned", after=60)
    token = uuid4()
    conn.execute(
        "UPDATE deliveries SET status = 'sending', attempts = 1, claimed_at = %s, lease_token = %s "
        "WHERE seq = 3",
        (at(5), token),
    )
    told = ledger.told(token, [Settlement(run_id, 3, "accepted")], at(6))
    assert conn.execute(OUTCOMES.record, told).fetchone() == {"settled": 1}
    events = conn.execute("SELECT kind, at FROM delivery_history ORDER BY at").fetchall()
    assert [event["kind"] for event in events] == ["resent", "submitted"]
    assert settled_at(conn, 3) == events[-1]["at"] > at(60)


def test_what_was_reported_as_delivered_is_never_sent_again(conn) -> None:
    run_id = finished_run(conn)
    conn.execute("UPDATE deliveries SET report = 'delivered' WHERE seq IN (1, 4)")
    assert resume(conn, run_id, "transient") == 1
    assert resume(conn, run_id, "permanent") == 0
    assert pending(conn, run_id) == [2]


def test_a_campaign_that_is_held_goes_on_as_a_whole(conn) -> None:
    run_id = finished_run(conn, (*ROWS, ("failed", "transient")))
    conn.execute("UPDATE runs SET status = 'sending', finished_at = NULL, reason = NULL")
    conn.execute("UPDATE campaigns SET status = 'sending', finished_sending_at = NULL")
    campaign_id = ledger.field(conn, "runs", run_id, "campaign_id")
    control.pause(conn, ledger.team_id(conn), campaign_id, now=NOW)
    assert resume(conn, run_id, "transient") == 3
    assert ledger.field(conn, "campaigns", campaign_id, "manually_paused") is False


def test_of_a_series_the_latest_run_is_meant(conn) -> None:
    first = finished_run(conn)
    conn.execute("UPDATE runs SET occurrence = occurrence - interval '1 day'")
    campaign_id = ledger.field(conn, "runs", first, "campaign_id")
    latest = ledger.run(conn, campaign_id, 1, NOW)
    conn.execute(
        "UPDATE deliveries SET status = 'failed', error_class = 'transient' WHERE run_id = %s",
        (latest,),
    )
    conn.execute("UPDATE runs SET failed = 1 WHERE id = %s", (latest,))
    assert resume(conn, latest) == 1
    assert (pending(conn, first), pending(conn, latest)) == ([], [0])


@pytest.mark.parametrize(
    ("campaign", "change", "words"),
    [
        ({"expiry": at(4)}, "", "expired at 2030-01-01 12:00:04, so nothing of it is sent again"),
        ({}, "UPDATE campaigns SET status = 'stopped'", "its campaign is stopped"),
        ({}, "UPDATE runs SET status = 'closing', reason = 'stopped'", "is closing"),
    ],
)
def test_what_may_not_be_sent_any_more_is_refused_and_nothing_changes(
    conn, campaign, change, words
) -> None:
    run_id = finished_run(conn, **campaign)
    if change:
        conn.execute(change)
    before = conn.execute("SELECT * FROM deliveries ORDER BY seq").fetchall()
    with pytest.raises(Locked, match=words):
        resume(conn, run_id)
    assert conn.execute("SELECT * FROM deliveries ORDER BY seq").fetchall() == before
    assert conn.execute("SELECT FROM delivery_history").fetchall() == []
    assert conn.execute("SELECT FROM slices").fetchall() == []


def test_a_deleted_campaign_is_not_there(conn) -> None:
    run_id = finished_run(conn)
    conn.execute("UPDATE campaigns SET status = 'deleted'")
    with pytest.raises((NotFound, Locked)):
        resume(conn, run_id)
    assert pending(conn, run_id) == []


@pytest.mark.parametrize("error_class", ["in_doubt", "policy", "nonsense", ""])
def test_a_class_that_is_no_failure_is_refused(conn, error_class) -> None:
    run_id = finished_run(conn)
    with pytest.raises(Invalid, match=r"error_class: .* must be one of transient, permanent"):
        resume(conn, run_id, error_class)


def test_what_is_sent_again_is_covered_by_no_other_batch_than_its_own(conn: Connection) -> None:
    """The batch in which it was settled may still be under way: two workers that hold one row could
    claim it in turns."""
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 5, NOW)
    tick(conn, PROVIDERS, name="beat@test", now=NOW)
    conn.execute(
        "UPDATE batches SET status = 'leased', lease_token = gen_random_uuid(), lease_until = %s",
        (at(15),),
    )
    slices = conn.execute("SELECT lo, hi FROM slices WHERE batch_id IS NOT NULL").fetchall()
    assert [(piece["lo"], piece["hi"]) for piece in slices] == [(0, 5)]
    conn.execute("UPDATE slices SET lo = 1")
    conn.execute(
        "INSERT INTO slices (run_id, lane, batch_id, kind, lo, hi, messages) "
        "SELECT run_id, lane, batch_id, 'retry', 0, 1, 1 FROM slices"
    )
    conn.execute(
        "UPDATE deliveries SET status = 'unknown', attempts = 1, claimed_at = %s, settled_at = %s, "
        "lease_token = (SELECT lease_token FROM batches) WHERE seq IN (0, 2)",
        (NOW, at(1)),
    )
    conn.execute("UPDATE runs SET unknown = 2")
    assert again.send(conn, run_id, again.unknown(), now=at(2)) == 2
    pieces = conn.execute(
        "SELECT batch_id IS NULL AS waits, seqs, messages FROM slices ORDER BY id"
    )
    assert [(one["waits"], one["seqs"], one["messages"]) for one in pieces] == [
        (False, [1, 3, 4], 3),
        (True, [0, 2], 2),
    ]
