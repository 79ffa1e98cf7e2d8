"""The ledger in memory does what PostgreSQL does, or the year would be of something else.

The same campaigns are played on both, tick by tick and claim by claim; after every step both have
the same rows.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from campaigns import queries
from campaigns.database import Connection
from campaigns.messaging import TASK_CLOSE_REPORTS
from campaigns.run import handback
from campaigns.schedule.adaptive import Health, RateFactor
from scheduler.tick import tick
from tests.simulation import send_queries
from tests.simulation.connection import MemoryConnection
from tests.simulation.generate import Plan, plan
from tests.simulation.ledger import Ledger, Row
from tests.support import ledger as stored
from worker.condition import ProviderState
from worker.ledger import LEASE_SECONDS

BEGIN = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)

_SEND = {
    **queries.load("campaigns.run", "ledger.sql"),
    **queries.load("campaigns.run", "outcomes.sql"),
    **handback.SQL,
}
_SEND["claim"] = _SEND["claim"].replace("{address}", "phone")

#: What is compared, and in which order. Ids of slices are PostgreSQL's own affair.
_TABLES = {
    "campaigns": "id, status, next_dt",
    "runs": "id, campaign_id, occurrence, status, reason, starts_at, window_at, finishes_at, "
    "expires_at, total, accepted, rejected, failed, unknown, expired, cancelled, "
    "metered_credit, metered_until, ramp_day, ramp_base",
    "lanes": "run_id, lane, timezone, lo, hi, next_seq, gate_opens_at, gate_closes_at, "
    "pace_remaining, pace_until",
    "batches": "id, provider, messages, status, spread_from, spread_until, limit_keys, "
    "limit_rates, lease_until, published_at, publications",
    "slices": "run_id, lane, batch_id, kind, attempts, losses, lo, hi, seqs, messages, not_before",
}


class Both:
    """The same campaigns in PostgreSQL and in memory."""

    def __init__(self, conn: Connection, given: Plan) -> None:
        self.conn = conn
        self.memory = MemoryConnection(Ledger())
        # Which of two that are due at once gets its run first is PostgreSQL's own affair.
        given.campaigns = list({row["next_dt"]: row for row in given.campaigns}.values())
        self.given = given
        for team in given.teams:
            _insert(conn, "teams", {**team, "name": str(team["id"])})
            self.memory.ledger.teams[team["id"]] = dict(team)
        for row in given.campaigns:
            self._add(row)

    def _add(self, row: Row) -> None:
        self.memory.ledger.campaigns[row["id"]] = dict(row)
        columns = {name: value for name, value in row.items() if name != "pauses"}
        texts = {"name": "Test", "template": "Hello", "submission": "x"}
        _insert(self.conn, "campaigns", {**columns, **texts, "created_at": row["updated_at"]})
        for number, (start, end) in enumerate(row["pauses"]):
            pause = {"campaign_id": row["id"], "start_at": start, "end_at": end}
            _insert(self.conn, "pauses", {"id": UUID(int=row["id"].int ^ number), **pause})

    def tick(self, now: datetime) -> None:
        reports = []
        for conn in (self.conn, self.memory):
            report = tick(conn, self.given.providers, name="beat@test", now=now)  # type: ignore[arg-type]
            assert report is not None
            reports.append(report)
        mine, theirs = reports
        # Nobody reports in memory, so nothing is waited for.
        published = [one for one in mine.publish if one[0] != TASK_CLOSE_REPORTS]
        assert sorted(published) == sorted(theirs.publish)
        for name in ("started", "closing", "reclaimed", "messages", "finished"):
            assert getattr(mine, name) == getattr(theirs, name), name

    def send(self, name: str, **parameters: Any) -> list[Row]:
        """One statement of the send path on both; what it answers in PostgreSQL."""
        given = {
            "channel": "sms",
            "capped": False,
            "resending": [],
            "lease_seconds": LEASE_SECONDS,
            **parameters,
        }
        found = self.conn.execute(_SEND[name], given)
        rows: list[Row] = found.fetchall() if found.description else []
        theirs = getattr(send_queries, name)(self.memory.ledger, given)
        if name == "claim":
            keys = ("run_id", "seq", "attempts", "closes_in")
            assert [[row[key] for key in keys] for row in rows] == [
                [row[key] for key in keys] for row in theirs
            ]
        return rows

    def resolve(self, now: datetime) -> None:
        """Write the recipients of all runs that wait for theirs."""
        ledger = self.memory.ledger
        for run in [run for run in ledger.open.values() if run["status"] == "resolving"]:
            ledger.resolve(run, self.given.audiences[run["campaign_id"]])
            for lane in ledger.lanes[run["id"]]:
                _insert(self.conn, "lanes", lane)
            self.conn.execute(
                "INSERT INTO deliveries (run_id, seq, address, fields) "
                "SELECT %s, n, (447700000000 + n)::text, '{}' FROM generate_series(0, %s - 1) n",
                (run["id"], run["total"]),
            )
            self.conn.execute(
                "UPDATE runs SET status = 'sending', total = %s, published_at = NULL, "
                "suppression_groups = '{}' WHERE id = %s",
                (run["total"], run["id"]),
            )

    def rest(self, provider: str, state: ProviderState, now: datetime) -> None:
        """Something happened to an account."""
        self.memory.ledger.states[provider] = state
        signs = queries.load("campaigns.run", "signs.sql")
        self.conn.execute(signs.add_provider_state, {"provider": provider})
        self.conn.execute(
            signs.write_provider_state,
            {
                "provider": provider,
                "failures": state.health.failures,
                "circuit": state.health.circuit,
                "cooling_until": state.health.cooling_until,
                "cooling_reason": None,
                "refusals": state.health.refusals,
                "refusal": state.refusal,
                "rate_factor": state.factor.value if state.factor else 1.0,
                "factor_at": state.factor.at if state.factor else None,
                "now": now,
            },
        )

    def set(self, campaign_id: UUID, **fields: Any) -> None:
        self.memory.ledger.campaigns[campaign_id].update(fields)
        columns = ", ".join(f"{name} = %({name})s" for name in fields)
        self.conn.execute(
            f"UPDATE campaigns SET {columns} WHERE id = %(id)s",
            {**fields, "id": campaign_id},
        )

    def compare(self) -> None:
        ledger = self.memory.ledger
        held: dict[str, Iterable[Row]] = {
            "campaigns": ledger.campaigns.values(),
            "runs": ledger.runs.values(),
            "lanes": [lane for lanes in ledger.lanes.values() for lane in lanes],
            "batches": ledger.batches.values(),
            "slices": [
                piece
                for pieces in (*ledger.cut.values(), *map(_values, ledger.waiting.values()))
                for piece in pieces
            ],
        }
        for table, names in _TABLES.items():
            columns = names.split(", ")
            rows = self.conn.execute(f"SELECT {names} FROM {table}").fetchall()
            mine = [[row[name] for name in columns] for row in rows]
            theirs = [[row[name] for name in columns] for row in held[table]]
            assert sorted(map(repr, mine)) == sorted(map(repr, theirs)), table
        for run_id, found in ledger.deliveries.items():
            assert stored.statuses(self.conn, run_id) == Counter(found.status)


def _values(pieces: dict[int, Row]) -> Iterable[Row]:
    return pieces.values()


def _insert(conn: Connection, table: str, row: Row) -> None:
    json = {"sending_hours", "quiet_hours", "warm_up"}
    values = {
        name: Jsonb(value) if name in json and value is not None else value
        for name, value in row.items()
    }
    names, marks = ", ".join(values), ", ".join(f"%({name})s" for name in values)
    conn.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)


def _worker_steps(both: Both, draw: random.Random, now: datetime) -> None:
    """Every batch that somebody has goes on in one way or another, or not at all."""
    for batch in list(both.memory.ledger.batches.values()):
        own = {"batch_id": batch["id"], "token": batch["lease_token"], "now": now}
        luck = draw.random()
        if batch["status"] == "ready":
            if luck < 0.8:
                both.send("lease_batch", **{**own, "token": UUID(int=draw.getrandbits(128))})
        elif luck < 0.1:
            continue
        elif luck < 0.8:
            rows = both.send("claim", **own, amount=draw.randrange(1, 30))
            # Of some the process dies before it can tell.
            known = rows if draw.random() < 0.9 else rows[: len(rows) // 2]
            outcomes = ["accepted", "accepted", "rejected", "failed", "unknown", "pending"]
            drawn = [draw.choice(outcomes) for _ in known]
            both.send(
                "record",
                **own,
                run_ids=[row["run_id"] for row in known],
                seqs=[row["seq"] for row in known],
                statuses=drawn,
                message_ids=[None] * len(known),
                classes=[None] * len(known),
                codes=[None] * len(known),
                awaits_report=False,
                charged=[status != "pending" or draw.random() < 0.5 for status in drawn],
            )
        elif luck < 0.9 and not both.send("finish_batch", **own):
            both.send("release_unsent", **own)
            until = now + timedelta(seconds=draw.choice((0, 3)))
            given = handback.parameters([batch["id"]], now=now, not_before=until)
            both.send("hand_back", **given)


def _chance(both: Both, draw: random.Random, now: datetime) -> None:
    luck, campaign = draw.random(), draw.choice(both.given.campaigns)
    if luck < 0.05:
        both.set(campaign["id"], manually_paused=draw.random() < 0.5)
    elif luck < 0.06:
        status = both.memory.ledger.campaigns[campaign["id"]]["status"]
        if status in ("scheduled", "sending"):
            both.set(campaign["id"], status="stopped")
    elif luck < 0.15:
        until = now + timedelta(seconds=draw.choice((0, 2, 50)))
        health = Health(draw.randrange(4), draw.choice(("open", "closed")), until)
        factor = draw.choice((None, RateFactor(0.5, now)))
        both.rest(campaign["provider"], ProviderState(health, None, factor), now)


@pytest.mark.parametrize("seed", range(4))
def test_both_ledgers_have_the_same_rows_after_every_step(conn: Connection, seed: int) -> None:
    draw = random.Random(f"agreement {seed}")
    both = Both(conn, plan(seed, 12, BEGIN, BEGIN + timedelta(minutes=6)))
    now = BEGIN
    for _ in range(90):
        now += timedelta(seconds=draw.choice((0.7, 1, 1, 1.2, 5, 20)))
        _chance(both, draw, now)
        both.tick(now)
        both.compare()
        both.resolve(now)
        _worker_steps(both, draw, now + timedelta(seconds=0.1))
        both.compare()
