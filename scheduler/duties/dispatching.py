"""Reads the open runs, asks for the decision, and writes it down."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from campaigns import queries
from campaigns.database import Connection
from campaigns.providers import Providers
from scheduler.decision import Decision, decide
from scheduler.duties import reading
from scheduler.duties.known_runs import KnownRuns
from scheduler.model import Batch, LaneKey, Slice
from scheduler.sharing import Claim

_SQL = queries.load("scheduler", "tick.sql")


def run_once(conn: Connection, now: datetime, providers: Providers, known: KnownRuns) -> int:
    """How many messages were cut into batches."""
    # In binary, because reading a thousand rows is a good part of a tick.
    rows = conn.execute(_SQL.open_runs, {"now": now}, binary=True).fetchall()
    if not rows:
        return 0
    runs, dormant = known.read(conn, rows, providers, now)
    backlog = sorted({row["id"] for row in rows if row["returned"] or row["retries"]})
    waiting = _waiting(conn, backlog, now) if backlog else {}
    states = {row["provider"]: row for row in conn.execute(_SQL.accounts, {"now": now})}
    accounts = {name: reading.account(name, providers, states.get(name), now)
                for name in providers.by_name}  # fmt: skip
    used = {row["key"]: row["outstanding"] for row in conn.execute(_SQL.limits_used)}
    held = {Claim(row["provider"], row["run_id"]): row["held"] for row in conn.execute(_SQL.held)}
    tick = int(now.timestamp())
    decision = decide(
        runs, accounts, waiting, now, used=used, held=held, tick=tick, dormant=dormant
    )
    known.let_sleep(decision.dormant)
    _write(conn, now, decision)
    return sum(batch.messages for batch in decision.batches)


def _waiting(conn: Connection, run_ids: list[int], now: datetime) -> dict[LaneKey, list[Slice]]:
    found: dict[LaneKey, list[Slice]] = {}
    for row in conn.execute(_SQL.waiting_slices, {"run_ids": run_ids, "now": now}):
        found.setdefault(LaneKey(row["run_id"], row["lane"]), []).append(
            Slice(
                row["run_id"], row["lane"], row["kind"], row["lo"], row["hi"], row["messages"],
                row["seqs"], row["id"], row["not_before"], row["attempts"],
                bound_to=row["bound_to"], losses=row["losses"],
            )
        )  # fmt: skip
    return found


def _write(conn: Connection, now: datetime, decision: Decision) -> None:
    if decision.used:
        conn.execute(_SQL.delete_slices, {"ids": decision.used})
    slices = [_slice_json(piece, None) for piece in decision.rests]
    if decision.batches:
        ids = conn.execute(_SQL.batch_ids, {"count": len(decision.batches)}).fetchall()
        numbered = [(row["id"], batch) for row, batch in zip(ids, decision.batches, strict=True)]
        _insert(conn, _SQL.insert_batches, "batches", now, (_batch_json(*n) for n in numbered))
        slices += [_slice_json(piece, id_) for id_, batch in numbered for piece in batch.slices]
    if slices:
        _insert(conn, _SQL.insert_slices, "slices", now, slices)
    if decision.lanes:
        lanes = [change.as_json() for change in decision.lanes]
        conn.execute(_SQL.update_lanes, {"changes": json.dumps(lanes)})
    if decision.runs:
        # Last, because workers count on the same rows: the locks are short.
        runs = [change.as_json() for change in decision.runs]
        conn.execute(_SQL.update_runs, {"changes": json.dumps(runs)})


def _insert(
    conn: Connection, query: str, name: str, now: datetime, rows: Iterable[Mapping[str, Any]]
) -> None:
    conn.execute(query, {name: json.dumps(list(rows)), "now": now})


def _batch_json(batch_id: int, batch: Batch) -> dict[str, Any]:
    return {
        "id": batch_id,
        "provider": batch.provider,
        "messages": batch.messages,
        "spread_from": batch.spread.start.isoformat(),
        "spread_until": batch.spread.end.isoformat(),
        "limit_keys": [limit.key for limit in batch.limits],
        "limit_rates": [limit.per_second for limit in batch.limits],
        "interleaved": batch.interleaved,
    }


def _slice_json(piece: Slice, batch_id: int | None) -> dict[str, Any]:
    return {
        "run_id": piece.run_id,
        "lane": piece.lane,
        "batch_id": batch_id,
        "kind": piece.kind,
        "attempts": piece.attempts,
        "bound_to": piece.bound_to,
        "losses": piece.losses,
        "lo": piece.lo,
        "hi": piece.hi,
        "seqs": None if piece.seqs is None else list(piece.seqs),
        "messages": piece.messages,
        "not_before": piece.not_before.isoformat() if piece.not_before else None,
    }
