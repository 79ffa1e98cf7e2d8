"""Campaigns whose time is near become runs; runs whose time is over are closed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from campaigns import queries
from campaigns.database import Connection
from campaigns.errors import Refused
from campaigns.schedule import occurrences
from campaigns.schedule.occurrences import Due
from campaigns.schedule.stored import series_of, window_of
from scheduler.active_times import UNREADABLE

log = logging.getLogger(__name__)

_SQL = queries.load("scheduler", "occurrences.sql")

#: How long before its start a run is created and its recipients are written. Opt-outs count until
#: the moment of sending all the same.
LEAD = timedelta(seconds=5)


def run_once(conn: Connection, now: datetime) -> tuple[int, int]:
    """How many runs were started and how many began to close."""
    due = {"now": now, "lead": LEAD.total_seconds()}
    started = 0
    runs: list[dict[str, Any]] = []
    series: list[dict[str, Any]] = []
    for row in conn.execute(_SQL.due_campaigns, due).fetchall():
        try:
            found = occurrences.due(
                series_of(row), row["next_dt"], now, open_runs=row["open_runs"], lead=LEAD
            )
            made = list(_runs(row, found))
        except UNREADABLE as error:
            _fail(conn, row, error, now)
            continue
        _tell(row, found)
        runs += made
        started += len(found.starts)
        series.append(
            {"id": str(row["id"]), "next_dt": _iso(found.next_dt), "started": bool(found.starts)}
        )
    if runs:
        conn.execute(_SQL.insert_runs, {"runs": json.dumps(runs), "now": now})
    if series:
        conn.execute(_SQL.move_series, {"campaigns": json.dumps(series), "now": now})
    over = {"now": now, "late": occurrences.LATE.total_seconds()}
    closed = conn.execute(_SQL.close_ended, over).rowcount
    return started, closed


def _runs(row: Mapping[str, Any], found: Due) -> Iterator[dict[str, Any]]:
    for start in found.starts:
        yield _run(row, start.occurrence, start.starts_at, None)
    for reason, dropped in (("skipped", found.skipped), ("missed", found.missed)):
        for occurrence in dropped.latest:
            yield _run(row, occurrence, occurrence, reason)


def _run(
    row: Mapping[str, Any], occurrence: datetime, starts_at: datetime, reason: str | None
) -> dict[str, Any]:
    window = window_of(row, occurrence)
    return {
        "campaign_id": str(row["id"]),
        "occurrence": occurrence.isoformat(),
        "provider": row["provider"],
        "reason": reason,
        "starts_at": starts_at.isoformat(),
        "finishes_at": _iso(window.finish),
        "expires_at": _iso(window.expiry),
    }


def _fail(conn: Connection, row: Mapping[str, Any], error: Exception, now: datetime) -> None:
    """One campaign whose series cannot be read any more must not keep the others from starting."""
    log.error("campaign %s fails: its series cannot be read (%s)", row["id"], type(error).__name__)
    reason = str(error) if isinstance(error, Refused) else "its schedule cannot be read any more"
    conn.execute(_SQL.fail_campaign, {"id": row["id"], "error": reason, "now": now})


def _tell(row: Mapping[str, Any], found: Due) -> None:
    for word, dropped in (("overlap", found.skipped), ("too late", found.missed)):
        if dropped.count:
            log.warning(
                "campaign %s: occurrences that do not take place: %d (%s)",
                row["id"],
                dropped.count,
                word,
            )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
