"""References on their way out and back: whose key signs, and what is believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.run import signing
from campaigns.run.signing import KEY_RESTS, KEYS_STAY, Keyring
from tests.support.batches import Bench
from worker.adapters.base import Failed
from worker.reference import sign, verify
from worker.tasks import reports

NOW = datetime.now(UTC)


@pytest.fixture
def bench(conn: Connection, database: str) -> Bench:
    return Bench(conn, database)


def ages(conn: Connection, *seconds: float) -> list[bytes]:
    """Exactly one key of each age when the run was made; the keys, the oldest first."""
    conn.execute("DELETE FROM signing_keys")
    for age in sorted(seconds, reverse=True):
        key = signing.rotate(conn)
        conn.execute(
            "UPDATE signing_keys SET created_at = "
            "(SELECT max(created_at) FROM runs) - make_interval(secs => %s) WHERE id = %s",
            (age, key.id),
        )
    return [row["key"] for row in conn.execute("SELECT key FROM signing_keys ORDER BY id")]


def sent(bench: Bench) -> set[str]:
    return {message.reference for message in bench.adapter.sent}


@pytest.mark.parametrize(
    ("seconds", "signer"),
    [
        ((KEY_RESTS,), 0),
        ((10 * KEY_RESTS, KEY_RESTS), 1),
        ((10 * KEY_RESTS, 2 * KEY_RESTS, KEY_RESTS - 1), 1),
        ((10 * KEY_RESTS, -5, -10), 0),
        # A run that began before any key had rested.
        ((0, -5), 0),
    ],
)
def test_a_run_signs_with_the_newest_key_that_had_rested_when_it_began(
    bench, conn, seconds, signer
):
    keys = ages(conn, *seconds)
    bench.send(bench.cut(0, 2))
    assert sent(bench) == {sign(bench.run_id, seq, keys[signer]) for seq in (0, 1)}


def test_a_message_that_is_tried_again_has_its_reference_whatever_was_rotated_between(bench, conn):
    """Providers know it again by that: another reference would be another message."""
    [key] = ages(conn, KEY_RESTS)
    bench.adapter.script = {"00": Failed("busy")}
    bench.send(bench.cut(0, 1))
    signing.rotate(conn)
    bench.send(bench.cut(0, 1))
    assert [message.reference for message in bench.adapter.sent] == [sign(bench.run_id, 0, key)] * 2


def old_and_new(conn: Connection) -> tuple[bytes, bytes]:
    signing.rotate(conn)
    old, new = (row["key"] for row in conn.execute("SELECT key FROM signing_keys ORDER BY id"))
    assert old != new
    assert len(old) == len(new) == 32
    return old, new


def test_what_any_key_signed_is_believed_and_nothing_else(conn):
    old, new = old_and_new(conn)
    body = [
        {"reference": sign(7, 3, old), "state": "delivered"},
        {"reference": sign(7, 4, new), "state": "undelivered", "code": "absent"},
    ]
    found = reports.read(body, Keyring().keys(conn), NOW)
    assert [(r.run_id, r.seq, r.kind) for r in found] == [(7, 3, "delivered"), (7, 4, "failed")]


@pytest.mark.parametrize("wrong", ["7-3", "", sign(7, 3, b"x" * 32), "7-3-aaaaaaaaaaaaa"])
def test_one_wrong_signature_refuses_the_whole_message_in_one_sentence(conn, wrong):
    keys = Keyring().keys(conn)
    body = [{"reference": text, "state": "delivered"} for text in (sign(7, 2, keys[0]), wrong)]
    with pytest.raises(Invalid) as refused:
        reports.read(body, keys, NOW)
    assert str(refused.value) == (
        "reports[1].reference: must be exactly as it went out with the message."
    )


def test_keys_are_read_again_after_a_while_and_before_anybody_signs_with_a_new_one(conn):
    assert KEYS_STAY < KEY_RESTS
    clock = [100.0]
    ring = Keyring(lambda: clock[0])
    first = ring.keys(conn)
    signing.rotate(conn)
    clock[0] += KEYS_STAY - 0.1
    assert ring.keys(conn) == first
    clock[0] += 0.1
    assert set(ring.keys(conn)) > set(first)


def test_a_new_key_signs_after_everybody_who_verifies_has_read_it(bench, conn):
    """The worst case: read just before the rotation, and the run begins as soon as it may."""
    clock = [0.0]
    ring = Keyring(lambda: clock[0])
    ring.keys(conn)
    [*_, newest] = ages(conn, KEY_RESTS)
    bench.send(bench.cut(0, 1))
    clock[0] += KEY_RESTS
    [reference] = sent(bench)
    assert reference == sign(bench.run_id, 0, newest)
    assert verify(reference, ring.keys(conn)) == (bench.run_id, 0)


def test_no_repr_shows_a_key(bench, conn):
    """Representations end up in logs."""
    [key] = ages(conn, KEY_RESTS)
    seen: list[str] = []

    async def look(engine):
        batch = conn.execute("SELECT max(id) AS id FROM batches").fetchone()["id"]
        seen.append(repr(await engine.ledger.contexts(batch)))

    bench.send(bench.cut(0, 1), prepare=look)
    assert "RunContext" in seen[0]
    assert repr(key) not in seen[0]
    assert "signing_key" not in seen[0]


def test_times_of_keys_are_those_of_the_database(conn):
    before = conn.execute("SELECT now() - interval '1 s' AS at").fetchone()["at"]
    made = signing.rotate(conn)
    assert before <= made.created_at <= before + timedelta(minutes=1)
    assert signing.list_all(conn)[0] == made
