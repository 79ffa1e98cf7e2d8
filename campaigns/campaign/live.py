"""Changing a campaign while it is sending: which fields, and what follows for its runs.

The limits of a campaign may change under way, what it says and whom it goes to may not. With the
change its runs get their new ends, and their gates are closed in the same transaction: no claim
after it is granted by the rules from before. The next tick opens them by the new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from campaigns import queries
from campaigns.campaign import store
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Locked
from campaigns.schedule.shifting import shifted

SQL = queries.load("campaigns.campaign", "campaigns.sql")

#: The fields that may be changed while a campaign is sending.
LIVE = (
    "rate",
    "weight",
    "priority",
    "pacing",
    "warm_up",
    "scheduled_finish_date",
    "expiry_date",
    "pauses",
    "leftover",
    "sending_hours",
    "quiet_hours",
    "holidays",
    "manually_paused",
)


@dataclass(frozen=True, slots=True)
class OpenRun:
    """An occurrence that is under way. ``window_at`` is the start of its present window."""

    id: int
    occurrence: datetime
    window_at: datetime


def hold(conn: Connection, team_id: UUID, campaign_id: UUID) -> list[OpenRun]:
    """The campaign's open runs, which neither tick nor worker changes until the transaction ends.

    Call it before the campaign itself is locked, and before anything else is.

    Raises:
        Locked: recipients of the campaign are being written.
    """
    conn.execute(SQL["hold_tick"])
    # Waiting for that would keep all ticks away as long.
    row = conn.execute(SQL["is_resolving"], {"id": campaign_id}).fetchone()
    if row and row["resolving"]:
        raise Locked(
            f"campaign: the recipients of {campaign_id} are being written right now; "
            "edit it in a moment."
        )
    rows = conn.execute(SQL["lock_open_runs"], {"id": campaign_id, "team_id": team_id})
    return [OpenRun(**row) for row in rows]


def is_under_way(conn: Connection, campaign: Campaign, now: datetime) -> bool:
    """Whether the campaign, which is neither a draft nor over, has begun or should have by now."""
    if campaign.status == "sending" or store.has_open_run(conn, campaign.id):
        return True
    return campaign.next_dt is None or campaign.next_dt <= now


def follow(
    conn: Connection, before: Campaign, after: Campaign, runs: Sequence[OpenRun], now: datetime
) -> None:
    """Let the open runs, which the caller holds, follow the change from ``before`` to ``after``."""
    if not runs:
        return
    window, zone = after.window, after.timezone
    moved = after.scheduled_finish_date != before.scheduled_finish_date
    # A finish that somebody names while it is sending is meant as it stands, wherever the window
    # of what was left over has gone meanwhile. That of a series is the one of its first occurrence.
    starts = [run.occurrence if moved and not after.is_recurring else run.window_at for run in runs]
    conn.execute(
        SQL["move_runs"],
        {
            "ids": [run.id for run in runs],
            "windows": starts,
            "finishes": [shifted(window, zone, start).finish for start in starts],
            "expiries": [shifted(window, zone, run.occurrence).expiry for run in runs],
        },
    )
    conn.execute(SQL["close_gates"], {"run_ids": [run.id for run in runs], "now": now})
