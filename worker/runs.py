"""The two long statements of a run's life: writing its recipients, and settling what is left.

Both may be delivered twice or die in the middle: the run's row is locked while they work, the
first is one transaction, the second finds by status what it has not done yet.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from campaigns import failpoints, queries
from campaigns.audience import audience, gone, jobs
from campaigns.channels import ADDRESS_COLUMN
from campaigns.database import Connection
from campaigns.schedule.local import to_local
from campaigns.segmentation.references import condition_of

log = logging.getLogger(__name__)

_SQL = queries.load("campaigns.run", "lifecycle.sql")

#: Rows that one statement settles, so that no transaction grows with the run.
CLOSE_STRETCH = 10_000

#: What becomes of untouched rows, by the reason for which their run closes.
STATUS_BY_REASON = {
    "expired": "expired",
    "missed": "expired",
    "stopped": "cancelled",
    "poisoned": "failed",
}


def resolve(conn: Connection, run_id: int) -> int | None:
    """Write one row per recipient; ``None`` if the run is resolved already or somebody is at it.

    What was asked for in its groups before it began counts, so that is worked through first. Where
    somebody else is at that, the tick publishes the run again.
    """
    if not jobs.work_for_run(conn, run_id):
        log.info("run %d: its groups are being changed", run_id)
        return None
    with conn.transaction():
        run = conn.execute(_SQL.lock_resolving_run, {"run_id": run_id}).fetchone()
        if run is None or run["campaign_status"] != "sending":
            return None
        failpoints.hit("resolve.begun")
        campaign = {"campaign_id": run["campaign_id"]}
        groups = conn.execute(_SQL.campaign_group_ids, campaign).fetchall()
        included = [row["group_id"] for row in groups if row["role"] == "include"]
        excluded = [row["group_id"] for row in groups if row["role"] == "exclude"]
        total, fallbacks = _write_recipients(conn, run, included, excluded)
        gone.leave_out(conn, run_id, run["team_id"], run["sending_type"])
        resolved = {
            "run_id": run_id,
            "total": total,
            "timezone_fallbacks": fallbacks,
            "suppression_groups": audience.suppression_groups(conn, run["team_id"], excluded),
        }
        conn.execute(_SQL.run_resolved, resolved)
        failpoints.hit("resolve.before_commit")
    failpoints.hit("resolve.committed")
    log.info("run %d: %d recipients, %d of them in the fallback zone", run_id, total, fallbacks)
    return total


def _write_recipients(
    conn: Connection, run: Mapping[str, Any], included: Sequence[UUID], excluded: Sequence[UUID]
) -> tuple[int, int]:
    """Write the recipients with their lanes: how many there are, and how many fell back.

    One lane holds everybody, unless recipients are sent to in their own time: then each of their
    zones is one.
    """
    column = ADDRESS_COLUMN[run["sending_type"]]
    audience_of = (conn, run["id"], column, run["team_id"], included, excluded)
    # The day of the occurrence, not of this moment: a series selects each anniversary once, however
    # late one of its runs is.
    today = to_local(run["occurrence"], run["timezone"]).date()
    selected = condition_of(
        conn, run["team_id"], run["segmentation"], run["contact_segments"], today
    )
    lanes: list[tuple[str | None, int]]
    fallbacks = 0
    if run["recipient_local"]:
        shares = audience.materialise_by_zone(
            *audience_of, fallback=run["timezone"], selected=selected
        )
        # Every run has a lane 0, that of an empty audience too.
        lanes = [(share.zone, share.recipients) for share in shares] or [(None, 0)]
        fallbacks = sum(share.fallbacks for share in shares)
    else:
        lanes = [(None, audience.materialise(*audience_of, selected=selected))]
    conn.execute(
        _SQL.insert_lanes,
        {
            "run_id": run["id"],
            "timezones": [zone for zone, _ in lanes],
            "recipients": [recipients for _, recipients in lanes],
        },
    )
    return sum(recipients for _, recipients in lanes), fallbacks


def close(conn: Connection, run_id: int) -> int | None:
    """Settle the untouched rows of a closing run; ``None`` if it is not closing.

    Rows whose request is under way are left to their worker; the tick publishes this task again
    until none is left.
    """
    run = conn.execute(_SQL.closing_run, {"run_id": run_id}).fetchone()
    if run is None:
        return None
    conn.execute(_SQL.drop_waiting_slices, {"run_id": run_id})
    closed, status = 0, STATUS_BY_REASON[run["reason"]]
    for lo in range(0, run["total"], CLOSE_STRETCH):
        row = conn.execute(
            _SQL.close_rows,
            {
                "run_id": run_id,
                "status": status,
                "lo": lo,
                "hi": lo + CLOSE_STRETCH,
                "now": None,
            },
        ).fetchone()
        closed += row["closed"] if row else 0
        failpoints.hit("close.between")
    log.info("run %d: %d recipients settled as %s", run_id, closed, status)
    return closed
