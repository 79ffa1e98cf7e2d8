"""Batches that kill their worker before anything is claimed come to an end, and only they."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import uuid4

import pytest

from campaigns import queries
from campaigns.database import Connection
from campaigns.providers import ProviderConfig, Providers
from scheduler.tick import tick
from tests.support import ledger as rows
from tests.support.dead import Dead
from worker import runs
from worker.adoption import Adopted, adopt
from worker.notes import Left
from worker.poison import DEATHS_OF_A_RUN

LEDGER = queries.load("campaigns.run", "ledger.sql")
PROVIDERS = Providers(
    MappingProxyType({"carrier": ProviderConfig(name="carrier", adapter="sandbox", channel="sms")})
)

Row = tuple[int, int]


class Installation:
    """Workers that die, as a supervisor brings them back, before they claim what ``kills``."""

    def __init__(self, conn: Connection, kills: Callable[[Row], bool]) -> None:
        self.conn = conn
        self.kills = kills
        self.now = datetime.now(UTC)
        #: How many workers died, and how many of them with one row alone.
        self.deaths = self.alone = 0

    def run(self, total: int) -> int:
        return rows.run(self.conn, rows.campaign(self.conn, self.now), total, self.now)

    def play(self, *, late: bool = False, adopted: bool = True, most: int = 60) -> None:
        """Until nothing is left to be sent, or that many workers have died."""
        while self.deaths < most:
            self.now += timedelta(seconds=1)
            tick(self.conn, PROVIDERS, name="beat@test", now=self.now)
            found = self.conn.execute("SELECT id FROM batches WHERE status = 'ready' ORDER BY id")
            if not (batches := [row["id"] for row in found]):
                return
            for batch_id in batches:
                self._send(batch_id, late=late, adopted=adopted)

    def _send(self, batch_id: int, *, late: bool, adopted: bool) -> None:
        token = uuid4()
        where = {"batch_id": batch_id, "token": token, "now": self.now, "lease_seconds": 15,
                 "resending": []}  # fmt: skip
        lease = self.conn.execute(LEDGER.lease_batch, where).fetchone()
        found = self.conn.execute(
            "SELECT run_id, unnest(coalesce(seqs, ARRAY(SELECT generate_series(lo, hi - 1)))) "
            "AS seq FROM slices WHERE batch_id = %s",
            (batch_id,),
        ).fetchall()
        members = frozenset((row["run_id"], row["seq"]) for row in found)
        if any(map(self.kills, members)):
            self.deaths += 1
            self.alone += len(members) == 1
            # Whose rows it has is noted of a suspected batch alone.
            noted = members if lease["losses"] else frozenset()
            known = (lease["losses"], len(members)) if lease["losses"] else (0, 0)
            left = Left(batch_id, token, *known, noted, frozenset(), early=True)
            if late or not adopted:
                self.now += timedelta(seconds=16)
                tick(self.conn, PROVIDERS, name="beat@test", now=self.now)
            if adopted:
                adopt(self.conn, left, now=self.now)
            return
        for run_id, seq in members:
            self.conn.execute(
                "UPDATE deliveries SET status = 'accepted', claimed_at = %s WHERE run_id = %s "
                "AND seq = %s AND status = 'pending'",
                (self.now, run_id, seq),
            )
            self.conn.execute("UPDATE runs SET accepted = accepted + 1 WHERE id = %s", (run_id,))
        self.conn.execute("DELETE FROM batches WHERE id = %s", (batch_id,))


@pytest.mark.parametrize("late", [False, True], ids=["adopted at once", "after the tick"])
def test_one_row_that_kills_before_it_is_claimed_fails_and_its_neighbours_are_sent(
    conn: Connection, late: bool
) -> None:
    workers = Installation(conn, lambda row: row[1] == 71)
    run_id = workers.run(100)
    workers.play(late=late)
    assert rows.counters(conn, run_id) == {"accepted": 99, "failed": 1}
    assert rows.statuses(conn, run_id) == {"accepted": 99, "failed": 1}
    failed = conn.execute(
        "SELECT seq, attempts, error_class, error_code FROM deliveries WHERE status = 'failed'"
    ).fetchone()
    assert tuple(failed.values()) == (71, 0, "poisoned", "poisoned")
    events = conn.execute("SELECT seq, kind, code FROM delivery_events").fetchall()
    assert [tuple(event.values()) for event in events] == [(71, "failed", "poisoned")]
    assert workers.alone == 3
    assert workers.deaths <= 1 + 7 + 3


@pytest.mark.parametrize("late", [False, True], ids=["adopted at once", "after the tick"])
def test_a_template_that_kills_for_everybody_ends_its_run_and_no_other(
    conn: Connection, late: bool
) -> None:
    workers = Installation(conn, lambda row: row[0] == bad)
    bad, good = workers.run(1200), workers.run(300)
    workers.play(late=late)
    assert workers.deaths < 3 * DEATHS_OF_A_RUN
    assert rows.statuses(conn, good) == {"accepted": 300}
    assert rows.field(conn, "runs", bad, "status") == "closing"
    runs.close(conn, bad)
    assert rows.statuses(conn, bad) == {"failed": 1200}
    tick(conn, PROVIDERS, name="beat@test", now=workers.now + timedelta(seconds=1))
    assert rows.field(conn, "runs", bad, "status") == "finished"
    assert rows.field(conn, "runs", bad, "reason") == "poisoned"
    assert rows.counters(conn, bad) == {"failed": 1200}
    classes = conn.execute(
        "SELECT DISTINCT error_class, error_code FROM deliveries WHERE run_id = %s", (bad,)
    ).fetchall()
    assert [tuple(row.values()) for row in classes] == [("poisoned", "poisoned")]


def test_a_machine_that_goes_down_again_and_again_lets_nobody_fail(conn: Connection) -> None:
    """Nobody can read its journals: they are of another boot."""
    workers = Installation(conn, lambda row: True)
    run_id = workers.run(4)
    workers.play(adopted=False, most=40)
    assert rows.statuses(conn, run_id) == {"pending": 4}
    workers.kills = lambda row: False
    workers.play(most=50)
    assert rows.counters(conn, run_id) == {"accepted": 4}


def test_a_run_of_which_somebody_was_claimed_is_not_given_up(conn: Connection) -> None:
    workers = Installation(conn, lambda row: row[1] % 2 == 0)
    run_id = workers.run(12)
    workers.play(most=200)
    assert rows.counters(conn, run_id) == {"accepted": 6, "failed": 6}


def suspect(dead: Dead, losses: int) -> Left:
    """One row alone, of which this is another loss."""
    return replace(dead.left, losses=losses, early=True)


def test_a_process_that_lives_counts_for_nothing(conn: Connection) -> None:
    dead = Dead(conn, losses=3, size=1)
    assert adopt(conn, suspect(dead, 3), died=False) == Adopted()
    assert dead.waiting() == [([0], "returned", 3)]
    dead.check_whole()


def test_who_dies_when_everything_was_read_counts_for_nothing(conn: Connection) -> None:
    """It waited for permits: whatever killed it, these rows did not."""
    dead = Dead(conn, losses=3, size=1)
    assert adopt(conn, dead.left) == Adopted()
    assert dead.waiting() == [([0], "returned", 3)]


def test_a_row_that_was_claimed_since_is_suspected_no_more(conn: Connection) -> None:
    """The tick took it back, another worker had it in hand and gave it back: it kills nobody."""
    dead = Dead(conn, losses=3, size=1)
    dead.reclaim()
    conn.execute("UPDATE slices SET losses = 0")
    assert adopt(conn, suspect(dead, 3)) == Adopted()
    assert dead.waiting() == [([0], "returned", 0)]
    assert adopt(conn, suspect(dead, 2)) == Adopted()
    assert dead.waiting() == [([0], "returned", 0)]


def test_what_may_have_arrived_before_is_held(conn: Connection) -> None:
    dead = Dead(conn, losses=3, size=1)
    conn.execute("UPDATE deliveries SET error_class = 'in_doubt', attempts = 1, claimed_at = now()")
    assert adopt(conn, suspect(dead, 3)).poisoned == 1
    assert dead.row(0) == ("unknown", 1, "poisoned")
    assert dead.events(0) == [("unknown", "poisoned")]
    assert rows.counters(conn, dead.run_id) == {"unknown": 1}
