"""What a dead process left of a batch, adopted in every state that its rows can be in."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from campaigns.database import Connection
from campaigns.providers import ProviderConfig, Providers
from tests.support import ledger as rows
from tests.support.dead import Dead
from worker.adoption import Adopted, adopt
from worker.notes import Left


@pytest.fixture
def dead(conn: Connection) -> Dead:
    return Dead(conn)


def test_only_what_departed_is_in_doubt_and_the_rest_goes_back_at_once(dead: Dead) -> None:
    dead.claim(6)
    dead.departed = {0, 1}
    assert adopt(dead.conn, dead.left) == Adopted(returned=4, held=2)
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
    assert adopt(dead.conn, dead.left) == Adopted(returned=2, held=1)
    assert [dead.row(seq)[0] for seq in range(6)] == [
        "rejected", "pending", "unknown", "pending", "pending", "pending",
    ]  # fmt: skip
    # A row with an outcome killed nobody.
    assert dead.waiting() == [([1, 5], "retry", 0), ([3], "returned", 1), ([4], "returned", 1),
                              ([6, 7, 8, 9], "returned", 0)]  # fmt: skip
    dead.check_whole()


def test_a_suspected_row_with_an_outcome_is_suspected_no_more(conn: Connection) -> None:
    """Its worker died, or not, of something else; those that were never claimed are as before."""
    dead = Dead(conn, losses=2)
    dead.claim(6)
    dead.departed = {0, 1}
    dead.record([0, 1], "pending")
    adopt(conn, dead.left)
    assert dead.waiting() == [([0, 1], "retry", 0), ([2, 3], "returned", 1),
                              ([4, 5], "returned", 1), ([6, 7, 8, 9], "returned", 2)]  # fmt: skip
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
    assert adopt(dead.conn, dead.left) == Adopted(returned=4)
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
    assert adopt(dead.conn, dead.left) == Adopted(returned=2)
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
    deaths, alone = 1, 0
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
        alone += len(seqs) == 1
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
    assert alone == 3
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


def resending() -> Providers:
    """Its account recognises repetitions and is to send again what is in doubt."""
    config = ProviderConfig(
        name="carrier", adapter="sandbox", channel="sms", max_attempts=5, in_doubt="resend"
    )
    return Providers({"carrier": config})


def test_what_departed_is_sent_again_where_its_account_recognises_it(dead: Dead) -> None:
    dead.claim(4)
    dead.departed = {0, 1}
    dead.conn.execute("UPDATE batches SET resends = true")
    assert adopt(dead.conn, dead.left, resending()) == Adopted(returned=2, again=2)
    assert [dead.row(seq)[:2] for seq in range(4)] == [("pending", 1)] * 2 + [("pending", 0)] * 2
    found = dead.conn.execute("SELECT lo, bound_to FROM slices ORDER BY lo").fetchall()
    assert [(row["lo"], row["bound_to"]) for row in found] == [
        (0, "carrier"), (2, None), (3, None), (4, None),
    ]  # fmt: skip
    dead.check_whole()


def in_doubt_before(dead: Dead, seq: int) -> None:
    """An earlier attempt at a row that is claimed now may have arrived."""
    where = (dead.run_id, seq)
    dead.conn.execute(
        "UPDATE deliveries SET error_class = 'in_doubt', attempts = 2 "
        "WHERE run_id = %s AND seq = %s",
        where,
    )
    dead.conn.execute(
        "INSERT INTO delivery_events (run_id, seq, kind, key, at, retried, error_class) "
        "VALUES (%s, %s, 'unknown', '1', now() - interval '1 min', true, 'in_doubt')",
        where,
    )


def test_what_was_in_doubt_before_stays_bound_to_its_account(dead: Dead) -> None:
    """Another account would not recognise it."""
    dead.claim(2)
    in_doubt_before(dead, 1)
    assert adopt(dead.conn, dead.left, resending()) == Adopted(returned=2)
    found = dead.conn.execute(
        "SELECT lo, kind, bound_to FROM slices WHERE losses > 0 ORDER BY lo"
    ).fetchall()
    assert [(row["lo"], row["kind"], row["bound_to"]) for row in found] == [
        (0, "returned", None), (1, "retry", "carrier"),
    ]  # fmt: skip
    dead.check_whole()


def test_what_was_in_doubt_before_and_is_held_stays_held(dead: Dead) -> None:
    """That this attempt never left says nothing of the one before."""
    dead.claim(2)
    in_doubt_before(dead, 1)
    dead.reclaim()
    assert adopt(dead.conn, dead.left, resending()) == Adopted(returned=1)
    assert [dead.row(seq)[0] for seq in (0, 1)] == ["pending", "unknown"]
    dead.check_whole()


def test_one_that_kills_its_worker_and_was_in_doubt_before_is_held(conn: Connection) -> None:
    dead = Dead(conn, losses=3, size=1)
    dead.claim(1)
    in_doubt_before(dead, 0)
    assert adopt(conn, dead.left, resending()) == Adopted(poisoned=1)
    assert dead.row(0) == ("unknown", 1, "poisoned")
    dead.check_whole()


def finished(dead: Dead) -> None:
    """The tick held everything, and the run came to its end with that."""
    dead.claim(4)
    dead.departed = {0}
    dead.reclaim()
    dead.conn.execute("DELETE FROM slices")
    dead.conn.execute(
        "UPDATE deliveries SET status = 'accepted', settled_at = now() WHERE status = 'pending'"
    )
    dead.conn.execute("UPDATE runs SET accepted = 6, status = 'finished', reason = 'completed'")
    dead.conn.execute("UPDATE campaigns SET status = 'finished'")


def test_a_finished_run_goes_on_with_what_never_left(dead: Dead) -> None:
    finished(dead)
    assert adopt(dead.conn, dead.left) == Adopted(returned=3)
    assert rows.field(dead.conn, "runs", dead.run_id, "status") == "sending"
    assert rows.statuses(dead.conn, dead.run_id) == {"accepted": 6, "unknown": 1, "pending": 3}
    dead.check_whole()
    assert adopt(dead.conn, dead.left) == Adopted()


@pytest.mark.parametrize(
    "over", ["UPDATE runs SET expires_at = now()", "UPDATE campaigns SET status = 'stopped'"]
)
def test_a_run_that_cannot_go_on_stays_as_it_is(dead: Dead, over: str) -> None:
    finished(dead)
    dead.conn.execute(over)
    assert adopt(dead.conn, dead.left) == Adopted()
    assert rows.statuses(dead.conn, dead.run_id) == {"accepted": 6, "unknown": 4}
    assert rows.field(dead.conn, "runs", dead.run_id, "status") == "finished"
    dead.check_whole()
