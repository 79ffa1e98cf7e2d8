"""Frequency caps: how many messages a recipient gets from all campaigns of a team."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.database import Connection
from campaigns.run import again
from campaigns.team import teams
from tests.support import ledger as rows
from tests.support.capped_batches import (
    DAY,
    LEDGER,
    NOW,
    WEEK,
    cap,
    codes,
    lease,
    run,
    sent,
    touches,
)


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
    assert again.send(conn, batch.run_id, again.unknown(seqs=[2]), now=NOW) == 1
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
