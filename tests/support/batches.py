"""A batch to send on a real database, with a scripted adapter and transport."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from campaigns import database
from campaigns.clock import SystemClock
from campaigns.database import Connection
from campaigns.providers import ProviderConfig, Providers
from tests.support import ledger as rows
from worker.accounts import Accounts
from worker.adapters.base import (
    ALL_CONTENTS,
    Accepted,
    Capabilities,
    HttpRequest,
    HttpResponse,
    Message,
    Outcome,
)
from worker.batch import send_batch
from worker.engine import Engine
from worker.health import HealthKeeper
from worker.journal import Journal
from worker.ledger import Ledger
from worker.throttle.memory import MemoryLimiter


class ScriptedAdapter:
    """Decodes what the script said about each address."""

    def __init__(self, script: dict[str, Outcome], size: int) -> None:
        self.capabilities = Capabilities(max_batch=size, contents=ALL_CONTENTS)
        self.script = script
        self.sent: list[Message] = []

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        if any(message.address.endswith("13") for message in messages):
            raise ValueError("a contact that breaks the encoder")
        self.sent += messages
        return HttpRequest(
            "POST", "http://x", {}, json.dumps([m.address for m in messages]).encode()
        )

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        return [self.script.get(m.address[-2:], Accepted(f"id-{m.address}")) for m in messages]

    def parse_report(self, request: HttpRequest) -> Sequence[object]:
        return []


class ScriptedTransport:
    """Answers at once, or fails as it is told."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.during: Callable[[], None] | None = None
        self.requests = 0
        #: The addresses in the requests that left.
        self.carried: list[str] = []

    async def send(
        self, request: HttpRequest, *, timeout: float, leave_within: float
    ) -> HttpResponse:
        self.requests += 1
        self.carried += json.loads(request.body)
        if self.during is not None:
            self.during()
        if self.failure is not None:
            raise self.failure
        return HttpResponse(200, {}, b"")

    def break_off(self) -> None:
        return None

    async def aclose(self) -> None:
        return None


class Bench:
    """One account on a scripted transport, one run with its batch."""

    def __init__(self, conn: Connection, url: str, home: Path | None = None) -> None:
        now = datetime.now(UTC) - timedelta(minutes=1)
        self.conn = conn
        self.url = url
        self.campaign_id = rows.campaign(conn, now)
        self.run_id = rows.run(conn, self.campaign_id, 40, now)
        self.adapter = ScriptedAdapter({}, 1)
        self.transport = ScriptedTransport()
        self.config = ProviderConfig(
            name="carrier", adapter="scripted", channel="sms", max_in_flight=8, max_attempts=3
        )
        self.configs = [self.config]
        self.limiter = MemoryLimiter()
        self.journal = Journal(home)

    def current(self) -> Providers:
        return Providers({each.name: each for each in self.configs})

    def fallback(self, **changes: object) -> None:
        """Give the account a second one that takes over."""
        first = self.config.model_copy(update={"fallback": "second"})
        self.configs = [first, self.config.model_copy(update={"name": "second", **changes})]

    def cut(self, lo: int = 0, hi: int = 40, provider: str = "carrier") -> int:
        row = self.conn.execute(
            "INSERT INTO batches (provider, messages, status, spread_from, spread_until, "
            "created_at) VALUES (%s, %s, 'ready', now(), now(), now()) RETURNING id",
            (provider, hi - lo),
        ).fetchone()
        self.conn.execute(
            "INSERT INTO slices (run_id, batch_id, kind, lo, hi, messages) "
            "VALUES (%s, %s, 'fresh', %s, %s, %s)",
            (self.run_id, row["id"], lo, hi, hi - lo),
        )
        return int(row["id"])

    def send(
        self, batch_id: int, prepare: Callable[[Engine], Awaitable[None]] | None = None
    ) -> int:
        async def play() -> int:
            async with database.async_pool(self.url, size=4) as pool:
                accounts = Accounts(
                    self, build=lambda _: self.adapter, connect=lambda *_: self.transport
                )
                clock = SystemClock()
                health = HealthKeeper(pool, self.limiter, clock)
                await health.read(accounts)
                engine = Engine(
                    Ledger(pool), self.limiter, accounts, clock, health, self.journal, _pool=None
                )
                if prepare is not None:
                    await prepare(engine)
                return await send_batch(engine, batch_id)

        return asyncio.run(play())

    def waiting(self) -> dict[str, int]:
        found = self.conn.execute(
            "SELECT kind, sum(messages)::int AS n FROM slices WHERE batch_id IS NULL GROUP BY kind"
        )
        return {row["kind"]: row["n"] for row in found}

    def cut_off(self) -> None:
        """End all connections but the test's own."""
        self.conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def batches(self) -> int:
        return self.conn.execute("SELECT count(*)::int AS n FROM batches").fetchone()["n"]
