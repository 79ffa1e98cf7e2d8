"""What a tick counts in SQL, against a plain count of whatever the ledger holds."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from math import ceil

import pytest

from campaigns import queries
from campaigns.database import Connection
from tests.support import ledger

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
ROWS = 60
LIMITS = ("sender:a", "team:x", "team:y")

_SQL = queries.load("scheduler", "tick.sql")


def filled(conn: Connection, seed: int) -> None:
    """A ledger with anything in it: runs in every status, batches half claimed, slices waiting."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 6)):
        campaign_id = ledger.campaign(conn, NOW, provider=chance.choice("pq"))
        run_id = ledger.run(conn, campaign_id, ROWS, NOW)
        if chance.random() < 0.5:
            conn.execute("UPDATE lanes SET hi = 30, next_seq = 20 WHERE run_id = %s", (run_id,))
            conn.execute(
                "INSERT INTO lanes (run_id, lane, lo, hi, next_seq) VALUES (%s, 1, 30, 60, 50)",
                (run_id,),
            )
        for _ in range(chance.randint(0, 5)):
            slice_in(conn, run_id, None, chance)
        status = chance.choice(["sending", "sending", "sending", "closing", "finished"])
        conn.execute("UPDATE runs SET status = %s WHERE id = %s", (status, run_id))
    run_ids = [row["id"] for row in conn.execute("SELECT id FROM runs").fetchall()]
    for _ in range(chance.randint(0, 6)):
        keys = chance.sample(LIMITS, chance.randint(0, 3))
        batch = conn.execute(
            "INSERT INTO batches (provider, messages, status, spread_from, spread_until,"
            " created_at, limit_keys, limit_rates)"
            " VALUES (%s, 0, 'ready', %s, %s, %s, %s, %s) RETURNING id",
            (chance.choice("pqr"), NOW, NOW, NOW, keys, [1.0] * len(keys)),
        ).fetchone()
        assert batch is not None
        sizes = [
            slice_in(conn, run_id, batch["id"], chance)
            for run_id in chance.sample(run_ids, chance.randint(1, len(run_ids)))
        ]
        left = chance.choice([0, sum(sizes), chance.randint(0, sum(sizes))])
        conn.execute("UPDATE batches SET messages = %s WHERE id = %s", (left, batch["id"]))
    for name in chance.sample("pqrs", chance.randint(0, 4)):
        conn.execute("INSERT INTO provider_states (provider, updated_at) VALUES (%s, %s)",
                     (name, NOW))  # fmt: skip


def slice_in(conn: Connection, run_id: int, batch_id: int | None, chance: random.Random) -> int:
    lanes = conn.execute("SELECT lane FROM lanes WHERE run_id = %s", (run_id,)).fetchall()
    count = chance.randint(1, 9)
    lo = chance.randint(0, ROWS - count)
    kind = chance.choice(["returned", "retry"] if batch_id is None else ["fresh", "retry"])
    not_before = NOW + timedelta(seconds=chance.choice([-5, 0, 5]))
    conn.execute(
        "INSERT INTO slices (run_id, lane, batch_id, kind, lo, hi, messages, not_before)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (run_id, chance.choice(lanes)["lane"], batch_id, kind, lo, lo + count, count, not_before),
    )
    return count


@pytest.fixture(params=range(5))
def full(conn: Connection, request: pytest.FixtureRequest) -> Connection:
    filled(conn, request.param)
    return conn


def table(conn: Connection, name: str) -> list[dict[str, object]]:
    return conn.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()


def test_what_is_outstanding_at_an_account_is_counted_once(full):
    """Not claimed yet, or handed back until later of a run that goes on."""
    runs = {row["id"]: row for row in table(full, "runs")}
    expected: Counter[str] = Counter({row["provider"]: 0 for row in table(full, "provider_states")})
    for batch in table(full, "batches"):
        expected[batch["provider"]] += batch["messages"]
    for piece in table(full, "slices"):
        waits = piece["batch_id"] is None and piece["not_before"] > NOW
        if waits and piece["kind"] == "returned" and runs[piece["run_id"]]["status"] == "sending":
            expected[runs[piece["run_id"]]["provider"]] += piece["messages"]
    found = full.execute(_SQL.accounts, {"now": NOW}).fetchall()
    assert {row["provider"]: row["outstanding"] for row in found} == dict(expected)
    assert len(found) == len(expected)


def test_what_is_outstanding_below_a_limit_is_counted_once(full):
    expected: Counter[str] = Counter()
    for batch in table(full, "batches"):
        for key in batch["limit_keys"]:
            expected[key] += batch["messages"]
    found = full.execute(_SQL.limits_used).fetchall()
    assert {row["key"]: row["outstanding"] for row in found} == dict(expected)


def test_what_a_run_holds_is_its_part_of_what_is_left_of_its_batches(full):
    expected: dict[tuple[str, int], float] = {}
    for batch in table(full, "batches"):
        pieces = [piece for piece in table(full, "slices") if piece["batch_id"] == batch["id"]]
        whole = sum(piece["messages"] for piece in pieces)
        for piece in pieces:
            claim = batch["provider"], piece["run_id"]
            part = batch["messages"] * piece["messages"] / whole
            expected[claim] = expected.get(claim, 0) + part
    found = full.execute(_SQL.held).fetchall()
    assert {(row["provider"], row["run_id"]): row["held"] for row in found} == {
        claim: ceil(round(part, 6)) for claim, part in expected.items() if part
    }


def test_every_lane_of_a_run_that_is_sending_is_read_with_what_waits_in_it(full):
    expected = {}
    sending = {row["id"] for row in table(full, "runs") if row["status"] == "sending"}
    for lane in table(full, "lanes"):
        if lane["run_id"] not in sending:
            continue
        pieces = [
            piece
            for piece in table(full, "slices")
            if (piece["run_id"], piece["lane"]) == (lane["run_id"], lane["lane"])
            and piece["batch_id"] is None
        ]
        expected[lane["run_id"], lane["lane"]] = {
            name: sum(p["messages"] for p in pieces if (p["kind"], p["not_before"] > NOW) == which)
            for name, which in {
                "returned": ("returned", False),
                "later": ("returned", True),
                "retries": ("retry", False),
            }.items()
        }
    found = {
        (row["id"], row["lane"]): {name: row[name] for name in ("returned", "later", "retries")}
        for row in full.execute(_SQL.open_runs, {"now": NOW})
    }
    assert found == expected
    waiting = full.execute(_SQL.waiting_slices, {"run_ids": sorted(sending), "now": NOW}).fetchall()
    read: Counter[tuple[int, int, str]] = Counter()
    for piece in waiting:
        name = "retries" if piece["kind"] == "retry" else "returned"
        read[piece["run_id"], piece["lane"], name] += piece["messages"]
    assert all(
        read[(*key, name)] == counts[name]
        for key, counts in expected.items()
        for name in ("returned", "retries")
    )
