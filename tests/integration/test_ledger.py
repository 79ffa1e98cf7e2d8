"""The ledger's write path on a real database: who may claim what, and whose word counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from campaigns import database, queries
from campaigns.database import Connection
from campaigns.run import handback, recipients, resolve
from campaigns.team import teams
from tests.support import ledger as rows
from worker.ledger import Lease, Ledger
from worker.outcomes import Settlement

LEDGER = queries.load("campaigns.run", "ledger.sql")


@pytest.fixture
def run_id(conn: Connection) -> int:
    """A run of ten recipients whose gate is open now."""
    now = datetime.now(UTC) - timedelta(minutes=1)
    return rows.run(conn, rows.campaign(conn, now), 10, now)


@pytest.fixture
def batch_id(conn: Connection, run_id: int) -> int:
    """One batch over all of it."""
    return cut(conn, run_id, 0, 10)


def cut(conn: Connection, run_id: int, lo: int, hi: int) -> int:
    row = conn.execute(
        "INSERT INTO batches (provider, messages, status, spread_from, spread_until, created_at) "
        "VALUES ('carrier', %s, 'ready', now(), now(), now()) RETURNING id",
        (hi - lo,),
    ).fetchone()
    conn.execute(
        "INSERT INTO slices (run_id, batch_id, kind, lo, hi, messages) "
        "VALUES (%s, %s, 'fresh', %s, %s, %s)",
        (run_id, row["id"], lo, hi, hi - lo),
    )
    return int(row["id"])


@pytest.fixture
def play(database: str) -> Callable[[Callable[[Ledger], Awaitable[object]]], object]:
    """Runs a scenario with a ledger of its own loop."""

    def run(scenario: Callable[[Ledger], Awaitable[object]]) -> object:
        async def inner() -> object:
            async with _pool(database) as pool:
                return await scenario(Ledger(pool))

        return asyncio.run(inner())

    return run


def _pool(url: str) -> database.AsyncPool:
    return database.async_pool(url, size=4)


async def leased(ledger: Ledger, batch_id: int) -> Lease:
    lease = await ledger.lease(batch_id, uuid4())
    assert lease is not None
    return lease


def test_a_batch_is_leased_once(play, batch_id):
    async def scenario(ledger: Ledger) -> None:
        answers = await asyncio.gather(*(ledger.lease(batch_id, uuid4()) for _ in range(8)))
        assert sum(answer is not None for answer in answers) == 1

    play(scenario)


def test_claims_take_each_row_once(play, conn, run_id, batch_id):
    async def scenario(ledger: Ledger) -> None:
        lease = await leased(ledger, batch_id)
        chunks = [await ledger.claim(lease, 4, "sms") for _ in range(4)]
        assert [len(chunk) if chunk else None for chunk in chunks] == [4, 4, 2, None]
        assert sorted(row.seq for chunk in chunks if chunk for row in chunk) == list(range(10))

    play(scenario)
    assert rows.statuses(conn, run_id) == {"sending": 10}


def test_a_row_tells_which_account_it_was_last_handed_to(play, conn, run_id, batch_id):
    """A batch may be of another account than its run: it takes over what the first could not."""
    conn.execute("UPDATE batches SET provider = 'second'")
    conn.execute(
        "INSERT INTO contacts (group_id, phone) SELECT %s, address FROM deliveries WHERE seq = 1",
        (rows.optouts_id(conn),),
    )

    async def scenario(ledger: Ledger) -> None:
        await ledger.claim(await leased(ledger, batch_id), 3, "sms")

    play(scenario)
    found = {row.seq: row.provider for row in recipients.stream(conn, run_id)}
    assert [found[seq] for seq in range(4)] == ["second", None, "second", None]


@pytest.mark.parametrize(
    ("leftover", "finish", "expiry", "worthless"),
    [
        ("continue", 60, None, None),
        ("continue", 60, 90, 90),
        ("expire", 60, 90, 60),
        ("expire", 60, None, 60),
        ("next_window", 60, 90, 90),
    ],
)
def test_a_message_is_worthless_after_its_expiry_or_the_finish_after_which_the_rest_expires(
    play, conn, leftover, finish, expiry, worthless
):
    now = datetime.now(UTC)

    def at(minutes: int | None) -> datetime | None:
        return None if minutes is None else now + timedelta(minutes=minutes)

    campaign = rows.campaign(conn, now, leftover=leftover, finish=at(finish), expiry=at(expiry))
    run_id = rows.run(conn, campaign, 2, now)
    batch_id = cut(conn, run_id, 0, 2)

    async def scenario(ledger: Ledger) -> None:
        context = (await ledger.contexts(batch_id))[run_id]
        assert (context.provider, context.expires_at) == ("carrier", at(worthless))

    play(scenario)


@pytest.mark.parametrize(
    "forbidden",
    [
        "UPDATE campaigns SET manually_paused = true",
        "UPDATE campaigns SET status = 'stopped'",
        "UPDATE runs SET status = 'closing', reason = 'expired'",
        "UPDATE runs SET expires_at = now() - interval '1 ms'",
        "UPDATE lanes SET gate_closes_at = now()",
        "UPDATE lanes SET gate_opens_at = now() + interval '1 min'",
        "UPDATE lanes SET gate_opens_at = NULL",
        "UPDATE batches SET lease_until = now()",
        "UPDATE batches SET lease_token = gen_random_uuid()",
    ],
)
def test_a_claim_grants_nothing_that_is_forbidden_at_that_moment(
    play, conn, run_id, batch_id, forbidden
):
    async def scenario(ledger: Ledger) -> None:
        lease = await leased(ledger, batch_id)
        assert len(await ledger.claim(lease, 3, "sms") or ()) == 3
        conn.execute(forbidden)
        assert await ledger.claim(lease, 3, "sms") is None

    play(scenario)
    assert rows.statuses(conn, run_id) == {"sending": 3, "pending": 7}


def test_an_opt_out_counts_from_the_moment_it_is_recorded(play, conn, run_id, batch_id):
    async def scenario(ledger: Ledger) -> None:
        lease = await leased(ledger, batch_id)
        await ledger.claim(lease, 2, "sms")
        conn.execute(
            "INSERT INTO contacts (group_id, phone) VALUES (%s, '447700000003')",
            (rows.optouts_id(conn),),
        )
        rest = await ledger.claim(lease, 10, "sms")
        assert [row.seq for row in rest] == [2, 4, 5, 6, 7, 8, 9]

    play(scenario)
    assert rows.counters(conn, run_id) == {"suppressed": 1}


def test_a_chunk_of_nothing_but_opt_outs_is_empty_and_not_the_end(play, conn, run_id, batch_id):
    conn.execute(
        "INSERT INTO contacts (group_id, phone) SELECT %s, (447700000000 + n)::text "
        "FROM generate_series(0, 4) n",
        (rows.optouts_id(conn),),
    )

    async def scenario(ledger: Ledger) -> None:
        lease = await leased(ledger, batch_id)
        assert await ledger.claim(lease, 5, "sms") == []
        assert len(await ledger.claim(lease, 5, "sms")) == 5

    play(scenario)


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
        conn.execute(handback.SQL.hold_in_doubt, {"batch_ids": [batch_id], "now": now})
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
        conn.execute(handback.SQL.hold_in_doubt, {"batch_ids": [batch_id], "now": now})
        conn.execute(handback.SQL.hand_back, handback.parameters([batch_id], now=now))
        told = [Settlement(run_id, 0, "pending", "too_late", charged=False)]
        # The answer to the first may get lost, and then it says so once more.
        await ledger.record(late, told)
        await ledger.record(late, told)

    play(scenario)
    row = conn.execute("SELECT status, error_code, attempts FROM deliveries WHERE seq = 0")
    assert row.fetchone() == {"status": "unknown", "error_code": "too_late", "attempts": 1}
    assert rows.counters(conn, run_id) == {"unknown": 1}
    assert resolve.resend(conn, run_id, now=datetime.now(UTC)) == 1


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


def test_a_heartbeat_keeps_the_lease_and_a_lost_one_cannot_be_renewed(play, conn, batch_id):
    async def scenario(ledger: Ledger) -> None:
        lease = await leased(ledger, batch_id)
        conn.execute("UPDATE batches SET lease_until = now() + interval '1 s'")
        assert await ledger.renew(lease)
        row = conn.execute("SELECT lease_until - now() > interval '10 s' AS kept FROM batches")
        assert row.fetchone()["kept"]
        conn.execute("UPDATE batches SET lease_until = now()")
        assert not await ledger.renew(lease)

    play(scenario)


def test_an_open_claim_never_waits_for_a_pause(play, conn, run_id, batch_id):
    """A pause is one short update; it neither waits for workers nor holds them up."""

    async def scenario(ledger: Ledger) -> None:
        lease = await leased(ledger, batch_id)
        with conn.transaction():
            conn.execute("UPDATE campaigns SET manually_paused = true")
            assert len(await ledger.claim(lease, 3, "sms") or ()) == 3
        assert await ledger.claim(lease, 3, "sms") is None

    play(scenario)


def test_a_sparse_slice_costs_what_it_holds_and_not_the_stretch_it_spans(conn):
    """Ten recipients out of many, as an operator resends them; the tick runs some of this too."""
    now = datetime.now(UTC) - timedelta(minutes=1)
    run_id = rows.run(conn, rows.campaign(conn, now), 5000, now)
    batch_id = cut(conn, run_id, 0, 5000)
    token = uuid4()
    conn.execute("UPDATE slices SET seqs = ARRAY(SELECT generate_series(0, 4999, 500))")
    conn.execute("ANALYZE deliveries")
    of_batch = {"batch_id": batch_id, "token": token, "now": None, "lease_seconds": 15, "amount": 9}
    of_batch |= {"channel": "sms", "capped": False, "resending": []}
    with conn.transaction():
        conn.execute(LEDGER.lease_batch, of_batch)
        granted = conn.execute(LEDGER.by_address("claim", "phone"), of_batch).fetchall()
        assert [row["seq"] for row in granted] == list(range(0, 4500, 500))
        conn.execute(LEDGER.release_unsent, of_batch)
        conn.execute(handback.SQL.hold_in_doubt, {"batch_ids": [batch_id], "now": now})
        conn.execute(handback.SQL.hand_back, handback.parameters([batch_id], now=now))
        read = conn.execute(
            "SELECT seq_tup_read + idx_tup_fetch AS n FROM pg_stat_xact_user_tables "
            "WHERE relname = 'deliveries'"
        ).fetchone()["n"]
    assert read < 500
    assert conn.execute("SELECT seqs FROM slices").fetchone()["seqs"] == [*range(0, 5000, 500)]
