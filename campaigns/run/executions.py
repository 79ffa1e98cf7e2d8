"""What became of campaigns so far: their runs, and how many messages came to which end.

Told from the counters of runs, never from deliveries.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns import queries
from campaigns.database import Connection

SQL = queries.load("campaigns.run", "executions.sql")

#: Of one campaign, the latest ones.
MOST_RUNS = 100


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a campaign."""

    number: int
    #: The occurrence that it is.
    time: datetime
    status: str
    reason: str | None
    #: ``total``, ``waiting`` and one per end that a message can come to.
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Executions:
    """The runs of some campaigns, by the campaigns' ids; ``None``: not asked for."""

    #: The latest occurrence that was held.
    last: Mapping[UUID, datetime] = field(default_factory=dict)
    #: The latest :data:`MOST_RUNS`, newest first.
    tasks: Mapping[UUID, list[Execution]] | None = None
    #: Over all runs.
    messages: Mapping[UUID, Mapping[str, int]] | None = None


def find(
    conn: Connection, campaign_ids: Sequence[UUID], include: Collection[str] = ()
) -> Executions:
    """The runs of campaigns that the caller found in its team; ``include``: tasks, messages."""
    ids = {"ids": list(campaign_ids)}
    last = {row["campaign_id"]: row["occurrence"] for row in conn.execute(SQL["last_runs"], ids)}
    tasks: dict[UUID, list[Execution]] | None = None
    messages: dict[UUID, Mapping[str, int]] | None = None
    if "tasks" in include:
        tasks = {}
        for row in conn.execute(SQL["runs"], {**ids, "most": MOST_RUNS}):
            tasks.setdefault(row["campaign_id"], []).append(
                Execution(row["id"], row["occurrence"], row["status"], row["reason"], _counts(row))
            )
    if "messages" in include:
        rows = conn.execute(SQL["messages"], ids)
        messages = {row["campaign_id"]: _counts(row) for row in rows}
    return Executions(last, tasks, messages)


_ENDS = ("accepted", "rejected", "failed", "unknown", "suppressed", "expired", "cancelled")


def _counts(row: Mapping[str, Any]) -> dict[str, int]:
    counts = {name: int(row[name]) for name in ("total", *_ENDS, "delivered", "undelivered")}
    return {**counts, "waiting": counts["total"] - sum(counts[name] for name in _ENDS)}
