"""One tick: everything the scheduler does, in one short transaction.

Two beats are harmless: whoever does not get the advisory lock does nothing, and every duty finds
its work by what the rows say, so doing it twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from campaigns import failpoints, queries
from campaigns.database import Connection
from campaigns.providers import Providers
from scheduler.duties import (
    calling,
    dispatching,
    finishing,
    forgetting,
    publishing,
    reclaiming,
    rolling,
    starting,
    watching,
)
from scheduler.memory import Memory

_SQL = queries.load("scheduler", "tick.sql")
_SIGNS = queries.load("campaigns.run", "signs.sql")


@dataclass(frozen=True, slots=True)
class TickReport:
    """What one tick did, and what is to be published now that it is committed."""

    started: int = 0
    closing: int = 0
    reclaimed: int = 0
    messages: int = 0
    finished: int = 0
    publish: tuple[tuple[str, int], ...] = ()


def tick(
    conn: Connection,
    providers: Providers,
    *,
    name: str,
    now: datetime | None = None,
    memory: Memory | None = None,
) -> TickReport | None:
    """Run every duty once; ``None`` if another beat is at it.

    ``now`` defaults to PostgreSQL's clock, the one that every claim is judged by. ``name`` is the
    beat's, for its heartbeat. ``memory`` is what the beat remembers from tick to tick.
    """
    memory = memory or Memory()
    try:
        report = _tick(conn, providers, name, now, memory)
    except Exception:
        memory.apart.needed = True
        raise
    if report is None:
        return None
    memory.apart.over()
    if report.reclaimed:
        failpoints.hit("reclaim.committed")
    failpoints.hit("tick.committed")
    return report


def _tick(
    conn: Connection, providers: Providers, name: str, now: datetime | None, memory: Memory
) -> TickReport | None:
    do = partial(memory.apart.do, conn)
    with conn.transaction():
        row = conn.execute(_SQL.lock_tick).fetchone()
        if row is None or not row["locked"]:
            return None
        failpoints.hit("tick.begun")
        moment = now or row["now"]
        found: list[watching.Finding] = []
        nothing: list[tuple[str, int]] = []
        started, closing = do("starting", lambda: starting.run_once(conn, moment), (0, 0))
        do("rolling", lambda: rolling.run_once(conn, moment), None)
        reclaimed = do("reclaiming", lambda: reclaiming.run_once(conn, moment, providers), 0)
        known = memory.known_runs
        messages = do(
            "dispatching", lambda: dispatching.run_once(conn, moment, providers, known), 0
        )
        finished = do("finishing", lambda: finishing.run_once(conn, moment), 0)
        publish = do("publishing", lambda: publishing.run_once(conn, moment), nothing)
        publish += do("calling", lambda: calling.run_once(conn, moment, memory.calls), nothing)
        do("forgetting", lambda: forgetting.run_once(conn, moment, memory.sweep), None)
        do("watching", lambda: watching.run_once(conn, moment, memory.watch, providers), found)
        conn.execute(_SIGNS.beat_heart, {"name": name, "kind": "beat", "now": moment})
        failpoints.hit("tick.before_commit")
    return TickReport(started, closing, reclaimed, messages, finished, tuple(publish))
