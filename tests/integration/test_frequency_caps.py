"""Frequency caps: how many messages a recipient gets from all campaigns of a team."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from campaigns import queries
from campaigns.database import Connection, connect
from campaigns.run import resolve
from campaigns.team import teams
from tests.support import ledger as rows
from tests.support.waiting import eventually
from worker.outcomes import Settlement

LEDGER = queries.load("campaigns.run", "ledger.sql")
OUTCOMES = queries.load("campaigns.run", "outcomes.sql")
SIGNS = queries.load("campaigns.run", "signs.sql")

#: The gates of these runs are open from an hour before it.
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY, WEEK = timedelta(hours=24), timedelta(hours=168)


@dataclass(frozen=True)
class Batch:
    """A leased batch of a run."""

    conn: Connection
    run_id: int
    id: int
    token: UUID
    capped: bool

    def claim(self, now: datetime = NOW, amount: int = 100) -> list[dict[str, Any]]:
        return self.conn.execute(
            LEDGER.by_address("claim_capped" if self.capped else "claim", "phone"),
            {
                "batch_id": self.id, "token": self.token, "amount": amount, "channel": "sms",
                "lease_seconds": 86400, "now": now, "capped": self.capped,
            },
        ).fetchall()  # fmt: skip

    def seqs(self, now: datetime = NOW) -> list[int]:
        """The rows that may be sent now."""
        return [row["seq"] for row in self.claim(now) if row["status"] == "sending"]

    def record(self, status: str, *seqs: int, now: datetime = NOW) -> None:
        self.conn.execute(
            OUTCOMES.record_capped if self.capped else OUTCOMES.record,
            rows.told(self.token, [Settlement(self.run_id, seq, status) for seq in seqs], now),
        )


def lease(conn: Connection, *runs: int, now: datetime = NOW, **columns: object) -> Batch:
    """A batch of all that is pending in ``runs``."""
    batch_id = conn.execute(
        "INSERT INTO batches (provider, messages, status, spread_from, spread_until, created_at) "
        "VALUES ('carrier', 100, 'ready', now(), now(), now()) RETURNING id"
    ).fetchone()["id"]
    for run_id in runs:
        conn.execute(
            "INSERT INTO slices (run_id, batch_id, kind, lo, hi, messages) "
            "SELECT id, %s, 'fresh', 0, total, total FROM runs WHERE id = %s",
            (batch_id, run_id),
        )
    token = uuid4()
    leased = conn.execute(
        LEDGER.lease_batch,
        {
            "batch_id": batch_id,
            "token": token,
            "lease_seconds": 86400,
            "now": now,
            "resending": [],
        },
    ).fetchone()
    return Batch(conn, runs[0], batch_id, token, leased["capped"])


def run(conn: Connection, total: int = 3, now: datetime = NOW) -> int:
    """A run of another campaign to the same recipients, open for an hour around ``now``."""
    begin = now - timedelta(minutes=30)
    return rows.run(conn, rows.campaign(conn, begin), total, begin)


def sent(conn: Connection, now: datetime = NOW, total: int = 3) -> list[int]:
    """Whom another campaign reaches at ``now``; all of it is accepted."""
    batch = lease(conn, run(conn, total, now), now=now)
    granted = batch.seqs(now)
    batch.record("accepted", *granted, now=now)
    return granted


def cap(conn: Connection, day: int | None = None, week: int | None = None) -> None:
    caps = {"frequency_cap_day": day, "frequency_cap_week": week}
    teams.edit(conn, rows.team_id(conn), caps)


def codes(conn: Connection, run_id: int) -> list[str | None]:
    found = conn.execute(
        "SELECT error_code FROM deliveries WHERE run_id = %s ORDER BY seq", (run_id,)
    )
    return [row["error_code"] for row in found]


def touches(conn: Connection) -> int:
    row = conn.execute("SELECT sum(cardinality(sent_at)) AS n FROM recipient_touches").fetchone()
    return int(row["n"] or 0)


def test_without_a_cap_nothing_is_counted(conn: Connection) -> None:
    assert not lease(conn, run(conn)).capped
    assert [sent(conn) for _ in range(4)] == [[0, 1, 2]] * 4
    assert touches(conn) == 0


@pytest.mark.parametrize(("day", "week"), [(0, None), (None, 0), (0, 5), (5, 0)])
def test_zero_means_none_at_all(conn: Connection, day: int | None, week: int | None) -> None:
    cap(conn, day, week)
    run_id = run(conn)
    assert lease(conn, run_id).seqs() == []
    assert codes(conn, run_id) == ["frequency_cap_day" if day == 0 else "frequency_cap_week"] * 3
    assert rows.statuses(conn, run_id) == {"suppressed": 3}
    assert rows.counters(conn, run_id) == {"suppressed": 3}
    assert touches(conn) == 0


def test_one_a_day_is_one_in_any_24_hours(conn: Connection) -> None:
    cap(conn, day=1)
    assert sent(conn) == [0, 1, 2]
    late = NOW + DAY - timedelta(microseconds=1)
    over = run(conn, now=late)
    assert lease(conn, over, now=late).seqs(late) == []
    assert codes(conn, over) == ["frequency_cap_day"] * 3
    assert sent(conn, NOW + DAY) == [0, 1, 2]
    assert sent(conn, NOW + DAY + timedelta(hours=23)) == []


def test_three_a_week_is_three_in_any_7_times_24_hours(conn: Connection) -> None:
    """And not three weeks, nor a calendar week."""
    cap(conn, week=3)
    for days in (0, 2, 4):
        assert sent(conn, NOW + days * DAY) == [0, 1, 2]
    late = NOW + WEEK - timedelta(microseconds=1)
    over = run(conn, now=late)
    assert lease(conn, over, now=late).seqs(late) == []
    assert codes(conn, over) == ["frequency_cap_week"] * 3
    assert sent(conn, NOW + WEEK) == [0, 1, 2]
    assert sent(conn, NOW + WEEK + DAY) == []
    assert sent(conn, NOW + 2 * DAY + WEEK) == [0, 1, 2]


def test_with_both_caps_the_one_that_is_reached_is_named(conn: Connection) -> None:
    cap(conn, day=1, week=2)
    assert sent(conn) == [0, 1, 2]
    first = run(conn)
    lease(conn, first).seqs()
    assert sent(conn, NOW + DAY) == [0, 1, 2]
    later = NOW + 2 * DAY
    second = run(conn, now=later)
    lease(conn, second, now=later).seqs(later)
    assert codes(conn, first) == ["frequency_cap_day"] * 3
    assert codes(conn, second) == ["frequency_cap_week"] * 3


def test_other_teams_and_other_recipients_do_not_count(conn: Connection) -> None:
    cap(conn, day=1)
    assert sent(conn, total=2) == [0, 1]
    other = teams.create(conn, "other")
    teams.edit(conn, other.id, {"frequency_cap_day": 1})
    theirs = run(conn)
    conn.execute(
        "UPDATE campaigns SET team_id = %s WHERE id = (SELECT campaign_id FROM runs WHERE id = %s)",
        (other.id, theirs),
    )
    assert lease(conn, theirs).seqs() == [0, 1, 2]
    assert sent(conn) == [2]


def test_test_sends_are_exempt_and_do_not_count(conn: Connection) -> None:
    cap(conn, day=1)
    tests = [run(conn), run(conn)]
    conn.execute("UPDATE campaigns SET is_test = true")
    assert [lease(conn, run_id).seqs() for run_id in tests] == [[0, 1, 2]] * 2
    assert touches(conn) == 0
    assert sent(conn) == [0, 1, 2]


def test_a_failed_test_send_takes_no_touch_of_a_real_one_away(conn: Connection) -> None:
    """Both may leave in one batch, and then at the same moment."""
    cap(conn, day=1)
    test = run(conn)
    conn.execute("UPDATE campaigns SET is_test = true")
    batch = lease(conn, test, run(conn))
    assert len(batch.seqs()) == 6
    batch.record("failed", 0, 1, 2)
    assert touches(conn) == 3


def test_an_opt_out_goes_before_a_cap_and_leaves_no_touch(conn: Connection) -> None:
    cap(conn, day=1)
    conn.execute(
        "INSERT INTO contacts (group_id, phone) VALUES (%s, '447700000001')",
        (rows.optouts_id(conn),),
    )
    run_id = run(conn)
    assert lease(conn, run_id).seqs() == [0, 2]
    assert codes(conn, run_id) == [None, "opted_out", None]
    assert touches(conn) == 2


@pytest.mark.parametrize("status", ["pending", "rejected", "failed"])
def test_what_was_certainly_not_sent_gives_its_touch_back(conn: Connection, status: str) -> None:
    cap(conn, day=1)
    batch = lease(conn, run(conn))
    batch.seqs()
    batch.record("accepted", 0)
    batch.record(status, 1)
    batch.record("unknown", 2)
    assert touches(conn) == 2
    assert sent(conn, NOW + timedelta(minutes=1)) == [1]


def test_a_retry_is_not_suppressed_by_its_own_first_attempt(conn: Connection) -> None:
    cap(conn, day=1)
    run_id = run(conn)
    batch = lease(conn, run_id)
    assert batch.seqs() == [0, 1, 2]
    batch.record("pending", 0, 1, 2)
    again = NOW + timedelta(minutes=1)
    assert lease(conn, run_id, now=again).seqs(again) == [0, 1, 2]
    assert rows.counters(conn, run_id) == {}
    assert touches(conn) == 3


def test_each_of_several_touches_at_one_moment_is_given_back_by_itself(conn: Connection) -> None:
    cap(conn, day=2)
    first, second = lease(conn, run(conn)), lease(conn, run(conn))
    assert first.seqs() == second.seqs() == [0, 1, 2]
    first.record("failed", 0, 1, 2)
    assert touches(conn) == 3
    second.record("failed", 0)
    assert touches(conn) == 2


def test_what_a_lost_answer_claimed_is_released_with_its_touches(conn: Connection) -> None:
    cap(conn, day=1)
    batch = lease(conn, run(conn))
    batch.seqs()
    batch.record("accepted", 0)
    conn.execute(LEDGER.release_unsent, {"batch_id": batch.id, "token": batch.token})
    assert rows.statuses(conn, batch.run_id) == {"accepted": 1, "pending": 2}
    assert touches(conn) == 1


def test_what_the_operator_sends_again_is_not_suppressed_by_what_was_unknown(
    conn: Connection,
) -> None:
    cap(conn, day=1)
    batch = lease(conn, run(conn))
    batch.seqs()
    batch.record("accepted", 0)
    batch.record("unknown", 1, 2)
    assert sent(conn) == []
    assert resolve.resend(conn, batch.run_id, now=NOW, seqs=[2]) == 1
    assert lease(conn, batch.run_id).seqs() == [2]
    assert touches(conn) == 3


def test_two_runs_in_one_batch_cannot_reach_a_recipient_twice(conn: Connection) -> None:
    """The second row is judged by the next claim, which sees the first one's touch."""
    cap(conn, day=1)
    first, second = run(conn), run(conn)
    batch = lease(conn, first, second)
    assert [(row["run_id"], row["seq"]) for row in batch.claim()] == [(first, n) for n in range(3)]
    assert rows.statuses(conn, second) == {"pending": 3}
    assert batch.seqs() == []
    assert codes(conn, second) == ["frequency_cap_day"] * 3


