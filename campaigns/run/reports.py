"""Delivery reports: what providers say about messages after they took them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from campaigns import failpoints, queries
from campaigns.database import Connection

_SQL = queries.load("campaigns.run", "reports.sql")

ReportState = Literal["delivered", "undelivered"]


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A final word about one delivery."""

    run_id: int
    seq: int
    state: ReportState
    at: datetime
    code: str | None = None


def record(conn: Connection, reports: Sequence[DeliveryReport]) -> int:
    """Write reports to the ledger; returns how many said something new.

    They may come twice, out of order, before the response was stored, or for rows that do not
    exist: ``delivered`` is final, an unknown row is ignored.
    """
    if not reports:
        return 0
    with conn.transaction():
        row = conn.execute(
            _SQL.report,
            {
                "run_ids": [r.run_id for r in reports],
                "seqs": [r.seq for r in reports],
                "states": [r.state for r in reports],
                "codes": [r.code for r in reports],
                "ats": [r.at for r in reports],
            },
        ).fetchone()
        failpoints.hit("report.before_commit")
    failpoints.hit("report.committed")
    return int(row["noted"]) if row else 0
