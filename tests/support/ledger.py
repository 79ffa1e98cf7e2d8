"""Runs and campaigns written straight into the ledger, for tests of what happens to them later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from campaigns.database import Connection
from worker.ledger import Lease, Ledger
from worker.outcomes import Settlement, record_parameters

DEFAULT_TEAM_NAME = "default"


def team_id(conn: Connection) -> UUID:
    row = conn.execute("SELECT id FROM teams WHERE name = %s", (DEFAULT_TEAM_NAME,)).fetchone()
    assert row is not None
    return row["id"]


def optouts_id(conn: Connection) -> UUID:
    row = conn.execute(
        "SELECT id FROM contact_groups WHERE team_id = %s AND is_default_optouts", (team_id(conn),)
    ).fetchone()
    assert row is not None
    return row["id"]


def campaign(
    conn: Connection,
    now: datetime,
    *,
    status: str = "sending",
    start: datetime | None = None,
    finish: datetime | None = None,
    expiry: datetime | None = None,
    leftover: str = "continue",
    provider: str = "carrier",
    pauses: tuple[tuple[datetime, datetime], ...] = (),
) -> UUID:
    """A campaign as ``submit`` would have stored it."""
    start = start or now
    campaign_id = uuid4()
    conn.execute(
        """
        INSERT INTO campaigns (id, team_id, name, sender, sending_type, provider, template,
            schedule_type, scheduled_send_date, scheduled_finish_date, expiry_date, throttled,
            leftover, status, submission, created_at, updated_at, next_dt)
        VALUES (%s, %s, 'Test', 'Sluice', 'sms', %s, 'Hello @first_name', 'once', %s, %s, %s, %s,
            %s, %s, 'x', %s, %s, %s)
        """,
        (
            campaign_id, team_id(conn), provider, start, finish, expiry, finish is not None,
            leftover, status, now, now, start if status == "scheduled" else None,
        ),
    )  # fmt: skip
    for begin, end in pauses:
        conn.execute(
            "INSERT INTO pauses (id, campaign_id, start_at, end_at) VALUES (%s, %s, %s, %s)",
            (uuid4(), campaign_id, begin, end),
        )
    return campaign_id


def run(conn: Connection, campaign_id: UUID, total: int, now: datetime) -> int:
    """A resolved run of a campaign with ``total`` recipients, its gate open around ``now``."""
    row = conn.execute(
        """
        WITH run AS (
            INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at,
                finishes_at, expires_at, total, created_at, suppression_groups)
            SELECT id, scheduled_send_date, provider, 'sending', scheduled_send_date,
                scheduled_send_date, scheduled_finish_date, expiry_date, %(total)s, %(now)s,
                ARRAY[%(optouts)s]::uuid[]
            FROM campaigns WHERE id = %(id)s RETURNING id
        )
        INSERT INTO lanes (run_id, lane, hi, next_seq, gate_opens_at, gate_closes_at)
        SELECT id, 0, %(total)s, 0, %(now)s, %(until)s FROM run RETURNING run_id AS id
        """,
        {
            "id": campaign_id,
            "total": total,
            "now": now,
            "until": now + timedelta(hours=1),
            "optouts": optouts_id(conn),
        },
    ).fetchone()
    assert row is not None
    conn.execute(
        """
        INSERT INTO deliveries (run_id, seq, address, fields)
        SELECT %s, n, (447700000000 + n)::text, '{"first_name": "Ada"}'
        FROM generate_series(0, %s - 1) n
        """,
        (row["id"], total),
    )
    return int(row["id"])


def cut(conn: Connection, run_id: int, lo: int, hi: int) -> int:
    """A batch of rows that were never tried, ready to be leased."""
    row = conn.execute(
        "INSERT INTO batches (provider, messages, status, spread_from, spread_until, created_at) "
        "VALUES ('carrier', %s, 'ready', now(), now(), now()) RETURNING id",
        (hi - lo,),
    ).fetchone()
    assert row is not None
    conn.execute(
        "INSERT INTO slices (run_id, batch_id, kind, lo, hi, messages) "
        "VALUES (%s, %s, 'fresh', %s, %s, %s)",
        (run_id, row["id"], lo, hi, hi - lo),
    )
    return int(row["id"])


async def leased(ledger: Ledger, batch_id: int) -> Lease:
    """The batch's lease, which nobody else has."""
    lease = await ledger.lease(batch_id, uuid4())
    assert lease is not None
    return lease


def statuses(conn: Connection, run_id: int) -> dict[str, int]:
    """Rows of a run by status."""
    found = conn.execute(
        "SELECT status, count(*)::int AS n FROM deliveries WHERE run_id = %s GROUP BY status",
        (run_id,),
    )
    return {row["status"]: row["n"] for row in found}


def told(token: UUID, settlements: Sequence[Settlement], now: datetime) -> dict[str, object]:
    """Parameters of ``record``, at a moment of the test's choosing."""
    return {**record_parameters(token, settlements, awaits_report=False), "now": now}


COUNTERS = ("accepted", "rejected", "failed", "unknown", "suppressed", "expired", "cancelled")


def counters(conn: Connection, run_id: int) -> dict[str, int]:
    """A run's counters with what the tick has not added up yet, those above zero."""
    row = conn.execute("SELECT * FROM runs WHERE id = %s", (run_id,)).fetchone()
    assert row is not None
    tally = conn.execute(
        "SELECT sum(accepted) AS accepted, sum(rejected) AS rejected, sum(failed) AS failed, "
        "sum(unknown) AS unknown FROM run_tallies WHERE run_id = %s",
        (run_id,),
    ).fetchone()
    assert tally is not None
    found = {name: row[name] + int(tally.get(name) or 0) for name in COUNTERS}
    return {name: count for name, count in found.items() if count}


def field(conn: Connection, table: str, row_id: object, name: str) -> object:
    """One value of one row."""
    row = conn.execute(f"SELECT {name} AS value FROM {table} WHERE id = %s", (row_id,)).fetchone()
    assert row is not None
    return row["value"]
