"""Frequency caps when several claims want one recipient at once, and what is forgotten of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from campaigns.database import Connection, connect
from tests.support.capped_batches import (
    DAY,
    NOW,
    SIGNS,
    WEEK,
    Batch,
    cap,
    codes,
    lease,
    run,
    sent,
    touches,
)
from tests.support.waiting import eventually


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
