"""Batches of a team that caps what a recipient gets, leased and claimed by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from campaigns import queries
from campaigns.database import Connection
from campaigns.team import teams
from tests.support import ledger as rows
from worker.outcomes import Settlement

LEDGER = queries.load("campaigns.run", "ledger.sql")
OUTCOMES = queries.load("campaigns.run", "outcomes.sql")
SIGNS = queries.load("campaigns.run", "signs.sql")

#: The gates of these runs are open from an hour before it.
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY, WEEK = timedelta(hours=24), timedelta(hours=168)


@dataclass(frozen=True)
class Batch:
    """A leased batch of a run."""

    conn: Connection
    run_id: int
    id: int
    token: UUID
    capped: bool

    def claim(self, now: datetime = NOW, amount: int = 100) -> list[dict[str, Any]]:
        return self.conn.execute(
            LEDGER.by_address("claim_capped" if self.capped else "claim", "phone"),
            {
                "batch_id": self.id, "token": self.token, "amount": amount, "channel": "sms",
                "lease_seconds": 86400, "now": now, "capped": self.capped,
            },
        ).fetchall()  # fmt: skip

    def seqs(self, now: datetime = NOW) -> list[int]:
        """The rows that may be sent now."""
        return [row["seq"] for row in self.claim(now) if row["status"] == "sending"]

    def record(self, status: str, *seqs: int, now: datetime = NOW) -> None:
        self.conn.execute(
            OUTCOMES.record_capped if self.capped else OUTCOMES.record,
            rows.told(self.token, [Settlement(self.run_id, seq, status) for seq in seqs], now),
        )


def lease(conn: Connection, *runs: int, now: datetime = NOW, **columns: object) -> Batch:
    """A batch of all that is pending in ``runs``."""
    batch_id = conn.execute(
        "INSERT INTO batches (provider, messages, status, spread_from, spread_until, created_at) "
        "VALUES ('carrier', 100, 'ready', now(), now(), now()) RETURNING id"
    ).fetchone()["id"]
    for run_id in runs:
        conn.execute(
            "INSERT INTO slices (run_id, batch_id, kind, lo, hi, messages) "
            "SELECT id, %s, 'fresh', 0, total, total FROM runs WHERE id = %s",
            (batch_id, run_id),
        )
    token = uuid4()
    leased = conn.execute(
        LEDGER.lease_batch,
        {
            "batch_id": batch_id,
            "token": token,
            "lease_seconds": 86400,
            "now": now,
            "resending": [],
        },
    ).fetchone()
    return Batch(conn, runs[0], batch_id, token, leased["capped"])


def run(conn: Connection, total: int = 3, now: datetime = NOW) -> int:
    """A run of another campaign to the same recipients, open for an hour around ``now``."""
    begin = now - timedelta(minutes=30)
    return rows.run(conn, rows.campaign(conn, begin), total, begin)


def sent(conn: Connection, now: datetime = NOW, total: int = 3) -> list[int]:
    """Whom another campaign reaches at ``now``; all of it is accepted."""
    batch = lease(conn, run(conn, total, now), now=now)
    granted = batch.seqs(now)
    batch.record("accepted", *granted, now=now)
    return granted


def cap(conn: Connection, day: int | None = None, week: int | None = None) -> None:
    caps = {"frequency_cap_day": day, "frequency_cap_week": week}
    teams.edit(conn, rows.team_id(conn), caps)


def codes(conn: Connection, run_id: int) -> list[str | None]:
    found = conn.execute(
        "SELECT error_code FROM deliveries WHERE run_id = %s ORDER BY seq", (run_id,)
    )
    return [row["error_code"] for row in found]


def touches(conn: Connection) -> int:
    row = conn.execute("SELECT sum(cardinality(sent_at)) AS n FROM recipient_touches").fetchone()
    return int(row["n"] or 0)
