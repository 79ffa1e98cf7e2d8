"""Outcomes and ends of batches on a real database: what is written, and whose word counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from campaigns.providers import NO_PROVIDERS
from campaigns.run import again, doubt, handback
from campaigns.team import teams
from tests.support import ledger as rows
from tests.support.ledger import cut, leased
from worker.ledger import Ledger
from worker.outcomes import Settlement


def settlements(run_id: int) -> list[Settlement]:
    return [
        Settlement(run_id, 0, "accepted", message_ids=("m-0",)),
        Settlement(run_id, 1, "rejected", "invalid_number", error_class="permanent"),
        Settlement(run_id, 2, "pending", "throttled", charged=False),
        Settlement(run_id, 3, "pending", "http_503"),
        Settlement(run_id, 4, "unknown", "read_timeout"),
    ]


def test_outcomes_are_written_with_their_counters(play, conn, run_id, batch_id):
    async def scenario(ledger: Ledger) -> None:
        lease = await leased(ledger, batch_id)
        await ledger.claim(lease, 5, "sms")
        assert await ledger.record(lease, settlements(run_id)) == 5
        assert await ledger.record(lease, settlements(run_id)) == 0

    play(scenario)
    assert rows.counters(conn, run_id) == {"accepted": 1, "rejected": 1, "unknown": 1}
    attempts = conn.execute("SELECT attempts FROM deliveries ORDER BY seq LIMIT 5").fetchall()
    assert [row["attempts"] for row in attempts] == [1, 1, 0, 1, 1]


def test_whoever_lost_the_lease_may_only_clear_up_a_doubt(play, conn, run_id, batch_id):
    """The tick held the rows as unknown; the late finisher knows better about those, and the row
    that meanwhile belongs to another worker is not his."""

    async def scenario(ledger: Ledger) -> None:
        late = await leased(ledger, batch_id)
        await ledger.claim(late, 3, "sms")
        now = datetime.now(UTC)
        doubt.settle_lost(conn, [batch_id], NO_PROVIDERS, now=now)
        conn.execute(handback.SQL.hand_back, handback.parameters([batch_id], now=now))
        assert rows.counters(conn, run_id) == {"unknown": 3}
        conn.execute("UPDATE deliveries SET lease_token = gen_random_uuid() WHERE seq = 2")
        written = await ledger.record(
            late,
            [
                Settlement(run_id, 0, "accepted", message_ids=("m",)),
                Settlement(run_id, 1, "pending", "http_503"),
                Settlement(run_id, 2, "accepted", message_ids=("m",)),
            ],
        )
        assert written == 2
        assert not await ledger.hand_back(late)

    play(scenario)
    assert rows.counters(conn, run_id) == {"accepted": 1, "unknown": 2}


def test_a_late_word_that_nothing_was_sent_leaves_the_recipient_to_the_operator(
    play, conn, run_id, batch_id
):
    """The slice is gone, so the row cannot go back into it; as failed it could never be sent."""

    async def scenario(ledger: Ledger) -> None:
        late = await leased(ledger, batch_id)
        await ledger.claim(late, 1, "sms")
        now = datetime.now(UTC)
        doubt.settle_lost(conn, [batch_id], NO_PROVIDERS, now=now)
        conn.execute(handback.SQL.hand_back, handback.parameters([batch_id], now=now))
        told = [Settlement(run_id, 0, "pending", "too_late", charged=False)]
        # The answer to the first may get lost, and then it says so once more.
        await ledger.record(late, told)
        await ledger.record(late, told)

    play(scenario)
    row = conn.execute("SELECT status, error_code, attempts FROM deliveries WHERE seq = 0")
    assert row.fetchone() == {"status": "unknown", "error_code": "too_late", "attempts": 1}
    assert rows.counters(conn, run_id) == {"unknown": 1}
    assert again.send(conn, run_id, again.unknown(), now=datetime.now(UTC)) == 1


def test_a_batch_that_ends_leaves_its_rest_to_be_cut_again(play, conn, run_id, batch_id):
    """Tried: after its backoff. Claimed and never sent: as if it had not been claimed."""

    async def scenario(ledger: Ledger) -> None:
        lease = await leased(ledger, batch_id)
        await ledger.claim(lease, 6, "sms")
        await ledger.record(lease, settlements(run_id))
        assert await ledger.hand_back(lease, wait=3.0)

    play(scenario)
    waiting = conn.execute(
        "SELECT kind, lo, hi, seqs, messages, not_before > now() + interval '1 s' AS later "
        "FROM slices ORDER BY kind"
    ).fetchall()
    assert [(w["kind"], w["messages"], w["later"]) for w in waiting] == [
        ("retry", 1, True),
        ("returned", 6, True),
    ]
    assert waiting[1]["seqs"] == [2, 5, 6, 7, 8, 9]
    assert conn.execute("SELECT count(*) AS n FROM batches").fetchone()["n"] == 0
    row = conn.execute("SELECT status, attempts FROM deliveries WHERE seq = 5").fetchone()
    assert (row["status"], row["attempts"]) == ("pending", 0)


def test_what_a_team_with_a_cap_did_send_is_counted_and_nothing_else(play, conn, run_id, batch_id):
    """Refused for now, never answered, lost with the claim's answer: through the whole batch."""
    teams.edit(conn, rows.team_id(conn), {"frequency_cap_day": 1})

    async def scenario(ledger: Ledger) -> None:
        lease = await leased(ledger, batch_id)
        assert lease.capped
        assert len(await ledger.claim(lease, 6, "sms") or ()) == 6
        await ledger.record(lease, settlements(run_id))
        assert await ledger.hand_back(lease)

    play(scenario)
    found = conn.execute("SELECT address FROM recipient_touches WHERE sent_at <> '{}' ORDER BY 1")
    # Accepted, and unknown.
    assert [row["address"][-1] for row in found] == ["0", "4"]
    again = cut(conn, run_id, 0, 10)

    async def once_more(ledger: Ledger) -> None:
        lease = await leased(ledger, again)
        assert [row.seq for row in await ledger.claim(lease, 10, "sms")] == [2, 3, 5, 6, 7, 8, 9]

    play(once_more)
    assert rows.counters(conn, run_id) == {"accepted": 1, "rejected": 1, "unknown": 1}


def test_a_batch_of_which_nothing_is_left_is_forgotten_by_its_holder_only(
    play, conn, run_id, batch_id
):
    async def scenario(ledger: Ledger) -> None:
        lease = await leased(ledger, batch_id)
        rows = await ledger.claim(lease, 10, "sms")
        done = [Settlement(run_id, row.seq, "accepted", message_ids=("m",)) for row in rows]
        await ledger.record(lease, done)
        assert not await ledger.hand_back(replace(lease, token=uuid4()))
        assert await ledger.hand_back(lease, wait=3.0)

    play(scenario)
    for table in ("batches", "slices"):
        assert conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone()["n"] == 0
