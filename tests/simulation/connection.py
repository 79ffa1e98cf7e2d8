"""A connection that the scheduler's duties run on unchanged, to the ledger in memory.

It knows a statement by its text, so that a statement which nobody wrote down here fails at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from campaigns import queries
from campaigns.run import handback
from tests.simulation import life_queries, send_queries, tick_queries
from tests.simulation.ledger import Ledger, Row

_TICK = queries.load("scheduler", "tick.sql")
_WATCH = queries.load("scheduler", "watch.sql")
_OCCURRENCES = queries.load("scheduler", "occurrences.sql")
_JOBS = queries.load("campaigns.audience", "jobs.sql")
_RETENTION = queries.load("campaigns.audience", "retention.sql")
_CAMPAIGNS = queries.load("campaigns.campaign", "campaigns.sql")
_CALLBACKS = queries.load("scheduler", "callbacks.sql")
_LEDGER = queries.load("campaigns.run", "ledger.sql")
_DOUBT = queries.load("campaigns.run", "doubt.sql")
_SIGNS = queries.load("campaigns.run", "signs.sql")
_REPORTS = queries.load("campaigns.run", "reports.sql")
_UNREPORTED = queries.load("campaigns.run", "unreported.sql")

_FUNCTIONS = {
    text: getattr(module, name)
    for statements, module in (
        (_TICK, tick_queries),
        (_TICK, life_queries),
        (_OCCURRENCES, life_queries),
        (_LEDGER, send_queries),
        (handback.SQL, send_queries),
        (_DOUBT, send_queries),
    )
    for name, text in statements.items()
    if hasattr(module, name)
} | {
    _TICK.lock_tick: lambda ledger, p: [{"locked": True, "now": None}],
    _SIGNS.beat_heart: life_queries.beat_heart,
    _SIGNS.forget_touches: lambda ledger, p: [],
    _WATCH.forsaken_runs: lambda ledger, p: [],
    _WATCH.waiting_work: lambda ledger, p: [],
    _WATCH.forget_findings: lambda ledger, p: [],
    # Groups do not change in memory, and nobody lists campaigns.
    _RETENTION.note_uses: lambda ledger, p: [],
    _RETENTION.retire_due: lambda ledger, p: [],
    _CAMPAIGNS.fold_tallies: lambda ledger, p: [],
    _JOBS.publish_jobs: lambda ledger, p: [],
    _JOBS.forget_jobs: lambda ledger, p: [],
    _JOBS.fold_tallies: lambda ledger, p: [],
    # Nobody is told of anything in memory.
    _CALLBACKS.outbox: lambda ledger, p: [{"last": None, "keeps": False}],
    _CALLBACKS.publish_receivers: lambda ledger, p: [],
    _CALLBACKS.dead_receivers: lambda ledger, p: [],
    # No account in memory sends again what is in doubt.
    _DOUBT.give_up_bound: lambda ledger, p: [{"held": 0, "again": 0}],
    # Nobody reports in memory, so nothing is waited for.
    _UNREPORTED.publish_silent: lambda ledger, p: [],
    _REPORTS.take_in_strays: lambda ledger, p: [],
    _REPORTS.forget_strays: lambda ledger, p: [],
    _REPORTS.forget_message_ids: lambda ledger, p: [],
}


class Answer:
    """What a cursor gives."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def fetchall(self) -> list[Row]:
        return list(self._rows)

    def fetchone(self) -> Row | None:
        return self._rows[0] if self._rows else None

    @property
    def rowcount(self) -> int:
        return len(self._rows)


class MemoryConnection:
    """Stands for :class:`campaigns.database.Connection`."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        #: Every batch that was cut: when, and how much its account had outstanding then.
        self.cuts: list[tuple[datetime, str, int]] = []

    def execute(self, statement: str, parameters: Any = None, *, binary: bool = False) -> Answer:
        return Answer(_FUNCTIONS[statement](self.ledger, parameters or {}))

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()
