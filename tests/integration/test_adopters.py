"""Journals on a real file system and database: who adopts them, when, and against whom."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from campaigns import database as databases
from campaigns.database import Connection
from campaigns.providers import NO_PROVIDERS
from campaigns.run import doubt, handback
from tests.support import ledger as rows
from tests.support.batches import Bench
from tests.support.dead import Dead
from tests.support.waiting import eventually
from worker import notes
from worker.adoption import Adopter, adopt
from worker.engine import Engine
from worker.journal import Journal
from worker.notes import Left
from worker.poison import DEATHS_OF_A_RUN


@pytest.fixture
def dead(conn: Connection) -> Dead:
    return Dead(conn)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "departures"


def adopter(home: Path, url: str, own: Journal | None = None) -> Adopter:
    return Adopter(home, own or Journal(None), partial(databases.opened, url), lambda: NO_PROVIDERS)


def test_a_journal_is_adopted_once_its_process_is_dead_and_then_it_is_gone(
    dead: Dead, home: Path, database: str
) -> None:
    dead.claim(4)
    dead.departed = {0}
    process = Journal(home)
    dead.note(process)
    assert adopter(home, database).run_once() == 0
    assert rows.statuses(dead.conn, dead.run_id)["sending"] == 4
    # As at its death: the lock is free, the notes are there.
    process.close()
    assert adopter(home, database).run_once() == 1
    assert rows.statuses(dead.conn, dead.run_id) == {"unknown": 1, "pending": 9}
    assert not list(home.iterdir())
    dead.check_whole()


def test_two_adopters_at_once_are_harmless(dead: Dead, home: Path, database: str) -> None:
    dead.claim(4)
    process = Journal(home)
    dead.note(process)
    process.close()
    both = [threading.Thread(target=adopter(home, database).run_once) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert rows.statuses(dead.conn, dead.run_id) == {"pending": 10}
    dead.check_whole()


def test_a_journal_waits_for_the_database(dead: Dead, home: Path, database: str) -> None:
    dead.claim(4)
    process = Journal(home)
    dead.note(process)
    process.close()
    with pytest.raises(databases.Unavailable):
        adopter(home, "postgresql://127.0.0.1:1/none").run_once()
    assert adopter(home, database).run_once() == 1
    dead.check_whole()


def test_a_process_adopts_what_it_lost_track_of_itself(
    dead: Dead, home: Path, database: str
) -> None:
    dead.claim(4)
    own = Journal(home)
    noted = dead.note(own)
    own.lose(noted)
    with pytest.raises(databases.Unavailable):
        adopter(home, "postgresql://127.0.0.1:1/none", own).run_once()
    assert adopter(home, database, own).run_once() == 1
    assert rows.statuses(dead.conn, dead.run_id) == {"pending": 10}
    assert noted.path is not None
    assert notes.read(noted.path) is None
    assert own.begin(1, uuid4()) is noted
    dead.check_whole()


def test_a_process_that_dies_over_many_batches_of_a_run_died_once(
    conn: Connection, home: Path, database: str
) -> None:
    """A worker begins with as many as it has threads: killed just then, it is nobody's fault."""
    dead = Dead(conn, size=DEATHS_OF_A_RUN)
    dead.conn.execute("UPDATE batches SET status = 'ready', lease_token = NULL")
    dead.conn.execute("DELETE FROM slices")
    process = Journal(home)
    for seq in range(DEATHS_OF_A_RUN):
        _lease_one(dead, seq)
        process.begin(dead.batch_id, dead.token)
    process.close()
    assert adopter(home, database).run_once() == DEATHS_OF_A_RUN
    assert rows.field(dead.conn, "runs", dead.run_id, "deaths") == 1
    assert rows.field(dead.conn, "runs", dead.run_id, "status") == "sending"


def test_who_dies_while_it_hands_back_a_suspected_batch_unread_did_not_die_of_it(
    conn: Connection, home: Path, database: str
) -> None:
    """One suspected batch is sent at a time: the others of its tick must not share the blame."""
    bench = Bench(conn, database, home)
    batch_id = bench.cut(0, 1)
    conn.execute("UPDATE slices SET losses = 3")

    async def prepare(engine: Engine) -> None:
        await engine.suspicion.acquire()

        async def die(lease: object, *, wait: float) -> bool:
            bench.journal.close()
            assert adopter(home, database).run_once() == 1
            return False

        engine.ledger.hand_back = die

    bench.send(batch_id, prepare)
    found = conn.execute("SELECT losses FROM slices WHERE batch_id IS NULL").fetchall()
    assert [row["losses"] for row in found] == [3]
    assert rows.statuses(conn, bench.run_id) == {"pending": 40}


def _lease_one(dead: Dead, seq: int) -> None:
    """A batch of one row."""
    dead.token = uuid4()
    dead.batch_id = dead.cut(size=1)
    dead.conn.execute(
        "UPDATE slices SET lo = %s, hi = %s WHERE batch_id = %s", (seq, seq + 1, dead.batch_id)
    )
    dead.lease()


def test_what_is_no_journal_is_left_alone(home: Path, database: str) -> None:
    (home / "folder").mkdir(parents=True)
    (home / "folder" / "file").write_text("hello", "utf-8")
    (home / str(uuid4())).write_text("hello", "utf-8")
    before = sorted(home.rglob("*"))
    assert adopter(home, database).run_once() == 0
    assert sorted(home.rglob("*")) == before


def test_a_journal_that_nobody_can_read_any_more_is_removed(home: Path, database: str) -> None:
    """What it would have told is held as unknown by the tick."""
    folder = home / str(uuid4())
    folder.mkdir(parents=True)
    (folder / f"{uuid4()}.batch").write_bytes(b"garbage")
    assert adopter(home, database).run_once() == 0
    assert not list(home.iterdir())


@pytest.mark.parametrize("first", ["tick", "adopter"])
def test_the_tick_may_take_back_the_same_batch_at_the_same_moment(
    dead: Dead, database: str, first: str
) -> None:
    """Whoever comes second waits for the first one's commit, and does what is left to do."""
    dead.claim(6)
    dead.departed = {0, 1}
    dead.conn.execute("UPDATE batches SET lease_until = now() - interval '1 s'")
    now = datetime.now(UTC)
    with closing(databases.connect(database)) as theirs:
        if first == "tick":
            with theirs.transaction():
                theirs.execute(handback.SQL.expired_batches, {"now": now})
                thread = threading.Thread(target=_adopted, args=(database, dead.left))
                thread.start()
                _waits_for_lock(dead.conn)
                doubt.settle_lost(theirs, [dead.batch_id], NO_PROVIDERS, now=now)
                back = handback.parameters([dead.batch_id], now=now)
                theirs.execute(handback.SQL.hand_back, back)
            thread.join()
        else:
            with theirs.transaction():
                adopt(theirs, dead.left)
                found = dead.conn.execute(handback.SQL.expired_batches, {"now": now}).fetchall()
                assert found == []
    assert rows.statuses(dead.conn, dead.run_id) == {"unknown": 2, "pending": 8}
    dead.check_whole()


def _adopted(url: str, left: Left) -> None:
    with databases.opened(url) as conn:
        adopt(conn, left)


def _waits_for_lock(conn: Connection) -> None:
    eventually(
        lambda: (
            conn.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database() "
                "AND wait_event_type = 'Lock'"
            ).rowcount
        ),
        message="somebody waits for a lock",
    )
