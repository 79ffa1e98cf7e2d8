"""A run of which one recipient is being sent to, for tests of what is reported on it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from campaigns import database
from campaigns.database import Connection
from campaigns.providers import NO_PROVIDERS
from campaigns.run import doubt, handback, reports
from campaigns.run.reports import DeliveryReport
from tests.support import ledger as rows
from worker.adapters.base import Accepted, Capabilities
from worker.ledger import Lease, Ledger
from worker.outcomes import settle

#: What reports are about.
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)

#: Whose report it is tells the reference, or the message id alone.
ECHOES = Capabilities(reports=True, echoes_reference=True)
NOTED = Capabilities(reports=True)


class Sending:
    """A run of three recipients, the first of which is being sent to."""

    def __init__(self, conn: Connection, url: str) -> None:
        self.conn = conn
        begin = datetime.now(UTC) - timedelta(minutes=1)
        self.run_id = rows.run(conn, rows.campaign(conn, begin), 3, begin)
        self.runner = asyncio.Runner()
        self.pool = database.async_pool(url, size=2)
        self.runner.run(self.pool.open())
        self.ledger = Ledger(self.pool)
        self.lease = self.claimed()

    def finish(self) -> None:
        self.runner.run(self.pool.close())
        self.runner.close()

    def claimed(self) -> Lease:
        batch = self.conn.execute(
            "INSERT INTO batches (provider, messages, status, spread_from, spread_until,"
            " created_at) VALUES ('carrier', 1, 'ready', now(), now(), now()) RETURNING id"
        ).fetchone()
        self.conn.execute(
            "INSERT INTO slices (run_id, batch_id, kind, lo, hi, messages) "
            "VALUES (%s, %s, 'fresh', 0, 1, 1)",
            (self.run_id, batch["id"]),
        )
        lease = self.runner.run(self.ledger.lease(batch["id"], uuid4()))
        assert lease is not None
        assert self.runner.run(self.ledger.claim(lease, 1, "sms"))
        return lease

    def accept(self, *ids: str, capabilities: Capabilities = ECHOES) -> None:
        told = [settle(self.run_id, 0, 1, Accepted(*ids), max_attempts=3)]
        self.runner.run(self.ledger.record(self.lease, told, capabilities))

    def lose(self) -> None:
        """The worker is thought dead: the row is held as unknown."""
        batches, now = [self.lease.batch_id], datetime.now(UTC)
        doubt.settle_lost(self.conn, batches, NO_PROVIDERS, now=now)
        self.conn.execute(handback.SQL.hand_back, handback.parameters(batches, now=now))

    def said(self, kind: str, message_id: str | None = None, **more: Any) -> DeliveryReport:
        place = {"run_id": self.run_id, "seq": 0, "at": NOW, **more}
        return DeliveryReport(kind, message_id=message_id, **place)  # type: ignore[arg-type]

    def by_id(self, kind: str, message_id: str, **more: Any) -> DeliveryReport:
        place = {"run_id": None, "seq": None, "provider": "carrier"}
        return self.said(kind, message_id, **place, **more)

    def hear(self, *said: DeliveryReport) -> int:
        return reports.record(self.conn, said)

    def row(self) -> tuple[str, str | None]:
        found = self.conn.execute("SELECT * FROM deliveries WHERE seq = 0").fetchone()
        return found["status"], found["report"]

    def counts(self) -> dict[str, int]:
        run = self.conn.execute("SELECT * FROM runs").fetchone()
        names = ("delivered", "undelivered", "opened", "clicked", "late")
        return rows.counters(self.conn, self.run_id) | {n: run[n] for n in names if run[n]}
