"""One receiver's turn: leased by one, told what is due, and left alone when it fails."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.callbacks import delivering, endpoints, retries, signature
from campaigns.callbacks.delivering import LEASE_SECONDS, Outgoing, Turn
from campaigns.database import Connection, connect
from tests.support.callbacks import (
    WINDOW,
    campaign_of,
    endpoint,
    gather,
    messages,
    note,
    told_run,
)
from tests.support.waiting import eventually

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DUE = NOW + WINDOW
LEASE = timedelta(seconds=LEASE_SECONDS)


def told(conn: Connection, *kinds: str, callback: str | None = "https://example.com/hook") -> int:
    """A receiver with a message of each kind; its id."""
    run_id = told_run(conn, NOW, callback=callback)
    for kind in kinds:
        note(conn, run_id, kind, [0, 1], NOW)
    gather(conn, DUE)
    row = conn.execute("SELECT id FROM receivers ORDER BY id DESC").fetchone()
    return int(row["id"])


def leased(conn: Connection, receiver_id: int, now: datetime = DUE) -> Turn:
    turn = delivering.lease(conn, receiver_id, now=now)
    assert turn is not None
    return turn


def following(conn: Connection, turn: Turn, now: datetime = DUE) -> Outgoing:
    found = turn.next(conn, now=now)
    assert found is not None
    return found


def receiver(conn: Connection, receiver_id: int) -> dict[str, Any]:
    row = conn.execute("SELECT * FROM receivers WHERE id = %s", (receiver_id,)).fetchone()
    assert row is not None
    return row


def test_a_form_is_told_of_the_ledgers_addresses(conn: Connection) -> None:
    turn = leased(conn, told(conn, "delivered"))
    found = following(conn, turn)
    assert found.url == "https://example.com/hook"
    assert found.body == (
        b"event=delivered&when=1795262400&email[0]=447700000000&email[1]=447700000001"
    )
    assert found.headers(DUE) == {"content-type": "application/x-www-form-urlencoded"}
    assert "4477" not in repr(found)
    assert "example.com" not in repr(found)


def test_a_webhook_is_signed_and_says_where_it_comes_from(conn: Connection) -> None:
    made = endpoint(conn, NOW, events=["bounced"])
    receiver_id = told(conn, "bounced", callback=None)
    found = following(conn, leased(conn, receiver_id))
    content = json.loads(found.body)
    row = conn.execute("SELECT id FROM runs").fetchone()
    assert content["type"] == "delivery.bounced"
    assert content["data"]["campaign"] == str(campaign_of(conn, row["id"]))
    assert content["data"]["run"] == row["id"]
    assert [one["address"] for one in content["data"]["deliveries"]] == [
        "447700000000", "447700000001",
    ]  # fmt: skip
    fields = found.headers(DUE)
    assert fields["webhook-id"] == f"msg_{messages(conn)[0]['message_id'].hex}"
    key = signature.read(made.secret)
    assert fields["webhook-signature"] == signature.sign(
        key, fields["webhook-id"], int(DUE.timestamp()), found.body
    )


def test_both_secrets_sign_for_a_day_after_a_rotation(conn: Connection) -> None:
    made = endpoint(conn, NOW, events=["bounced"])
    team_id, endpoint_id = made.endpoint.team_id, made.endpoint.id
    changed = endpoints.rotate(conn, team_id, endpoint_id, now=DUE)
    receiver_id = told(conn, "bounced", callback=None)
    found = following(conn, leased(conn, receiver_id))
    assert found.keys == (signature.read(changed.secret), signature.read(made.secret))
    later = DUE + timedelta(hours=25)
    found = following(conn, leased(conn, receiver_id, later), later)
    assert found.keys == (signature.read(changed.secret),)


def test_one_has_the_turn_and_a_lease_that_ended_frees_it(conn: Connection, database: str) -> None:
    receiver_id = told(conn, "delivered")
    first = leased(conn, receiver_id)
    before = following(conn, first)
    with connect(database) as other:
        assert delivering.lease(other, receiver_id, now=DUE + LEASE / 2) is None
        second = leased(other, receiver_id, DUE + LEASE)
        again = following(other, second, DUE + LEASE)
    # The same message under the same id; and whoever was late changes nothing.
    assert (again.id, again.body) == (before.id, before.body)
    first.failed(conn, before, "timeout", now=DUE + LEASE)
    first.release(conn, now=DUE + LEASE)
    assert first.next(conn, now=DUE + LEASE) is None
    assert receiver(conn, receiver_id)["failures"] == 0
    assert receiver(conn, receiver_id)["lease_token"] == second.token
    assert messages(conn)[0]["attempts"] == 0


def test_a_turn_renews_its_lease_with_each_message(conn: Connection) -> None:
    receiver_id = told(conn, "submitted", "delivered")
    turn = leased(conn, receiver_id)
    later = DUE + LEASE * 0.9
    turn.delivered(conn, following(conn, turn), now=later)
    following(conn, turn, later)
    assert receiver(conn, receiver_id)["lease_until"] == later + LEASE


def test_what_was_taken_is_not_told_again(conn: Connection) -> None:
    receiver_id = told(conn, "submitted", "delivered")
    turn = leased(conn, receiver_id)
    kinds = []
    while found := turn.next(conn, now=DUE):
        kinds.append(found.body.partition(b"&")[0])
        turn.delivered(conn, found, now=DUE)
    turn.release(conn, now=DUE)
    assert kinds == [b"event=submitted", b"event=delivered"]
    assert [row["state"] for row in messages(conn)] == ["delivered"] * 2
    row = receiver(conn, receiver_id)
    assert (row["next_at"], row["lease_token"], row["last_success_at"]) == (None, None, DUE)


def test_a_message_goes_through_all_attempts_and_is_dead_then(conn: Connection) -> None:
    receiver_id = told(conn, "delivered")
    now = DUE
    for attempt in range(1, 11):
        turn = leased(conn, receiver_id, now)
        found = following(conn, turn, now)
        assert found.attempts == attempt - 1
        turn.failed(conn, found, "http_503", now=now)
        turn.release(conn, now=now)
        (row,) = messages(conn)
        state = receiver(conn, receiver_id)
        assert (state["failures"], state["failing_since"]) == (attempt, DUE)
        if attempt < 10:
            pause = retries.PAUSES[attempt - 1]
            assert now + pause <= row["next_at"] <= now + pause * 1.1
            assert state["next_at"] == max(row["next_at"], now + retries.rest(attempt))
            assert delivering.lease(conn, receiver_id, now=state["next_at"] - pause / 100) is None
            now = state["next_at"]
    assert (row["state"], row["code"], row["attempts"]) == ("dead", "http_503", 10)
    assert state["next_at"] is None


def test_a_failure_of_one_message_holds_the_others_for_a_moment_only(conn: Connection) -> None:
    receiver_id = told(conn, "submitted", "delivered")
    turn = leased(conn, receiver_id)
    turn.failed(conn, following(conn, turn), "http_500", now=DUE)
    turn.release(conn, now=DUE)
    rested = DUE + retries.rest(1)
    assert receiver(conn, receiver_id)["next_at"] == rested
    turn = leased(conn, receiver_id, rested)
    found = following(conn, turn, rested)
    assert found.body.startswith(b"event=delivered")
    turn.delivered(conn, found, now=rested)
    assert receiver(conn, receiver_id)["failures"] == 0


def test_a_receiver_that_was_down_is_told_everything_when_it_is_back(conn: Connection) -> None:
    receiver_id = told(conn, "submitted", "delivered", "opened")
    now = DUE
    while any(row["attempts"] < 2 for row in messages(conn)):
        turn = leased(conn, receiver_id, now)
        turn.failed(conn, following(conn, turn, now), "timeout", now=now)
        turn.release(conn, now=now)
        now = receiver(conn, receiver_id)["next_at"]
    assert sum(row["next_at"] <= now for row in messages(conn)) == 1
    turn = leased(conn, receiver_id, now)
    waiting = 0
    while found := turn.next(conn, now=now):
        turn.delivered(conn, found, now=now)
        waiting += 1
    assert waiting == 3


def test_one_that_is_gone_is_told_nothing_more(conn: Connection) -> None:
    made = endpoint(conn, NOW).endpoint
    receiver_id = told(conn, "submitted", "delivered", callback=None)
    turn = leased(conn, receiver_id)
    turn.failed(conn, following(conn, turn), "http_410", now=DUE)
    assert turn.next(conn, now=DUE) is None
    turn.release(conn, now=DUE)
    assert delivering.lease(conn, receiver_id, now=DUE + timedelta(days=1)) is None
    shown = endpoints.show(conn, made.team_id, made.id).health
    assert (shown.disabled_reason, shown.dead, shown.waiting) == ("gone", 1, 1)
    # A person who knows better brings it back, and what waits is told.
    endpoints.enable(conn, made.team_id, made.id, now=DUE)
    assert following(conn, leased(conn, receiver_id)).id


def test_a_message_that_is_made_while_its_receiver_is_released_is_not_forgotten(
    conn: Connection, database: str
) -> None:
    """Whoever releases waits for the gatherer, who was first, and sees what he made."""
    receiver_id = told(conn, "delivered")
    run_id = conn.execute("SELECT id FROM runs").fetchone()["id"]
    turn = leased(conn, receiver_id)
    turn.delivered(conn, following(conn, turn), now=DUE)
    note(conn, run_id, "opened", [0], NOW)
    with connect(database) as other, ThreadPoolExecutor(1) as thread:
        with conn.transaction():
            gather(conn, DUE)
            released = thread.submit(turn.release, other, now=DUE)
            eventually(lambda: waits(conn, other), message="the release waits for the gatherer")
        released.result()
    assert receiver(conn, receiver_id)["next_at"] == DUE


def waits(conn: Connection, other: Connection) -> bool:
    """Whether a connection waits for somebody's lock."""
    found = conn.execute("SELECT pg_blocking_pids(%s) AS by", (other.info.backend_pid,))
    return bool(found.fetchone()["by"])


@pytest.mark.parametrize(
    "statement",
    ["UPDATE campaigns SET event_callback = NULL", "DELETE FROM deliveries", "DELETE FROM runs"],
)
def test_what_cannot_be_told_any_more_is_dropped(conn: Connection, statement: str) -> None:
    receiver_id = told(conn, "delivered")
    conn.execute(statement)
    turn = leased(conn, receiver_id)
    assert turn.next(conn, now=DUE) is None
    turn.release(conn, now=DUE)
    assert messages(conn) == []
    assert receiver(conn, receiver_id)["next_at"] is None
