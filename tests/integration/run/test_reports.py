"""Reports that come twice, out of order, too early, in parts or for nobody: all are right."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from campaigns import database
from campaigns.database import Connection, connect
from campaigns.run import again, handback, reports
from campaigns.run.reports import DeliveryReport
from scheduler.duties import forgetting
from tests.support import ledger as rows
from tests.support.waiting import eventually
from worker.adapters.base import Accepted, Capabilities
from worker.ledger import Lease, Ledger
from worker.outcomes import settle

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
ECHOES = Capabilities(reports=True, echoes_reference=True)
NOTED = Capabilities(reports=True)


class Sending:
    """A run of three recipients, the first of which is being sent to."""

    def __init__(self, conn: Connection, url: str) -> None:
        self.conn = conn
        begin = datetime.now(UTC) - timedelta(minutes=1)
        self.run_id = rows.run(conn, rows.campaign(conn, begin), 3, begin)
        self.runner = asyncio.Runner()
        self.pool = database.async_pool(url, size=2)
        self.runner.run(self.pool.open())
        self.ledger = Ledger(self.pool)
        self.lease = self.claimed()

    def finish(self) -> None:
        self.runner.run(self.pool.close())
        self.runner.close()

    def claimed(self) -> Lease:
        batch = self.conn.execute(
            "INSERT INTO batches (provider, messages, status, spread_from, spread_until,"
            " created_at) VALUES ('carrier', 1, 'ready', now(), now(), now()) RETURNING id"
        ).fetchone()
        self.conn.execute(
            "INSERT INTO slices (run_id, batch_id, kind, lo, hi, messages) "
            "VALUES (%s, %s, 'fresh', 0, 1, 1)",
            (self.run_id, batch["id"]),
        )
        lease = self.runner.run(self.ledger.lease(batch["id"], uuid4()))
        assert lease is not None
        assert self.runner.run(self.ledger.claim(lease, 1, "sms"))
        return lease

    def accept(self, *ids: str, capabilities: Capabilities = ECHOES) -> None:
        told = [settle(self.run_id, 0, 1, Accepted(*ids), max_attempts=3)]
        self.runner.run(self.ledger.record(self.lease, told, capabilities))

    def lose(self) -> None:
        """The worker is thought dead: the row is held as unknown."""
        batches, now = [self.lease.batch_id], datetime.now(UTC)
        self.conn.execute(handback.SQL.hold_in_doubt, {"batch_ids": batches, "now": now})
        self.conn.execute(handback.SQL.hand_back, handback.parameters(batches, now=now))

    def said(self, kind: str, message_id: str | None = None, **more: Any) -> DeliveryReport:
        place = {"run_id": self.run_id, "seq": 0, "at": NOW, **more}
        return DeliveryReport(kind, message_id=message_id, **place)  # type: ignore[arg-type]

    def by_id(self, kind: str, message_id: str, **more: Any) -> DeliveryReport:
        place = {"run_id": None, "seq": None, "provider": "carrier"}
        return self.said(kind, message_id, **place, **more)

    def hear(self, *said: DeliveryReport) -> int:
        return reports.record(self.conn, said)

    def row(self) -> tuple[str, str | None]:
        found = self.conn.execute("SELECT * FROM deliveries WHERE seq = 0").fetchone()
        return found["status"], found["report"]

    def counts(self) -> dict[str, int]:
        run = self.conn.execute("SELECT * FROM runs").fetchone()
        names = ("delivered", "undelivered", "opened", "clicked", "late")
        return rows.counters(self.conn, self.run_id) | {n: run[n] for n in names if run[n]}


@pytest.fixture
def sending(conn: Connection, database: str) -> Iterator[Sending]:
    started = Sending(conn, database)
    yield started
    started.finish()


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
    kinds = sending.conn.execute("SELECT kind FROM delivery_events ORDER BY kind").fetchall()
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


def test_a_report_is_found_by_the_message_id_where_that_is_noted(sending: Sending) -> None:
    sending.accept("m", capabilities=NOTED)
    assert sending.hear(sending.by_id("delivered", "m")) == 1
    assert sending.row() == ("accepted", "delivered")
    assert sending.hear(sending.by_id("delivered", "m", code="again")) == 0


def test_no_id_is_noted_where_the_reference_comes_back(sending: Sending) -> None:
    sending.accept("m", capabilities=ECHOES)
    assert sending.conn.execute("SELECT count(*) AS n FROM message_ids").fetchone() == {"n": 0}


def test_a_report_for_an_id_that_nobody_knows_yet_waits_for_the_answer(sending: Sending) -> None:
    assert sending.hear(sending.by_id("delivered", "m"), sending.by_id("delivered", "x")) == 2
    assert sending.hear(sending.by_id("delivered", "m")) == 0
    assert sending.row() == ("sending", None)
    sending.accept("m", capabilities=NOTED)
    assert sending.row() == ("accepted", "delivered")
    assert sending.counts() == {"accepted": 1, "delivered": 1}
    left = sending.conn.execute("SELECT message_id FROM stray_reports").fetchall()
    assert left == [{"message_id": "x"}]


def test_a_report_that_the_answer_did_not_see_is_taken_in_by_the_tick(sending: Sending) -> None:
    """Both were written at the same time; neither saw the other."""
    sending.accept("m", capabilities=NOTED)
    ids = sending.conn.execute("DELETE FROM message_ids RETURNING *").fetchone()
    sending.hear(sending.by_id("opened", "m"))
    columns, marks = ", ".join(ids), ", ".join(f"%({name})s" for name in ids)
    sending.conn.execute(f"INSERT INTO message_ids ({columns}) VALUES ({marks})", ids)
    with sending.conn.transaction():
        forgetting.run_once(sending.conn, datetime.now(UTC), forgetting.Sweep())
    assert sending.row() == ("accepted", "delivered")
    assert sending.counts() == {"accepted": 1, "delivered": 1, "opened": 1}


def test_the_tick_waits_for_nobody_to_take_a_report_in(sending: Sending, database: str) -> None:
    sending.hear(sending.by_id("delivered", "m"))
    sending.conn.execute(
        "INSERT INTO message_ids VALUES ('carrier', 'm', %s, 0, now())", (sending.run_id,)
    )

    def sweep() -> None:
        with sending.conn.transaction():
            sending.conn.execute("SET LOCAL lock_timeout = '1s'")
            reports.sweep_strays(sending.conn, reports.START, 10, now=datetime.now(UTC))

    for held in ("SELECT FROM deliveries FOR UPDATE", "SELECT FROM runs FOR NO KEY UPDATE"):
        with connect(database) as other, other.transaction():
            other.execute(held)
            sweep()
            assert sending.row() == ("sending", None)
    sweep()
    assert sending.row() == ("accepted", "delivered")


def test_a_report_about_a_row_that_does_not_exist_is_dropped(sending: Sending) -> None:
    assert sending.hear(sending.said("delivered", seq=99)) == 0
    assert sending.hear(sending.said("delivered", run_id=10**9)) == 0
    assert sending.conn.execute("SELECT count(*) AS n FROM delivery_events").fetchone() == {"n": 0}


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


def test_what_nobody_claims_is_forgotten_after_its_time_and_in_portions(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending.hear(*(sending.by_id("delivered", f"x{n}") for n in range(5)))
    for n in range(5):
        sending.conn.execute(
            "INSERT INTO message_ids VALUES ('carrier', %s, %s, 0, now())",
            (f"y{n}", sending.run_id),
        )
    left = forgetting_after(sending.conn, monkeypatch)
    assert left(days=6) == (5, 5)
    assert left(days=8) == (3, 5)
    assert left(days=31) == (1, 3)
    assert left(days=31) == (0, 1)


def forgetting_after(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, int]]:
    """One duty later: how many stray reports and message ids are left."""
    monkeypatch.setattr(forgetting, "PORTION", 2)
    sweep = forgetting.Sweep()

    def left(*, days: float) -> tuple[int, int]:
        sweep.next_at = None
        if days < 7:
            sweep.strays = reports.START
        with conn.transaction():
            forgetting.run_once(conn, datetime.now(UTC) + timedelta(days=days), sweep)
        if days < 7:
            sweep.strays = reports.START
        tables = ("stray_reports", "message_ids")
        counts = [conn.execute(f"SELECT count(*)::int AS n FROM {name}") for name in tables]
        strays, ids = (cursor.fetchone()["n"] for cursor in counts)
        return strays, ids

    return left
