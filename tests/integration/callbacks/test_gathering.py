"""From the outbox to messages: together, in time, once, to everybody who asked; not for ever."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from campaigns import failpoints
from campaigns.callbacks import endpoints, gathering
from campaigns.callbacks.windows import packs
from campaigns.database import Connection, connect
from tests.support.callbacks import (
    WINDOW,
    campaign_of,
    endpoint,
    gather,
    messages,
    note,
    outbox,
    told_run,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KINDS = ("submitted", "delivered", "opened")


@pytest.mark.parametrize("seed", range(10))
def test_the_statement_packs_as_the_arithmetic_says(conn: Connection, seed: int) -> None:
    """Random events of two runs, gathered at random moments, beside packs() in windows.py."""
    draw = random.Random(f"gathering {seed}")
    runs = [told_run(conn, NOW), told_run(conn, NOW)]
    most = draw.randint(1, 7)
    waiting: dict[tuple[int, str], list[tuple[int, datetime]]] = defaultdict(list)
    expected: list[tuple[int, str, list[int]]] = []
    now = NOW
    for number in range(60):
        now += timedelta(seconds=draw.choice((0, 1, 5, 30)))
        run_id, kind = draw.choice(runs), draw.choice(KINDS)
        # The seq is only a number here.
        note(conn, run_id, kind, [number], now)
        waiting[run_id, kind].append((number, now))
        if draw.random() < 0.3:
            gather(conn, now, most=most)
            for (run_id, kind), events in waiting.items():
                found = packs([at for _, at in events], now, WINDOW, most)
                expected += [(run_id, kind, [seq for seq, _ in events[lo:hi]]) for lo, hi in found]
                out = {place for lo, hi in found for place in range(lo, hi)}
                events[:] = [event for place, event in enumerate(events) if place not in out]
    made = [(row["run_id"], row["kind"], row["seqs"]) for row in messages(conn)]
    assert sorted(made) == sorted(expected)
    left = sorted(seq for events in waiting.values() for seq, _ in events)
    assert sorted(seq for seq, _, _ in outbox(conn)) == left


def test_events_wait_for_each_other_and_not_for_longer_than_the_window(conn: Connection) -> None:
    run_id = told_run(conn, NOW)
    note(conn, run_id, "delivered", [0, 1], NOW)
    note(conn, run_id, "delivered", [2], NOW + timedelta(seconds=59))
    assert gather(conn, NOW + timedelta(seconds=59)).messages == 0
    assert gather(conn, NOW + WINDOW).messages == 1
    (message,) = messages(conn)
    assert message["seqs"] == [0, 1, 2]
    assert message["ats"][0] == NOW
    assert message["state"] == "waiting"
    assert outbox(conn) == []
    assert gather(conn, NOW + 2 * WINDOW).messages == 0


def test_everybody_who_asked_gets_a_message_of_their_own(conn: Connection) -> None:
    run_id = told_run(conn, NOW, channel="sms")
    everything = endpoint(conn, NOW).endpoint
    clicks = endpoint(conn, NOW, events=["clicked"]).endpoint
    off = endpoint(conn, NOW).endpoint
    endpoints.disable(conn, off.team_id, off.id, now=NOW)
    for kind in ("submitted", "delivered", "clicked"):
        note(conn, run_id, kind, [0], NOW)
    assert gather(conn, NOW + WINDOW).messages == 5
    told = conn.execute(
        "SELECT v.campaign_id, v.endpoint_id, array_agg(k.kind ORDER BY k.kind) AS kinds,"
        " min(v.next_at) AS due FROM callbacks k JOIN receivers v ON v.id = k.receiver_id"
        " GROUP BY 1, 2"
    ).fetchall()
    kinds = {row["campaign_id"] or row["endpoint_id"]: row["kinds"] for row in told}
    assert kinds == {
        # Of a text message the form is told of two kinds, whatever the endpoints want to hear.
        campaign_of(conn, run_id): ["delivered"],
        everything.id: ["clicked", "delivered", "submitted"],
        clicks.id: ["clicked"],
    }
    assert {row["due"] for row in told} == {NOW + WINDOW}
    assert len({row["message_id"] for row in messages(conn)}) == 5


def test_what_nobody_wants_any_more_leaves_the_outbox(conn: Connection) -> None:
    run_id = told_run(conn, NOW)
    conn.execute("UPDATE campaigns SET event_callback = NULL")
    note(conn, run_id, "delivered", [0], NOW)
    assert gather(conn, NOW + WINDOW).messages == 0
    assert outbox(conn) == []


def test_one_gathers_at_a_time(conn: Connection, database: str) -> None:
    with connect(database) as other, other.transaction():
        other.execute(gathering.SQL.lock_gathering, {"now": NOW})
        assert gathering.gather(conn, 2**62, window=WINDOW, keep_days=7, now=NOW) is None


def test_only_what_the_caller_knows_of_is_gathered(conn: Connection) -> None:
    """A message that comes late finds nothing; one that was repeated does nothing."""
    run_id = told_run(conn, NOW)
    note(conn, run_id, "delivered", [0], NOW)
    (first,) = conn.execute("SELECT id FROM event_outbox").fetchall()
    note(conn, run_id, "delivered", [1], NOW)
    at = NOW + WINDOW
    gathering.gather(conn, first["id"], window=WINDOW, keep_days=7, now=at)
    assert [seq for seq, _, _ in outbox(conn)] == [1]


def test_more_than_a_portion_is_gathered_at_once(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "PORTION", 7)
    run_id = told_run(conn, NOW)
    note(conn, run_id, "delivered", range(25), NOW)
    assert gather(conn, NOW + WINDOW, most=3).events == 25
    told = [seq for row in messages(conn) for seq in row["seqs"]]
    assert sorted(told) == list(range(25))


def test_a_crash_in_the_middle_loses_nothing_and_doubles_nothing(conn: Connection) -> None:
    run_id = told_run(conn, NOW)
    note(conn, run_id, "delivered", [0, 1], NOW)
    failpoints.arm("gather.before_commit=raise")
    try:
        with pytest.raises(failpoints.Raised):
            gather(conn, NOW + WINDOW)
    finally:
        failpoints.arm(None)
    assert (len(outbox(conn)), messages(conn)) == (2, [])
    gather(conn, NOW + WINDOW)
    assert [row["seqs"] for row in messages(conn)] == [[0, 1]]


def test_a_receiver_that_rests_goes_on_resting(conn: Connection) -> None:
    run_id = told_run(conn, NOW)
    note(conn, run_id, "delivered", [0], NOW)
    gather(conn, NOW + WINDOW)
    due = NOW + timedelta(minutes=30)
    conn.execute("UPDATE receivers SET next_at = %s, resting_until = %s", (due, due))
    note(conn, run_id, "opened", [0], NOW)
    gather(conn, NOW + WINDOW)
    row = conn.execute("SELECT next_at FROM receivers").fetchone()
    assert row["next_at"] == due


def test_a_receiver_whose_old_message_waits_for_hours_hears_of_a_new_one_at_once(
    conn: Connection,
) -> None:
    run_id = told_run(conn, NOW)
    note(conn, run_id, "delivered", [0], NOW)
    gather(conn, NOW + WINDOW)
    conn.execute("UPDATE receivers SET next_at = %s", (NOW + timedelta(hours=5),))
    note(conn, run_id, "opened", [0], NOW)
    gather(conn, NOW + WINDOW)
    row = conn.execute("SELECT next_at FROM receivers").fetchone()
    assert row["next_at"] == NOW + WINDOW


def test_old_messages_are_given_up_and_forgotten(conn: Connection) -> None:
    """Whatever happened to its receiver: the memory of what could not be told is bounded."""
    run_id = told_run(conn, NOW)
    note(conn, run_id, "delivered", [0], NOW)
    gather(conn, NOW + WINDOW)
    gather(conn, NOW + timedelta(days=3))
    assert [row["state"] for row in messages(conn)] == ["waiting"]
    gather(conn, NOW + timedelta(days=4))
    assert [(row["state"], row["code"]) for row in messages(conn)] == [("dead", "expired")]
    gather(conn, NOW + timedelta(days=10), keep_days=7)
    assert len(messages(conn)) == 1
    gather(conn, NOW + timedelta(days=12), keep_days=7)
    assert messages(conn) == []
