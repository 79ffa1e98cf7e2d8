"""Reads the open runs, asks for the decision, and writes it down."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from campaigns import queries
from campaigns.database import Connection
from campaigns.providers import Providers
from campaigns.schedule.windows import Interval, Window
from scheduler.decision import Decision, decide
from scheduler.model import Account, Batch, RunState, Slice
from scheduler.pacing import Line

_SQL = queries.load("scheduler", "tick.sql")


def run_once(conn: Connection, now: datetime, providers: Providers, *, rotation: int = 0) -> int:
    """How many messages were cut into batches."""
    rows = conn.execute(_SQL.open_runs, {"now": now})
    runs = [_run_state(row, _carries(providers, row)) for row in rows]
    if not runs:
        return 0
    backlog = [run.run_id for run in runs if run.returned or run.retries]
    waiting = _waiting(conn, backlog, now) if backlog else {}
    decision = decide(runs, _accounts(conn, now, providers), waiting, now, rotation=rotation)
    _write(conn, now, decision)
    return sum(batch.messages for batch in decision.batches)


def _carries(providers: Providers, row: Mapping[str, Any]) -> bool:
    """Whether the run's account is there and still of the channel that the run was made for."""
    config = providers.by_name.get(row["provider"])
    return config is not None and config.channel == row["sending_type"]


def _run_state(row: Mapping[str, Any], carried: bool) -> RunState:
    starts, ends = row["pause_starts"] or (), row["pause_ends"] or ()
    has_line = row["pace_until"] is not None
    has_gate = row["gate_opens_at"] is not None
    return RunState(
        run_id=row["id"],
        lane=row["lane"],
        provider=row["provider"],
        next_seq=row["next_seq"],
        hi=row["hi"],
        returned=row["returned"],
        retries=row["retries"],
        window=Window(
            start=row["starts_at"],
            finish=row["finishes_at"],
            expiry=row["expires_at"],
            pauses=tuple(Interval(*pause) for pause in zip(starts, ends, strict=True)),
            leftover=row["leftover"],
        ),
        paused=row["paused"] or not carried,
        is_test=row["is_test"],
        line=Line(row["pace_remaining"], row["pace_until"]) if has_line else None,
        gate=Interval(row["gate_opens_at"], row["gate_closes_at"]) if has_gate else None,
    )


def _waiting(
    conn: Connection, run_ids: list[int], now: datetime
) -> dict[tuple[int, int], list[Slice]]:
    found: dict[tuple[int, int], list[Slice]] = {}
    for row in conn.execute(_SQL.waiting_slices, {"run_ids": run_ids, "now": now}):
        found.setdefault((row["run_id"], row["lane"]), []).append(
            Slice(
                row["run_id"], row["lane"], row["kind"], row["lo"], row["hi"], row["messages"],
                row["seqs"], row["id"], row["not_before"], row["attempts"],
            )
        )  # fmt: skip
    return found


def _accounts(conn: Connection, now: datetime, providers: Providers) -> dict[str, Account]:
    states = {row["provider"]: row for row in conn.execute(_SQL.accounts, {"now": now})}
    return {
        name: Account(
            name,
            config.per_second,
            outstanding=states[name]["outstanding"] if name in states else 0,
            cooling=states[name]["cooling"] if name in states else False,
        )
        for name, config in providers.by_name.items()
    }


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
    if decision.changes:
        changes = [change.as_json() for change in decision.changes]
        conn.execute(_SQL.update_lanes, {"changes": json.dumps(changes)})


def _insert(
    conn: Connection, query: str, name: str, now: datetime, rows: Iterable[dict[str, Any]]
) -> None:
    conn.execute(query, {name: json.dumps(list(rows)), "now": now})


def _batch_json(batch_id: int, batch: Batch) -> dict[str, Any]:
    return {
        "id": batch_id,
        "provider": batch.provider,
        "messages": batch.messages,
        "spread_from": batch.spread.start.isoformat(),
        "spread_until": batch.spread.end.isoformat(),
    }


def _slice_json(piece: Slice, batch_id: int | None) -> dict[str, Any]:
    return {
        "run_id": piece.run_id,
        "lane": piece.lane,
        "batch_id": batch_id,
        "kind": piece.kind,
        "attempts": piece.attempts,
        "lo": piece.lo,
        "hi": piece.hi,
        "seqs": None if piece.seqs is None else list(piece.seqs),
        "messages": piece.messages,
        "not_before": piece.not_before.isoformat() if piece.not_before else None,
    }
