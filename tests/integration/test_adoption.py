"""What a dead process leaves, adopted on a real database in every state that it can be in."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from campaigns import database as databases
from campaigns import queries
from campaigns.database import Connection
from campaigns.run import handback
from tests.support import ledger as rows
from tests.support.waiting import eventually
from worker import notes
from worker.adoption import Adopted, Adopter, adopt
from worker.journal import Journal
from worker.notes import Left, Notes

LEDGER = queries.load("campaigns.run", "ledger.sql")


class Dead:
    """A process that leased a batch of ten, claimed some of them, let some depart, and died."""

    def __init__(self, conn: Connection, *, losses: int = 0, size: int = 10) -> None:
        self.conn = conn
        self.token = uuid4()
        now = datetime.now(UTC) - timedelta(minutes=1)
        self.run_id = rows.run(conn, rows.campaign(conn, now), size, now)
        conn.execute("UPDATE lanes SET next_seq = hi")
        self.batch_id = self.cut(losses=losses, size=size)
        self.losses, self.size = losses, size
        self.departed: set[int] = set()
        self.lease()

    def cut(self, *, losses: int = 0, size: int = 10) -> int:
        row = self.conn.execute(
            "INSERT INTO batches (provider, messages, status, spread_from, spread_until, "
            "created_at) VALUES ('carrier', %s, 'ready', now(), now(), now()) RETURNING id",
            (size,),
        ).fetchone()
        assert row is not None
        self.conn.execute(
            "INSERT INTO slices (run_id, batch_id, kind, lo, hi, messages, losses) "
            "VALUES (%s, %s, 'fresh', 0, %s, %s, %s)",
            (self.run_id, row["id"], size, size, losses),
        )
        return int(row["id"])

    def lease(self) -> None:
        self._do("lease_batch")

    def claim(self, amount: int) -> None:
        self._do("claim", amount=amount)

    def record(self, seqs: list[int], status: str) -> None:
        self.conn.execute(
            "UPDATE deliveries SET status = %s, settled_at = now() "
            "WHERE run_id = %s AND seq = ANY (%s) AND lease_token = %s",
            (status, self.run_id, seqs, self.token),
        )

    def reclaim(self, *, give_back: bool = True) -> None:
        """What the tick does once the lease has run out."""
        now = datetime.now(UTC)
        batch = {"batch_ids": [self.batch_id], "now": now}
        self.conn.execute(handback.SQL.hold_in_doubt, batch)
        if give_back:
            self.conn.execute(handback.SQL.hand_back, handback.parameters([self.batch_id], now=now))

    @property
    def left(self) -> Left:
        all_rows = frozenset((self.run_id, seq) for seq in range(self.size))
        departed = frozenset((self.run_id, seq) for seq in self.departed)
        return Left(self.batch_id, self.token, self.losses, self.size, all_rows, departed)

    def note(self, own: Journal) -> Notes:
        """The same as ``left``, in a journal."""
        noted = own.begin(self.batch_id, self.token)
        noted.cover(self.losses, self.size, [(self.run_id, 0, self.size)])
        for seq in self.departed:
            noted.departing(self.run_id, seq)
        return noted

    def row(self, seq: int) -> tuple[str, int, str | None]:
        found = self.conn.execute(
            "SELECT status, attempts, error_code FROM deliveries WHERE run_id = %s AND seq = %s",
            (self.run_id, seq),
        ).fetchone()
        assert found is not None
        return found["status"], found["attempts"], found["error_code"]

    def waiting(self) -> list[tuple[list[int], str, int]]:
        """Waiting slices: their rows, kind and losses."""
        found = self.conn.execute(
            "SELECT coalesce(seqs, ARRAY(SELECT generate_series(lo, hi - 1))) AS seqs, kind, "
            "losses FROM slices WHERE batch_id IS NULL ORDER BY lo"
        )
        return [(row["seqs"], row["kind"], row["losses"]) for row in found]

    def events(self, seq: int) -> list[tuple[str, str | None]]:
        found = self.conn.execute(
            "SELECT kind, code FROM delivery_events WHERE run_id = %s AND seq = %s ORDER BY at",
            (self.run_id, seq),
        )
        return [(row["kind"], row["code"]) for row in found]

    def check_whole(self) -> None:
        """Every pending row waits in exactly one slice, and the counters agree with the rows."""
        pending = self.conn.execute(
            "SELECT array_agg(seq ORDER BY seq) AS seqs FROM deliveries "
            "WHERE run_id = %s AND status = 'pending'",
            (self.run_id,),
        ).fetchone()
        assert pending is not None
        waiting = sorted(seq for seqs, *_ in self.waiting() for seq in seqs)
        assert waiting == (pending["seqs"] or [])
        statuses = rows.statuses(self.conn, self.run_id)
        settled = {k: n for k, n in statuses.items() if k not in ("pending", "sending")}
        assert rows.counters(self.conn, self.run_id) == settled

    def _do(self, query: str, **more: object) -> None:
        shared = {
            "batch_id": self.batch_id, "token": self.token, "now": None, "lease_seconds": 15,
            "channel": "sms", "capped": False, "resending": [], **more,
        }  # fmt: skip
        text = LEDGER.by_address(query, "phone") if query == "claim" else LEDGER[query]
        self.conn.execute(text, shared)


@pytest.fixture
def dead(conn: Connection) -> Dead:
    return Dead(conn)


def test_only_what_departed_is_in_doubt_and_the_rest_goes_back_at_once(dead: Dead) -> None:
    dead.claim(6)
    dead.departed = {0, 1}
    assert adopt(dead.conn, dead.left) == Adopted(returned=4, held=2, poisoned=0)
    assert [dead.row(seq) for seq in (0, 1)] == [("unknown", 1, "worker_lost")] * 2
    assert [dead.row(seq) for seq in range(2, 10)] == [("pending", 0, None)] * 8
    assert dead.events(0) == [("unknown", "worker_lost")]
    assert dead.events(3) == []
    # What was claimed and stayed is suspected; what was never claimed is not.
    assert dead.waiting() == [([2, 3], "returned", 1), ([4, 5], "returned", 1),
                              ([6, 7, 8, 9], "returned", 0)]  # fmt: skip
    dead.check_whole()


def test_adopting_twice_changes_nothing_more(dead: Dead) -> None:
    dead.claim(6)
    dead.departed = {0, 1}
    adopt(dead.conn, dead.left)
    before = dead.waiting()
    assert adopt(dead.conn, dead.left) == Adopted()
    assert dead.waiting() == before
    dead.check_whole()


def test_what_had_an_outcome_is_left_alone(dead: Dead) -> None:
    dead.claim(6)
    dead.departed = {0, 1, 2}
    dead.record([0], "rejected")
    dead.conn.execute("UPDATE runs SET rejected = 1")
    dead.record([1, 5], "pending")
    assert adopt(dead.conn, dead.left) == Adopted(returned=2, held=1, poisoned=0)
    assert [dead.row(seq)[0] for seq in range(6)] == [
        "rejected", "pending", "unknown", "pending", "pending", "pending",
    ]  # fmt: skip
    # A row with an outcome killed nobody.
    assert dead.waiting() == [([1, 5], "retry", 0), ([3], "returned", 1), ([4], "returned", 1),
                              ([6, 7, 8, 9], "returned", 0)]  # fmt: skip
    dead.check_whole()


def test_a_batch_of_which_nothing_was_claimed_goes_back_at_once(dead: Dead) -> None:
    nothing = Left(dead.batch_id, dead.token, 0, 0, frozenset(), frozenset())
    assert adopt(dead.conn, nothing) == Adopted()
    assert dead.waiting() == [(list(range(10)), "returned", 0)]
    dead.check_whole()


def test_what_the_tick_held_meanwhile_is_cleared_up(dead: Dead) -> None:
    """The lease ran out before anybody looked at the journal."""
    dead.claim(6)
    dead.departed = {0, 1}
    dead.reclaim()
    assert rows.counters(dead.conn, dead.run_id) == {"unknown": 6}
    assert adopt(dead.conn, dead.left) == Adopted(returned=4, held=0, poisoned=0)
    assert [dead.row(seq) for seq in range(2, 6)] == [("pending", 0, None)] * 4
    assert dead.row(0) == ("unknown", 1, "worker_lost")
    assert dead.events(3) == [("unknown", "worker_lost"), ("resent", "never_left")]
    assert dead.waiting() == [([2, 3], "returned", 1), ([4, 5], "returned", 1),
                              ([6, 7, 8, 9], "returned", 0)]  # fmt: skip
    dead.check_whole()


def test_rows_that_were_given_to_somebody_else_are_not_touched(dead: Dead) -> None:
    """The lease ran out, the operator had the doubtful rows sent again, others have them now."""
    dead.claim(4)
    dead.reclaim()
    other = uuid4()
    dead.conn.execute("DELETE FROM slices")
    dead.conn.execute(
        "UPDATE deliveries SET status = 'sending', lease_token = %s, attempts = 1", (other,)
    )
    before = dead.conn.execute("SELECT * FROM deliveries ORDER BY seq").fetchall()
    assert adopt(dead.conn, dead.left) == Adopted()
    assert dead.conn.execute("SELECT * FROM deliveries ORDER BY seq").fetchall() == before
    assert dead.waiting() == []


def test_what_the_operator_decided_stands(dead: Dead) -> None:
    dead.claim(4)
    dead.reclaim()
    dead.conn.execute(
        "UPDATE deliveries SET status = CASE seq WHEN 0 THEN 'failed' ELSE 'pending' END "
        "WHERE status = 'unknown' AND seq < 2"
    )
    assert adopt(dead.conn, dead.left) == Adopted(returned=2, held=0, poisoned=0)
    assert [dead.row(seq)[0] for seq in (0, 1)] == ["failed", "pending"]


def test_a_batch_that_somebody_else_has_leased_is_not_handed_back(dead: Dead) -> None:
    dead.claim(4)
    dead.conn.execute("UPDATE batches SET lease_token = %s", (uuid4(),))
    adopt(dead.conn, dead.left)
    assert dead.conn.execute("SELECT FROM batches").rowcount == 1


def test_touches_are_given_back_with_the_rows(dead: Dead) -> None:
    """A recipient whose message never left has not been written to, for any cap."""
    dead.claim(2)
    dead.departed = {0}
    dead.conn.execute(
        "INSERT INTO recipient_touches (team_id, address, sent_at) "
        "SELECT %s, address, ARRAY[claimed_at] FROM deliveries WHERE seq < 2",
        (rows.team_id(dead.conn),),
    )
    adopt(dead.conn, dead.left)
    found = dead.conn.execute(
        "SELECT d.seq, cardinality(t.sent_at) AS n FROM recipient_touches t "
        "JOIN deliveries d USING (address) ORDER BY d.seq"
    )
    assert [(row["seq"], row["n"]) for row in found] == [(0, 1), (1, 0)]


def test_a_process_that_lives_suspects_nobody(dead: Dead) -> None:
    """It only lost track of the batch, because the database was gone."""
    dead.claim(6)
    dead.departed = {0}
    adopt(dead.conn, dead.left, died=False)
    assert {losses for *_, losses in dead.waiting()} == {0}
    dead.check_whole()


def test_one_that_dies_with_its_worker_again_and_again_fails_and_nobody_else(
    conn: Connection,
) -> None:
    """100 rows, of which number 71 kills whoever claims it."""
    first = Dead(conn, size=100)
    conn.execute("UPDATE batches SET status = 'leased'")
    first.claim(100)
    adopt(conn, first.left)
    deaths = 1
    while slices := conn.execute("SELECT * FROM slices WHERE batch_id IS NULL").fetchall():
        piece = slices[0]
        assert piece["losses"] > 0
        seqs = piece["seqs"] or list(range(piece["lo"], piece["hi"]))
        token = uuid4()
        _claimed_alone(conn, piece["id"], first.run_id, seqs, token)
        if 71 not in seqs:
            conn.execute(
                "UPDATE deliveries SET status = 'accepted' WHERE lease_token = %s", (token,)
            )
            conn.execute("UPDATE runs SET accepted = accepted + %s", (len(seqs),))
            conn.execute("DELETE FROM batches")
            continue
        deaths += 1
        batch = conn.execute("SELECT id FROM batches").fetchone()
        assert batch is not None
        everyone = frozenset((first.run_id, seq) for seq in seqs)
        left = Left(batch["id"], token, piece["losses"], len(seqs), everyone, frozenset())
        adopt(conn, left)
    assert rows.statuses(conn, first.run_id) == {"accepted": 99, "failed": 1}
    assert rows.counters(conn, first.run_id) == {"accepted": 99, "failed": 1}
    assert first.row(71) == ("failed", 0, "poisoned")
    assert first.events(71) == [("failed", "poisoned")]
    found = conn.execute("SELECT error_class FROM deliveries WHERE status = 'failed'").fetchone()
    assert found == {"error_class": "poisoned"}
    # Down to one takes seven halves at most, and then it is given three chances.
    assert deaths <= 1 + 7 + 3


def _claimed_alone(
    conn: Connection, slice_id: int, run_id: int, seqs: list[int], token: UUID
) -> None:
    conn.execute(
        "WITH batch AS (INSERT INTO batches (provider, messages, status, spread_from, "
        "spread_until, lease_token, lease_until, created_at) VALUES ('carrier', %s, 'leased', "
        "now(), now(), %s, now() + interval '15 s', now()) RETURNING id) "
        "UPDATE slices SET batch_id = batch.id FROM batch WHERE slices.id = %s",
        (len(seqs), token, slice_id),
    )
    conn.execute(
        "UPDATE deliveries SET status = 'sending', attempts = attempts + 1, lease_token = %s, "
        "claimed_at = now() WHERE run_id = %s AND seq = ANY (%s)",
        (token, run_id, seqs),
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "departures"


def adopter(home: Path, url: str, own: Journal | None = None) -> Adopter:
    return Adopter(home, own or Journal(None), partial(databases.opened, url))


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


def test_what_is_no_journal_is_left_alone(home: Path, database: str) -> None:
    home.mkdir()
    (home / "file").write_text("hello", "utf-8")
    (home / "folder").mkdir()
    (home / "folder" / "file").write_text("hello", "utf-8")
    assert adopter(home, database).run_once() == 0
    assert (home / "folder" / "file").read_text("utf-8") == "hello"


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
                batch = {"batch_ids": [dead.batch_id], "now": now}
                theirs.execute(handback.SQL.hold_in_doubt, batch)
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
