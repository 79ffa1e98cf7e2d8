"""Changing a campaign's status, by the machine in :mod:`campaigns.states`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from campaigns import queries
from campaigns.database import Connection
from campaigns.states import CAMPAIGN

SQL = queries.load("campaigns.campaign", "campaigns.sql")


def move(
    conn: Connection, campaign_id: UUID, event: str, now: datetime, *, error: str | None = None
) -> bool:
    """Let ``event`` happen to the campaign, if its status allows that.

    Whoever changes the status of one campaign calls this; the tick, which starts and finishes many
    at once, has set-based statements of its own for the same two moves.

    ``error`` says in words why it failed. Returns whether it happened: ``False`` means that
    somebody else moved the campaign first, or that it never could.

    Raises:
        KeyError: the machine has no such event.
    """
    row = conn.execute(
        SQL["move_campaign"],
        {
            "id": campaign_id,
            "target": CAMPAIGN.target(event),
            "sources": list(CAMPAIGN.sources(event)),
            "now": now,
            "error": error,
        },
    ).fetchone()
    return row is not None