def test_a_cap_counts_from_the_next_claim_of_a_batch_that_is_leased_already(
    conn: Connection,
) -> None:
    run_id = run(conn)
    batch = lease(conn, run_id)
    assert len(batch.claim(amount=1)) == 1
    cap(conn, day=0)
    assert batch.claim() == []
    assert rows.statuses(conn, run_id) == {"sending": 1, "pending": 2}
    assert lease(conn, run_id).seqs() == []
    assert rows.counters(conn, run_id) == {"suppressed": 2}


def test_a_cap_that_is_taken_away_ends_with_the_next_claim(conn: Connection) -> None:
    cap(conn, day=0)
    batch = lease(conn, run(conn))
    assert batch.capped
    cap(conn)
    assert batch.seqs() == [0, 1, 2]


@pytest.fixture
def other(database: str) -> Iterator[Connection]:
    """A second connection to the same database."""
    with connect(database) as connection:
        yield connection


def waits(conn: Connection, pid: int) -> bool:
    row = conn.execute(
        "SELECT wait_event_type = 'Lock' AS waits FROM pg_stat_activity WHERE pid = %s", (pid,)
    ).fetchone()
    return bool(row["waits"])


@pytest.mark.parametrize("known", [False, True])
def test_two_claims_at_once_grant_one_recipient_once(
    conn: Connection, other: Connection, database: str, known: bool
) -> None:
    """The second waits for the first one's commit, whether the recipient is known or new."""
    cap(conn, day=1)
    if known:
        sent(conn, NOW - 2 * DAY)
    mine, theirs = lease(conn, run(conn)), lease(conn, run(conn))
    granted: list[list[int]] = []
    second = Batch(other, theirs.run_id, theirs.id, theirs.token, theirs.capped)
    thread = threading.Thread(target=lambda: granted.append(second.seqs()))
    with connect(database) as watcher:
        with conn.transaction():
            assert mine.seqs() == [0, 1, 2]
            thread.start()
            eventually(lambda: waits(watcher, other.info.backend_pid))
        thread.join(10)
    assert granted == [[]]
    assert codes(conn, theirs.run_id) == ["frequency_cap_day"] * 3
    assert touches(conn) == (6 if known else 3)


