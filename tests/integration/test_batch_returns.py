"""What a batch does not send goes back whole: paused, unknown, unlimited, shut down, handed over.

Adapter and transport are scripted here; real ones have their own suites.
"""

from __future__ import annotations

import pytest

from campaigns.database import Connection
from tests.support.batches import Bench
from worker.batch import PATIENCE
from worker.engine import Engine
from worker.throttle.base import LimiterUnavailable, Wait


@pytest.fixture
def bench(conn: Connection, database: str) -> Bench:
    return Bench(conn, database)


def test_an_account_that_is_removed_takes_nothing_more_of_its_batch(bench):
    async def removed(engine: Engine) -> None:
        def remove() -> None:
            bench.configs = []
            engine.accounts.refresh()

        bench.transport.during = remove

    bench.send(bench.cut(), removed)
    sent = len(bench.adapter.sent)
    assert 0 < sent <= 2 * bench.config.max_in_flight
    assert bench.waiting() == {"returned": 40 - sent}


def test_a_pause_in_the_middle_stops_the_next_chunk_and_hands_back_the_rest(bench):
    def press() -> None:
        bench.conn.execute("UPDATE campaigns SET manually_paused = true")

    bench.transport.during = press
    bench.send(bench.cut())
    sent = len(bench.adapter.sent)
    assert 0 < sent <= 2 * bench.config.max_in_flight
    assert bench.waiting() == {"returned": 40 - sent}


def test_a_batch_of_an_account_that_is_not_configured_goes_back(bench):
    batch_id = bench.cut()
    bench.conn.execute("UPDATE batches SET provider = 'gone'")
    assert bench.send(batch_id) == 0
    assert bench.waiting() == {"returned": 40}


def test_without_a_limiter_nothing_is_sent(bench):
    async def unreachable(*_: object, **__: object) -> None:
        raise LimiterUnavailable("away")

    bench.limiter.acquire = unreachable
    bench.send(bench.cut())
    assert bench.adapter.sent == []
    assert bench.waiting() == {"returned": 40}


def test_a_batch_that_gets_no_place_makes_room_for_other_accounts(bench, monkeypatch):
    """Requests that hang at one provider must not keep every thread of the process waiting."""
    monkeypatch.setattr("worker.claims.PATIENCE", 0.01)

    async def occupy(engine: Engine) -> None:
        await engine.accounts.get("carrier").slots.take(8)

    assert bench.send(bench.cut(), occupy) == 0
    assert bench.waiting() == {"returned": 40}


def test_a_long_wait_for_permits_ends_in_time_for_the_next_one(bench):
    """A batch that came back only after the permit was due would waste a part of a slow rate."""

    async def wait(*_: object, **__: object) -> Wait:
        return Wait(60.0)

    bench.limiter.acquire = wait
    bench.send(bench.cut())
    row = bench.conn.execute(
        "SELECT extract(epoch FROM not_before - now())::float8 AS wait FROM slices"
    ).fetchone()
    assert 50 < row["wait"] <= 60 - PATIENCE


def test_a_provider_that_carries_another_channel_by_now_gets_nothing(bench):
    """The opt-outs and the addresses are looked up by the channel."""
    bench.configs = [bench.config.model_copy(update={"channel": "email"})]
    assert bench.send(bench.cut()) == 0
    assert bench.adapter.sent == []
    assert bench.waiting() == {"returned": 40}


def test_a_process_that_shuts_down_hands_back_what_it_has_not_claimed(bench):
    async def shut_down(engine: Engine) -> None:
        engine.stopping = True

    bench.send(bench.cut(), shut_down)
    assert bench.adapter.sent == []
    assert bench.waiting() == {"returned": 40}


def test_a_message_that_comes_twice_sends_once(bench):
    batch_id = bench.cut(0, 5)
    assert bench.send(batch_id) == 5
    assert bench.send(batch_id) == 0
    assert len(bench.adapter.sent) == 5


def test_a_worker_that_lost_its_lease_claims_nothing_more(bench):
    """Its lease ran out while a request was under way: the tick has given the rest to others."""

    def lose() -> None:
        bench.conn.execute("UPDATE batches SET lease_token = gen_random_uuid()")

    bench.transport.during = lose
    bench.send(bench.cut())
    assert len(bench.adapter.sent) <= 2 * bench.config.max_in_flight
    assert bench.batches() == 1, "it belongs to somebody else now"
