"""What was accepted and never reported on: failed after the expiry, where reports were to come."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns import queries
from campaigns.database import Connection, connect
from campaigns.messaging import TASK_CLOSE_REPORTS
from campaigns.providers import Providers
from campaigns.run import reports, unreported
from campaigns.run.reports import DeliveryReport
from campaigns.run.unreported import AGAIN_AFTER, AT_ONCE, REPORT_GRACE
from scheduler.tick import tick
from tests.support import ledger as rows

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
EXPIRY = NOW + timedelta(hours=1)
DUE = EXPIRY + timedelta(seconds=REPORT_GRACE)
TOTAL = 12

_SQL = queries.load("campaigns.run", "unreported.sql")


def finished(conn: Connection, *, expiry: datetime | None = EXPIRY, total: int = TOTAL) -> int:
    """A finished run whose every message was accepted and awaits its report."""
    run_id = rows.run(conn, rows.campaign(conn, NOW, expiry=expiry), total, NOW)
    conn.execute(
        "UPDATE deliveries SET status = 'accepted', submitted = true, awaits_report = true, "
        "attempts = 1, provider = 'carrier', claimed_at = %(now)s, settled_at = %(now)s "
        "WHERE run_id = %(id)s",
        {"now": NOW, "id": run_id},
    )
    conn.execute(
        "UPDATE runs SET status = 'finished', reason = 'completed', accepted = total, "
        "finished_at = %s WHERE id = %s",
        (NOW, run_id),
    )
    return run_id


@pytest.fixture
def run_id(conn: Connection) -> int:
    return finished(conn)


def report(conn: Connection, run_id: int, seq: int, kind: Any, at: datetime = NOW) -> int:
    return reports.record(conn, [DeliveryReport(kind, at, run_id, seq)])


def run(conn: Connection, run_id: int) -> dict[str, Any]:
    row = conn.execute("SELECT * FROM runs WHERE id = %s", (run_id,)).fetchone()
    assert row is not None
    return row


def delivery(conn: Connection, run_id: int, seq: int) -> dict[str, Any]:
    row = conn.execute(
        "SELECT * FROM deliveries WHERE run_id = %s AND seq = %s", (run_id, seq)
    ).fetchone()
    assert row is not None
    return row


def expired(conn: Connection, run_id: int) -> list[int]:
    """The rows with an event that says that they were waited for in vain."""
    found = conn.execute(
        "SELECT seq FROM delivery_history WHERE run_id = %s AND kind = 'expired' "
        "AND code = 'no_report' ORDER BY seq",
        (run_id,),
    )
    return [row["seq"] for row in found]


def counted(conn: Connection, run_id: int) -> tuple[int, int, int]:
    """What the run counts is what its rows say: accepted, failed, unreported."""
    row = run(conn, run_id)
    assert rows.statuses(conn, run_id) == {
        name: row[name] for name in ("accepted", "failed") if row[name]
    }
    silent = conn.execute(
        "SELECT count(*)::int AS n FROM deliveries "
        "WHERE run_id = %s AND error_class = 'unreported'",
        (run_id,),
    ).fetchone()
    assert silent is not None
    assert silent["n"] == row["unreported"]
    return row["accepted"], row["failed"], row["unreported"]


def test_what_nothing_was_reported_about_fails_after_the_expiry(conn, run_id):
    report(conn, run_id, 0, "delivered")
    report(conn, run_id, 1, "failed")
    assert unreported.close_reports(conn, run_id, now=DUE) == TOTAL - 2
    assert counted(conn, run_id) == (2, TOTAL - 2, TOTAL - 2)
    assert expired(conn, run_id) == list(range(2, TOTAL))
    row = delivery(conn, run_id, 2)
    assert (row["status"], row["error_class"], row["error_code"], row["settled_at"]) == (
        "failed",
        "unreported",
        "no_report",
        DUE,
    )
    assert run(conn, run_id)["reports_closed_at"] == DUE


def test_where_the_provider_sends_no_reports_silence_says_nothing(conn, run_id):
    conn.execute("UPDATE deliveries SET awaits_report = false WHERE seq < 5")
    assert unreported.close_reports(conn, run_id, now=DUE) == TOTAL - 5
    assert counted(conn, run_id) == (5, TOTAL - 5, TOTAL - 5)
    assert expired(conn, run_id) == list(range(5, TOTAL))


@pytest.mark.parametrize("status", ["rejected", "failed", "unknown", "suppressed", "expired"])
def test_only_what_was_accepted_is_waited_for(conn, run_id, status):
    conn.execute("UPDATE deliveries SET status = %s, submitted = false WHERE seq = 3", (status,))
    assert unreported.close_reports(conn, run_id, now=DUE) == TOTAL - 1
    assert delivery(conn, run_id, 3)["status"] == status


@pytest.mark.parametrize(
    "not_yet",
    [
        "UPDATE runs SET status = 'sending'",
        "UPDATE runs SET status = 'closing'",
        "UPDATE runs SET expires_at = NULL",
        "UPDATE runs SET expires_at = expires_at + interval '1 ms'",
        "UPDATE runs SET reports_closed_at = now()",
    ],
)
def test_nothing_is_settled_or_published_before_its_time(conn, run_id, not_yet):
    """Up to the grace after the expiry, and only of runs that are over."""
    conn.execute(not_yet)
    assert unreported.close_reports(conn, run_id, now=DUE) is None
    assert unreported.publish(conn, DUE) == []
    assert rows.statuses(conn, run_id) == {"accepted": TOTAL}


def test_a_second_message_finds_nothing_to_do(conn, run_id):
    assert unreported.close_reports(conn, run_id, now=DUE) == TOTAL
    before = run(conn, run_id), [delivery(conn, run_id, seq) for seq in range(TOTAL)]
    assert unreported.close_reports(conn, run_id, now=DUE + timedelta(hours=1)) is None
    assert before == (run(conn, run_id), [delivery(conn, run_id, seq) for seq in range(TOTAL)])
    assert expired(conn, run_id) == list(range(TOTAL))


class Killed(Exception):
    """Stands for the end of the process."""


class Fragile:
    """A connection whose process ends before the n-th statement."""

    def __init__(self, conn: Connection, statements: int) -> None:
        self._conn = conn
        self._left = statements

    def execute(self, *arguments: Any) -> Any:
        if self._left == 0:
            raise Killed
        self._left -= 1
        return self._conn.execute(*arguments)


@pytest.mark.parametrize("statements", range(6))
def test_killed_between_any_two_statements_the_next_message_finishes_it(conn, run_id, statements):
    """One that looks, four stretches, one that closes."""
    with pytest.raises(Killed):
        unreported.close_reports(
            Fragile(conn, statements),
            run_id,
            now=DUE,
            stretch=3,  # type: ignore[arg-type]
        )
    assert run(conn, run_id)["reports_closed_at"] is None
    assert len(expired(conn, run_id)) == 3 * max(statements - 1, 0)
    assert unreported.publish(conn, DUE) == [run_id]
    left = TOTAL - 3 * max(statements - 1, 0)
    assert unreported.close_reports(conn, run_id, now=DUE, stretch=3) == left
    assert counted(conn, run_id) == (0, TOTAL, TOTAL)
    assert expired(conn, run_id) == list(range(TOTAL))


@pytest.mark.parametrize(
    ("kind", "word", "counter"),
    [
        ("delivered", "delivered", "delivered"),
        ("failed", "undelivered", "undelivered"),
        ("bounced", "undelivered", "undelivered"),
        # Whoever reads it must have got it.
        ("opened", "delivered", "opened"),
        ("clicked", "delivered", "clicked"),
    ],
)
def test_a_report_that_comes_later_still_counts_and_is_late(conn, run_id, kind, word, counter):
    unreported.close_reports(conn, run_id, now=DUE)
    for _ in range(2):
        # What the provider did in time it may say late: our waiting is over all the same.
        report(conn, run_id, 4, kind, NOW)
        row = delivery(conn, run_id, 4)
        assert (row["status"], row["report"], row["late"]) == ("accepted", word, True)
        assert row["error_class"] is None
        assert counted(conn, run_id) == (1, TOTAL - 1, TOTAL - 1)
        assert (run(conn, run_id)["late"], run(conn, run_id)[counter]) == (1, 1)
    unreported.close_reports(conn, run_id, now=DUE + timedelta(hours=1))
    assert delivery(conn, run_id, 4)["status"] == "accepted"


def test_a_late_failure_that_turns_out_an_arrival_counts_once(conn, run_id):
    unreported.close_reports(conn, run_id, now=DUE)
    report(conn, run_id, 4, "failed")
    report(conn, run_id, 4, "delivered")
    found = run(conn, run_id)
    assert (found["late"], found["delivered"], found["undelivered"]) == (1, 1, 0)
    assert counted(conn, run_id) == (1, TOTAL - 1, TOTAL - 1)


def test_what_comes_in_the_grace_is_not_late(conn, run_id):
    """It waited in the queue, or the provider gave up at the expiry and said so afterwards."""
    assert unreported.close_reports(conn, run_id, now=EXPIRY) is None
    report(conn, run_id, 4, "failed", EXPIRY + timedelta(seconds=1))
    assert unreported.close_reports(conn, run_id, now=DUE) == TOTAL - 1
    assert (delivery(conn, run_id, 4)["late"], run(conn, run_id)["late"]) == (False, 0)


def test_reports_and_the_settling_of_the_same_rows_end_alike_in_any_order(conn, database):
    """Both at once: whoever comes second to a row finds what the first one did."""
    total = 400
    run_id = finished(conn, total=total)
    start = threading.Barrier(2)

    def say() -> None:
        with connect(database) as own:
            start.wait()
            for lo in range(0, total, 20):
                reports.record(
                    own,
                    [DeliveryReport("delivered", NOW, run_id, seq) for seq in range(lo, lo + 20)],
                )

    def settle() -> None:
        with connect(database) as own:
            start.wait()
            unreported.close_reports(own, run_id, now=DUE, stretch=7)

    threads = [threading.Thread(target=say), threading.Thread(target=settle)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = run(conn, run_id)
    assert counted(conn, run_id) == (total, 0, 0)
    assert (found["delivered"], found["late"]) == (total, len(expired(conn, run_id)))


def test_two_workers_at_the_same_run_settle_each_row_once(conn, database):
    total = 400
    run_id = finished(conn, total=total)
    start = threading.Barrier(4)
    settled: list[int | None] = []

    def work() -> None:
        with connect(database) as own:
            start.wait()
            settled.append(unreported.close_reports(own, run_id, now=DUE, stretch=20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(filter(None, settled)) == total
    assert counted(conn, run_id) == (0, total, total)
    assert len(expired(conn, run_id)) == total


def test_the_tick_publishes_each_run_until_its_reports_are_closed(conn, run_id):
    def published(now: datetime) -> list[int]:
        found = tick(conn, Providers({}), name="beat@test", now=now)
        assert found is not None
        return [id_ for task, id_ in found.publish if task == TASK_CLOSE_REPORTS]

    assert published(DUE - timedelta(seconds=1)) == []
    assert published(DUE) == [run_id]
    assert published(DUE + timedelta(seconds=1)) == []
    # Nobody took it: the message counts as lost.
    assert published(DUE + timedelta(seconds=AGAIN_AFTER + 1)) == [run_id]
    unreported.close_reports(conn, run_id, now=DUE)
    assert published(DUE + timedelta(hours=1)) == []


def test_of_many_runs_those_that_waited_longest_come_first(conn):
    ids = [
        finished(conn, expiry=EXPIRY - timedelta(seconds=n), total=0) for n in range(AT_ONCE + 5)
    ]
    assert sorted(unreported.publish(conn, DUE)) == sorted(ids[5:])
    assert sorted(unreported.publish(conn, DUE)) == sorted(ids[:5])


def test_an_empty_run_is_closed_too(conn):
    run_id = finished(conn, total=0)
    assert unreported.close_reports(conn, run_id, now=DUE) == 0
    assert unreported.publish(conn, DUE + timedelta(hours=1)) == []


def test_the_search_for_runs_reads_no_others(conn, run_id):
    """A ledger of years: the partial index holds only what is still to be closed."""
    conn.execute(
        "INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at, "
        "expires_at, created_at, reports_closed_at) "
        "SELECT campaign_id, starts_at + n * interval '1 h', provider, status, starts_at, "
        "window_at, expires_at, created_at, starts_at FROM runs, generate_series(1, 3000) n"
    )
    conn.execute("ANALYZE runs")
    plan = conn.execute(
        "EXPLAIN " + _SQL.publish_silent,
        {"now": DUE, "grace": REPORT_GRACE, "again_after": AGAIN_AFTER, "amount": AT_ONCE},
    )
    text = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "runs_unreported" in text
    assert "Seq Scan on runs" not in text
