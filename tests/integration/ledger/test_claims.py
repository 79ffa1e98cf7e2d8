"""Leases and claims on a real database: who may claim what, and for how long."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from campaigns import queries
from campaigns.providers import NO_PROVIDERS
from campaigns.run import doubt, handback, recipients
from tests.support import ledger as rows
from tests.support.ledger import cut, leased
from worker.ledger import Ledger

LEDGER = queries.load("campaigns.run", "ledger.sql")


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
        doubt.settle_lost(conn, [batch_id], NO_PROVIDERS, now=now)
        conn.execute(handback.SQL.hand_back, handback.parameters([batch_id], now=now))
        read = conn.execute(
            "SELECT seq_tup_read + idx_tup_fetch AS n FROM pg_stat_xact_user_tables "
            "WHERE relname = 'deliveries'"
        ).fetchone()["n"]
    assert read < 500
    assert conn.execute("SELECT seqs FROM slices").fetchone()["seqs"] == [*range(0, 5000, 500)]
