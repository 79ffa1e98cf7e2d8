"""Steering a campaign that exists: pause, resume, stop, withdraw, delete.

All of these may be repeated: what is so already stays so, and is no error.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from campaigns import queries
from campaigns.audience import given
from campaigns.campaign import state, store
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Locked

SQL = queries.load("campaigns.campaign", "campaigns.sql")

#: Where a pause by hand means something.
PAUSABLE = ("draft", "scheduled", "sending")


def pause(conn: Connection, team_id: UUID, campaign_id: UUID, *, now: datetime) -> Campaign:
    """Hold the campaign until :func:`resume`: no claim after this returns grants a message.

    Call it outside of a transaction, or the pause only holds once that is committed.

    Raises:
        NotFound: the team has no such campaign.
        Locked: it sends nothing any more.
    """
    return set_paused(conn, team_id, campaign_id, True, now=now)


def resume(conn: Connection, team_id: UUID, campaign_id: UUID, *, now: datetime) -> Campaign:
    """Let a held campaign send again; raises like :func:`pause`."""
    return set_paused(conn, team_id, campaign_id, False, now=now)


def toggle_pause(conn: Connection, team_id: UUID, campaign_id: UUID, *, now: datetime) -> Campaign:
    """Pause or resume, whichever it is not; raises like :func:`pause`."""
    return set_paused(conn, team_id, campaign_id, None, now=now)


def set_paused(
    conn: Connection, team_id: UUID, campaign_id: UUID, paused: bool | None, *, now: datetime
) -> Campaign:
    """Set ``manually_paused``, or turn it round (``None``); raises like :func:`pause`."""
    done = conn.execute(
        SQL["set_paused"],
        {
            "id": campaign_id,
            "team_id": team_id,
            "paused": paused,
            "now": now,
            "states": list(PAUSABLE),
        },
    ).fetchone()
    campaign = store.get(conn, team_id, campaign_id)
    if done is None:
        raise Locked(
            f"campaign: {campaign_id} is {campaign.status} and can neither be paused nor resumed."
        )
    return campaign


def stop(conn: Connection, team_id: UUID, campaign_id: UUID, *, now: datetime) -> Campaign:
    """End the campaign for good: whoever was not reached yet will not be.

    Raises:
        NotFound: the team has no such campaign.
        Locked: it is a draft, or has ended by itself.
    """
    with conn.transaction():
        campaign = store.lock(conn, team_id, campaign_id)
        if campaign.status != "stopped" and not state.move(conn, campaign_id, "stop", now):
            raise Locked(f"campaign: {campaign_id} is {campaign.status} and cannot be stopped.")
        return store.get(conn, team_id, campaign_id)


def withdraw(conn: Connection, team_id: UUID, campaign_id: UUID, *, now: datetime) -> Campaign:
    """Make a draft again of a campaign that was to be sent.

    Raises:
        NotFound: the team has no such campaign.
        Locked: it is not scheduled, or has had a run.
    """
    with conn.transaction():
        campaign = store.lock(conn, team_id, campaign_id)
        if campaign.status == "draft":
            return campaign
        # The tick makes runs of campaigns that it has locked, so none comes in between.
        if store.last_occurrence(conn, campaign_id) is not None:
            raise Locked(f"campaign: {campaign_id} has had a run and cannot become a draft again.")
        if not state.move(conn, campaign_id, "withdraw", now):
            raise Locked(
                f"campaign: {campaign_id} is {campaign.status} and cannot become a draft again."
            )
        return store.get(conn, team_id, campaign_id)


def delete(conn: Connection, team_id: UUID, campaign_id: UUID, *, now: datetime) -> None:
    """Remove the campaign from every list; what its runs did stays on record.

    The contacts that came with it are removed too.

    Raises:
        NotFound: the team has no such campaign.
        Locked: it is sending, or its run is not settled yet.
    """
    with conn.transaction():
        campaign = store.lock(conn, team_id, campaign_id)
        if store.has_open_run(conn, campaign_id) and campaign.status != "sending":
            raise Locked(
                f"campaign: {campaign_id} is {campaign.status}, but its run is not settled yet; "
                "delete it in a moment."
            )
        if not state.move(conn, campaign_id, "delete", now):
            raise Locked(
                f"campaign: {campaign_id} is {campaign.status} and cannot be deleted; "
                "stop it first."
            )
        given.remove(conn, campaign_id)


def discard(conn: Connection, team_id: UUID, campaign_id: UUID, *, now: datetime) -> None:
    """Remove the campaign whatever it is doing: one that is sending is stopped for good by this.

    Who has been claimed already still gets the message, and is still counted; no claim after this
    returns grants one.

    Raises:
        NotFound: the team has no such campaign.
    """
    with conn.transaction():
        store.lock(conn, team_id, campaign_id)
        state.move(conn, campaign_id, "stop", now)
        state.move(conn, campaign_id, "delete", now)
        given.remove(conn, campaign_id)
