"""Reports that name nothing but a message id, before and after somebody knows where it leads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.database import Connection, connect
from campaigns.run import reports
from scheduler.duties import forgetting
from tests.support.reported import ECHOES, NOTED, Sending


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


def test_a_clock_that_is_set_back_puts_no_report_off(sending: Sending) -> None:
    now, sweep = datetime.now(UTC), forgetting.Sweep()
    forgetting.run_once(sending.conn, now + timedelta(hours=1), sweep)
    sending.hear(sending.by_id("delivered", "m"))
    sending.conn.execute(
        "INSERT INTO message_ids VALUES ('carrier', 'm', %s, 0, now())", (sending.run_id,)
    )
    with sending.conn.transaction():
        forgetting.run_once(sending.conn, now, sweep)
    strays = sending.conn.execute("SELECT count(*)::int AS n FROM stray_reports").fetchone()
    assert strays == {"n": 0}


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
