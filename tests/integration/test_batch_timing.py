"""Messages of a slow or faulty step: they get their moment, and so do their neighbours."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID

import pytest

from campaigns.database import Connection
from tests.support import ledger as rows
from tests.support.batches import Bench, ScriptedTransport
from worker.adapters.base import HttpRequest, HttpResponse
from worker.engine import MOST_CLAIM_LEAD, Engine
from worker.lead import Lead
from worker.ledger import Lease


@pytest.fixture
def bench(conn: Connection, database: str) -> Bench:
    return Bench(conn, database)


def test_a_slow_claim_is_begun_that_much_earlier(bench, monkeypatch):
    """Else every message would be too late for its slot, go back, and be too late again."""
    bench.configs = [bench.config.model_copy(update={"rate": "50/s"})]
    lead = Lead(MOST_CLAIM_LEAD)

    async def slow(engine: Engine) -> None:
        engine.claim_lead = lead
        claim = engine.ledger.claim

        async def claim_slowly(lease: Lease, amount: int, channel: str):
            await engine.clock.sleep(0.1)
            return await claim(lease, amount, channel)

        monkeypatch.setattr(engine.ledger, "claim", claim_slowly)

    for _ in range(6):
        bench.conn.execute("DELETE FROM slices")
        bench.send(bench.cut(0, 10), slow)
    assert len(bench.transport.carried) == len(set(bench.transport.carried)) == 10


class Ordered(ScriptedTransport):
    """Holds the request with the ninth recipient until the first chunk has failed."""

    def __init__(self, failed: asyncio.Event) -> None:
        super().__init__()
        self._failed = failed

    async def send(
        self, request: HttpRequest, *, timeout: float, leave_within: float
    ) -> HttpResponse:
        if json.loads(request.body)[0].endswith("08"):
            await asyncio.wait_for(self._failed.wait(), 20)
        return await super().send(request, timeout=timeout, leave_within=leave_within)


def test_a_chunk_that_fails_unexpectedly_takes_no_neighbour_along(bench, monkeypatch, caplog):
    """Their requests are under way: cut off, nobody could say what became of them."""
    failed = asyncio.Event()
    bench.transport = Ordered(failed)

    async def fail_once(engine: Engine) -> None:
        record = engine.ledger.record

        async def record_or_fail(lease, settlements, capabilities, **named):
            if failed.is_set():
                return await record(lease, settlements, capabilities, **named)
            failed.set()
            raise RuntimeError("nobody expected this")

        monkeypatch.setattr(engine.ledger, "record", record_or_fail)

    bench.send(bench.cut(0, 12), fail_once)
    found = rows.statuses(bench.conn, bench.run_id)
    assert found.get("unknown") is None
    assert found["accepted"] >= 1
    assert found["accepted"] + found["sending"] + found["pending"] == 40
    assert "a chunk failed (RuntimeError)" in caplog.text
    token = bench.conn.execute("SELECT lease_token FROM batches").fetchone()["lease_token"]
    assert isinstance(token, UUID)
