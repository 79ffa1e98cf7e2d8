"""The end of waiting for delivery reports: a run's expiry, and a while.

A message is worth nothing after its run's expiry. What a provider accepted, without a word about
what became of it, then counts as failed, if that provider sends reports at all. Its report may
still come, and counts as late (:mod:`campaigns.run.reports`).
"""

from __future__ import annotations

import logging
from datetime import datetime

from campaigns import queries
from campaigns.database import Connection

log = logging.getLogger(__name__)

_SQL = queries.load("campaigns.run", "unreported.sql")

#: How long after the expiry reports are waited for, in seconds: a provider that gave a message up
#: at the end of its validity says so a little later, and what it says may wait in the queue.
REPORT_GRACE = 300.0

#: After how many seconds the message about a run counts as lost.
AGAIN_AFTER = 60.0

#: Runs that are published at once.
AT_ONCE = 100

#: Rows that one statement settles, so that no transaction grows with the run.
STRETCH = 10_000

#: The code of rows that fail here.
CODE = "no_report"


def publish(conn: Connection, now: datetime) -> list[int]:
    """Mark runs whose reports are to be closed now as published; their ids."""
    wanted = {
        "now": now, "grace": REPORT_GRACE, "again_after": AGAIN_AFTER, "amount": AT_ONCE,
    }  # fmt: skip
    return [row["id"] for row in conn.execute(_SQL.publish_silent, wanted)]


def close_reports(
    conn: Connection, run_id: int, *, now: datetime | None = None, stretch: int = STRETCH
) -> int | None:
    """Settle the rows that nothing was reported about; ``None`` if their time has not come.

    May be delivered twice or die in the middle: rows that are settled already are not found again,
    and the run counts as done only after the last of them.
    """
    wanted = {"run_id": run_id, "now": now}
    run = conn.execute(_SQL.silent_run, {**wanted, "grace": REPORT_GRACE}).fetchone()
    if run is None:
        return None
    settled = 0
    for lo in range(0, run["total"], stretch):
        rows = {**wanted, "lo": lo, "hi": lo + stretch, "code": CODE}
        found = conn.execute(_SQL.settle_silent_rows, rows).fetchone()
        settled += found["settled"] if found else 0
    conn.execute(_SQL.reports_closed, wanted)
    log.info("run %d: %d recipients without a report by the expiry", run_id, settled)
    return settled
