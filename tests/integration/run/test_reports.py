"""Reports that come twice, out of order, too early, in parts or for nobody: all are right."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from campaigns import queries
from campaigns.database import connect
from campaigns.run import again, reports
from tests.support import ledger as rows
from tests.support.reported import ECHOES, NOW, Sending
from tests.support.waiting import eventually
from worker.adapters.base import Accepted
from worker.outcomes import settle

UNREPORTED = queries.load("campaigns.run", "unreported.sql")


def test_a_report_that_comes_twice_counts_once(sending: Sending) -> None:
    sending.accept("m")
    delivered = sending.said("delivered", "m")
    assert sending.hear(delivered, delivered) == 1
    assert sending.hear(delivered) == 0
    assert sending.row() == ("accepted", "delivered")
    assert sending.counts() == {"accepted": 1, "delivered": 1}


@pytest.mark.parametrize("kinds", [("bounced", "delivered"), ("delivered", "bounced")])
def test_delivered_is_final_in_any_order(sending: Sending, kinds: tuple[str, str]) -> None:
    sending.accept("m")
    for kind in kinds:
        assert sending.hear(sending.said(kind, "m", code="absent")) == 1
    assert sending.row() == ("accepted", "delivered")
    assert sending.counts() == {"accepted": 1, "delivered": 1}
    code = sending.conn.execute("SELECT error_code FROM deliveries WHERE seq = 0").fetchone()
    assert code == {"error_code": None}


@pytest.mark.parametrize("kind", ["bounced", "failed"])
def test_what_did_not_arrive_says_why(sending: Sending, kind: str) -> None:
    sending.accept("m")
    sending.hear(sending.said(kind, "m", code="absent"))
    row = sending.conn.execute("SELECT report, error_code FROM deliveries WHERE seq = 0").fetchone()
    assert row == {"report": "undelivered", "error_code": "absent"}
    assert sending.counts() == {"accepted": 1, "undelivered": 1}


def dead(sending: Sending) -> list[tuple[str, str]]:
    found = sending.conn.execute("SELECT provider, code FROM gone_addresses")
    return [(row["provider"], row["code"]) for row in found]


def test_a_bounce_of_a_mailbox_that_does_not_exist_is_remembered(sending: Sending) -> None:
    """Most servers take a message first, and say so afterwards."""
    sending.accept("m")
    bounced = sending.said("bounced", "m", code="5.1.1", gone=True)
    sending.hear(bounced, sending.said("opened", "m"))
    assert dead(sending) == [("carrier", "5.1.1")]
    sending.conn.execute("DELETE FROM gone_addresses")
    sending.hear(bounced)
    assert dead(sending) == [], "an old report that comes again buries nobody"


def test_a_bounce_buries_nobody_unless_it_says_so_and_is_of_a_message_of_ours(
    sending: Sending,
) -> None:
    sending.hear(sending.said("bounced", "m", seq=1, code="5.1.1", gone=True))
    sending.hear(sending.by_id("bounced", "unknown", code="5.1.1", gone=True))
    sending.accept("m")
    sending.hear(sending.said("bounced", "m", code="5.2.2"))
    assert dead(sending) == []


def test_a_report_before_the_answer_counts_and_the_answer_is_kept(sending: Sending) -> None:
    sending.hear(sending.said("delivered", "m"))
    assert sending.row() == ("accepted", "delivered")
    sending.accept("m")
    assert sending.row() == ("accepted", "delivered")
    assert sending.counts() == {"accepted": 1, "delivered": 1}
    found = sending.conn.execute(
        "SELECT provider_message_ids, awaits_report FROM deliveries WHERE seq = 0"
    ).fetchone()
    assert found == {"provider_message_ids": ["m"], "awaits_report": True}
    kinds = sending.conn.execute("SELECT kind FROM delivery_history ORDER BY kind").fetchall()
    assert [row["kind"] for row in kinds] == ["delivered", "submitted"]


def test_an_answer_waits_for_a_report_that_is_being_written_and_sees_it(
    sending: Sending, database: str
) -> None:
    """Else it would take the row for one that nobody spoke of."""
    with connect(database) as other:
        with other.transaction():
            reports.record(other, [sending.said("delivered", "m")])
            told = [settle(sending.run_id, 0, 1, Accepted("m"), max_attempts=3)]

            async def record() -> asyncio.Task[int]:
                task = asyncio.create_task(sending.ledger.record(sending.lease, told, ECHOES))
                await asyncio.sleep(0)
                return task

            task = sending.runner.run(record())
            waits = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

            async def turn() -> None:
                await asyncio.wait({task}, timeout=0.01)

            def is_waiting() -> bool:
                sending.runner.run(turn())
                return bool(sending.conn.execute(waits).fetchone()["n"])

            eventually(is_waiting, message="the answer waits for the row")
        assert sending.runner.run(asyncio.wait_for(task, 10)) == 1
    assert sending.row() == ("accepted", "delivered")
    assert sending.counts() == {"accepted": 1, "delivered": 1}


def test_a_message_in_parts_is_delivered_with_its_last_part(sending: Sending) -> None:
    sending.accept("a", "b")
    sending.hear(sending.said("delivered", "a", part=True))
    assert sending.row() == ("accepted", None)
    sending.hear(sending.said("failed", "b", part=True, code="absent"))
    assert sending.row() == ("accepted", "undelivered")
    sending.hear(sending.said("delivered", "b", part=True))
    assert sending.row() == ("accepted", "delivered")
    assert sending.counts() == {"accepted": 1, "delivered": 1}


def test_parts_that_are_reported_before_the_answer_count_with_it(sending: Sending) -> None:
    sending.hear(*(sending.said("delivered", id_, part=True) for id_ in "ab"))
    assert sending.row() == ("accepted", None)
    sending.accept("a", "b")
    assert sending.row() == ("accepted", "delivered")


def test_two_that_report_a_part_each_at_once_find_the_message_complete(
    sending: Sending, database: str
) -> None:
    """Whoever comes second waits for the first, and sees what it noted."""
    sending.accept("a", "b")
    first, second = (sending.said("delivered", id_, part=True) for id_ in "ab")
    with connect(database) as other, ThreadPoolExecutor(1) as threads:
        with other.transaction():
            reports.record(other, [first])
            told = threads.submit(sending.hear, second)
            waits = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            eventually(lambda: other.execute(waits).fetchone()["n"], message="the second waits")
        assert told.result(timeout=10) == 1
    assert sending.row() == ("accepted", "delivered")


def test_a_second_submission_is_folded_with_what_was_said_of_the_first(sending: Sending) -> None:
    """A provider that recognises a repetition gives it the ids that it gave before."""
    sending.accept("a", "b")
    sending.hear(sending.said("delivered", "a", part=True))
    silent = {"run_id": sending.run_id, "lo": 0, "hi": 1, "now": None, "code": "no_report"}
    sending.conn.execute(UNREPORTED.settle_silent_rows, silent)
    assert sending.row() == ("failed", None)
    again.send(sending.conn, sending.run_id, again.failed(), now=datetime.now(UTC))
    sending.lease = sending.claimed()
    sending.accept("a")
    assert sending.row() == ("accepted", "delivered")
    assert sending.counts() == {"accepted": 1, "delivered": 1}


def test_a_report_about_a_row_that_does_not_exist_is_dropped(sending: Sending) -> None:
    assert sending.hear(sending.said("delivered", seq=99)) == 0
    assert sending.hear(sending.said("delivered", run_id=10**9)) == 0
    assert sending.conn.execute("SELECT count(*) AS n FROM delivery_history").fetchone() == {"n": 0}


def test_nobody_is_passed_over_because_of_a_report_about_what_was_never_sent(
    sending: Sending,
) -> None:
    assert sending.hear(sending.said("delivered", seq=1)) == 0
    assert rows.statuses(sending.conn, sending.run_id) == {"sending": 1, "pending": 2}


@pytest.mark.parametrize("kind", ["delivered", "bounced", "clicked"])
def test_a_report_settles_what_is_in_doubt(sending: Sending, kind: str) -> None:
    sending.lose()
    assert sending.counts() == {"unknown": 1}
    sending.hear(sending.said(kind))
    assert sending.row()[0] == "accepted"
    assert sending.counts()["accepted"] == 1


def test_what_is_reported_while_it_waits_to_be_sent_again_is_not_sent_again(
    sending: Sending,
) -> None:
    sending.lose()
    again.send(sending.conn, sending.run_id, again.unknown(), now=datetime.now(UTC))
    assert sending.row() == ("pending", None)
    sending.hear(sending.said("delivered"))
    assert sending.row() == ("accepted", "delivered")
    assert sending.counts() == {"accepted": 1, "delivered": 1}


def test_openings_and_clicks_are_counted_by_recipient(sending: Sending) -> None:
    sending.accept("m")
    opened = [
        sending.said("opened", "m", event_id=str(n), at=NOW - timedelta(seconds=n))
        for n in range(3)
    ]
    assert sending.hear(*opened, *opened) == 3
    assert sending.hear(sending.said("clicked", "m"), sending.said("clicked", "m")) == 1
    assert sending.counts() == {"accepted": 1, "delivered": 1, "opened": 1, "clicked": 1}
    row = sending.conn.execute("SELECT opened_at FROM deliveries WHERE seq = 0").fetchone()
    assert row == {"opened_at": NOW - timedelta(seconds=2)}


def test_portions_of_many_reports_are_all_taken(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "PORTION", 2)
    sending.accept("m")
    said = [sending.said("clicked", "m", event_id=str(n)) for n in range(5)]
    assert sending.hear(*said) == 5
    assert sending.hear() == 0