def test_claims_of_the_same_recipients_in_opposite_orders_never_deadlock(
    conn: Connection, other: Connection
) -> None:
    cap(conn, week=100)
    total = 60
    forth, back = run(conn, total), run(conn, total)
    conn.execute("UPDATE deliveries SET address = 'x' || seq WHERE run_id = %s", (back,))
    conn.execute(
        "UPDATE deliveries SET address = (447700000000 + %s - seq)::text WHERE run_id = %s",
        (total - 1, back),
    )
    faults: list[psycopg.Error] = []

    def play(connection: Connection, run_id: int) -> None:
        try:
            for _ in range(15):
                batch = lease(connection, run_id)
                granted = batch.seqs()
                batch.record("pending", *granted)
                connection.execute("DELETE FROM batches WHERE id = %s", (batch.id,))
        except psycopg.Error as fault:
            faults.append(fault)

    threads = [threading.Thread(target=play, args=a) for a in ((conn, forth), (other, back))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert touches(conn) == 0


def test_a_row_that_is_settled_while_it_is_claimed_leaves_no_touch(
    conn: Connection, other: Connection, database: str
) -> None:
    """A run that is closed settles its rows beside the claims."""
    cap(conn, day=1)
    batch = lease(conn, run(conn))
    claiming = Batch(other, batch.run_id, batch.id, batch.token, batch.capped)
    granted: list[list[int]] = []
    thread = threading.Thread(target=lambda: granted.append(claiming.seqs()))
    with connect(database) as watcher:
        with conn.transaction():
            conn.execute("UPDATE deliveries SET status = 'cancelled' WHERE seq = 1")
            thread.start()
            eventually(lambda: waits(watcher, other.info.backend_pid))
        thread.join(10)
    assert granted == [[0, 2]]
    assert touches(conn) == 2


def test_old_touches_are_pruned_when_a_recipient_gets_the_next_message(conn: Connection) -> None:
    cap(conn, week=3)
    sent(conn, NOW - WEEK)
    sent(conn, NOW - DAY)
    sent(conn, NOW)
    assert touches(conn) == 2 * 3


def test_recipients_of_long_ago_are_forgotten_in_portions(conn: Connection) -> None:
    cap(conn, week=100)
    sent(conn, NOW - timedelta(days=8, seconds=1), total=5)
    sent(conn, NOW - timedelta(days=8), total=2)
    place: dict[str, Any] = {"after_team": None, "after_address": None}
    forgotten = []
    while True:
        found = conn.execute(SIGNS.forget_touches, {**place, "amount": 2, "now": NOW}).fetchone()
        if found is None:
            break
        forgotten.append(found.pop("forgotten"))
        place = found
    assert forgotten == [0, 2, 1]
    left = conn.execute("SELECT address FROM recipient_touches ORDER BY address").fetchall()
    assert [row["address"] for row in left] == ["447700000000", "447700000001"]
