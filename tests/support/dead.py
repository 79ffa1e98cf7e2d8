"""A process that died in the middle of a batch, as the ledger and its journal tell of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from campaigns import queries
from campaigns.database import Connection
from campaigns.providers import NO_PROVIDERS
from campaigns.run import doubt, handback
from tests.support import ledger as rows
from worker.journal import Journal
from worker.notes import Left, Notes

LEDGER = queries.load("campaigns.run", "ledger.sql")


class Dead:
    """A process that leased a batch of ten, claimed some of them, let some depart, and died."""

    def __init__(self, conn: Connection, *, losses: int = 0, size: int = 10) -> None:
        self.conn = conn
        self.token = uuid4()
        now = datetime.now(UTC) - timedelta(minutes=1)
        self.run_id = rows.run(conn, rows.campaign(conn, now), size, now)
        conn.execute("UPDATE lanes SET next_seq = hi")
        self.batch_id = self.cut(losses=losses, size=size)
        self.losses, self.size = losses, size
        self.departed: set[int] = set()
        self.lease()

    def cut(self, *, losses: int = 0, size: int = 10) -> int:
        row = self.conn.execute(
            "INSERT INTO batches (provider, messages, status, spread_from, spread_until, "
            "created_at) VALUES ('carrier', %s, 'ready', now(), now(), now()) RETURNING id",
            (size,),
        ).fetchone()
        assert row is not None
        self.conn.execute(
            "INSERT INTO slices (run_id, batch_id, kind, lo, hi, messages, losses) "
            "VALUES (%s, %s, 'fresh', 0, %s, %s, %s)",
            (self.run_id, row["id"], size, size, losses),
        )
        return int(row["id"])

    def lease(self) -> None:
        self._do("lease_batch")

    def claim(self, amount: int) -> None:
        self._do("claim", amount=amount)

    def record(self, seqs: list[int], status: str) -> None:
        self.conn.execute(
            "UPDATE deliveries SET status = %s, settled_at = now() "
            "WHERE run_id = %s AND seq = ANY (%s) AND lease_token = %s",
            (status, self.run_id, seqs, self.token),
        )

    def reclaim(self, *, give_back: bool = True) -> None:
        """What the tick does once the lease has run out."""
        now = datetime.now(UTC)
        doubt.settle_lost(self.conn, [self.batch_id], NO_PROVIDERS, now=now)
        if give_back:
            self.conn.execute(handback.SQL.hand_back, handback.parameters([self.batch_id], now=now))

    @property
    def left(self) -> Left:
        all_rows = frozenset((self.run_id, seq) for seq in range(self.size))
        departed = frozenset((self.run_id, seq) for seq in self.departed)
        return Left(self.batch_id, self.token, self.losses, self.size, all_rows, departed)

    def note(self, own: Journal) -> Notes:
        """The same as ``left``, in a journal."""
        noted = own.begin(self.batch_id, self.token)
        noted.cover(self.losses, self.size, [(self.run_id, 0, self.size)])
        for seq in self.departed:
            noted.departing(self.run_id, seq)
        return noted

    def row(self, seq: int) -> tuple[str, int, str | None]:
        found = self.conn.execute(
            "SELECT status, attempts, error_code FROM deliveries WHERE run_id = %s AND seq = %s",
            (self.run_id, seq),
        ).fetchone()
        assert found is not None
        return found["status"], found["attempts"], found["error_code"]

    def waiting(self) -> list[tuple[list[int], str, int]]:
        """Waiting slices: their rows, kind and losses."""
        found = self.conn.execute(
            "SELECT coalesce(seqs, ARRAY(SELECT generate_series(lo, hi - 1))) AS seqs, kind, "
            "losses FROM slices WHERE batch_id IS NULL ORDER BY lo"
        )
        return [(row["seqs"], row["kind"], row["losses"]) for row in found]

    def events(self, seq: int) -> list[tuple[str, str | None]]:
        found = self.conn.execute(
            "SELECT kind, code FROM delivery_history WHERE run_id = %s AND seq = %s ORDER BY at",
            (self.run_id, seq),
        )
        return [(row["kind"], row["code"]) for row in found]

    def check_whole(self) -> None:
        """Every pending row waits in exactly one slice, and the counters agree with the rows."""
        pending = self.conn.execute(
            "SELECT array_agg(seq ORDER BY seq) AS seqs FROM deliveries "
            "WHERE run_id = %s AND status = 'pending'",
            (self.run_id,),
        ).fetchone()
        assert pending is not None
        waiting = sorted(seq for seqs, *_ in self.waiting() for seq in seqs)
        assert waiting == (pending["seqs"] or [])
        statuses = rows.statuses(self.conn, self.run_id)
        settled = {k: n for k, n in statuses.items() if k not in ("pending", "sending")}
        assert rows.counters(self.conn, self.run_id) == settled

    def _do(self, query: str, **more: object) -> None:
        shared = {
            "batch_id": self.batch_id, "token": self.token, "now": None, "lease_seconds": 15,
            "channel": "sms", "capped": False, "resending": [], **more,
        }  # fmt: skip
        text = LEDGER.by_address(query, "phone") if query == "claim" else LEDGER[query]
        self.conn.execute(text, shared)
