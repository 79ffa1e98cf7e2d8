"""Batches that kill their worker before anything of them is claimed: whose doing it is.

What a batch's messages share is read and compiled before the first row is claimed, so no row stands
out by its state. The whole batch is suspected: it goes back in halves, each of which is sent in a
batch of its own, and so on down to one row. That one fails when enough workers have died with it
alone. Where a run has cost many workers and none came so far as to claim any of it, it is what its
messages share, and all of it is given up.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from campaigns import queries
from campaigns.database import Connection
from worker.notes import Left

log = logging.getLogger(__name__)

_SQL = queries.load("campaigns.run", "poison.sql")

#: A recipient fails that was alone in a suspected batch when this many processes died with it.
DEATHS_ALONE = 3

#: A run of which nothing was ever claimed is given up when so many processes have died with some of
#: it. More than one recipient brings about in the largest batch, while its neighbours wait.
DEATHS_OF_A_RUN = 16


def condemned(left: Left) -> bool:
    """Whether enough processes have died with this one row."""
    return left.is_alone and left.losses >= DEATHS_ALONE


def completed(conn: Connection, left: Left) -> Left:
    """What the ledger knows of a batch that its process had no time to note, while it is there."""
    if left.rows:
        return left
    found = conn.execute(_SQL.suspected_batch, {"batch_id": left.batch_id}).fetchall()
    rows = frozenset((row["run_id"], row["seq"]) for row in found)
    losses = max((row["losses"] for row in found), default=0)
    return replace(left, losses=losses, messages=len(rows), rows=rows)


def died_early(conn: Connection, left: Left, blamed: set[int], *, now: datetime) -> int:
    """Let the death of a process count against its batch; how many rows failed.

    The batch may have been taken back meanwhile. A row that was claimed since kills nobody. A
    process reads many batches of one run at a time and dies once: runs that are ``blamed`` already
    are not blamed again, and those of this batch are added.
    """
    failed = 0
    where = {
        "run_ids": [run_id for run_id, _ in left.rows],
        "seqs": [seq for _, seq in left.rows],
        "losses": left.losses,
        "now": now,
    }
    if condemned(left):
        failed = len(conn.execute(_SQL.condemn_unclaimed, where).fetchall())
        conn.execute(_SQL.drop_condemned, where)
    elif left.is_alone:
        conn.execute(_SQL.count_loss, where)
    runs = {run_id for run_id, _ in left.rows} - blamed
    _count_deaths(conn, sorted(runs))
    blamed |= runs
    return failed


def _count_deaths(conn: Connection, run_ids: Sequence[int]) -> None:
    found = conn.execute(_SQL.give_up_runs, {"run_ids": run_ids, "deaths": DEATHS_OF_A_RUN})
    if over := [row["id"] for row in found if row["over"]]:
        conn.execute(_SQL.drop_slices, {"run_ids": over})
        log.error("runs %s: their message kills every worker; what is left of them fails", over)
