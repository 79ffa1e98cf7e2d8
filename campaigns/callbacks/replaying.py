"""Telling a receiver once more: what was given up, or all that was made in some time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from campaigns import queries
from campaigns.callbacks import endpoints
from campaigns.database import Connection
from campaigns.errors import Invalid, Locked

SQL = queries.load("campaigns.callbacks", "replaying.sql")


def replay(
    conn: Connection,
    team_id: UUID,
    endpoint_id: str | UUID,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    now: datetime,
) -> int:
    """Tell an endpoint once more what was given up; with a time, all that was made in it.

    Messages keep their ids, so that a receiver can tell what it has already.

    Returns:
        how many messages are sent again.

    Raises:
        Invalid: ``endpoint_id`` is not a uuid, or the time ends before it begins.
        NotFound: the team has no such endpoint.
        Locked: it is disabled.
    """
    endpoint = endpoints.show(conn, team_id, endpoint_id)
    if endpoint.health.disabled_reason:
        raise Locked(f"webhook {endpoint.id} is disabled: enable it first.")
    return _replay(conn, team_id, endpoint_id=endpoint.id, since=since, until=until, now=now)


def replay_campaign(
    conn: Connection,
    team_id: UUID,
    campaign_id: str | UUID,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    now: datetime,
) -> int:
    """The same for the URL that a campaign names, which is told things again if it was gone.

    Raises:
        Invalid: ``campaign_id`` is not a uuid, or the time ends before it begins.
        NotFound: the team has no such campaign.
    """
    found = endpoints.show_campaign(conn, team_id, campaign_id).campaign_id
    with conn.transaction():
        n = _replay(conn, team_id, campaign_id=found, since=since, until=until, now=now)
        conn.execute(SQL.revive, {"campaign_id": found, "now": now})
        return n


def _replay(
    conn: Connection,
    team_id: UUID,
    *,
    endpoint_id: UUID | None = None,
    campaign_id: UUID | None = None,
    since: datetime | None,
    until: datetime | None,
    now: datetime,
) -> int:
    if since is not None and until is not None and until <= since:
        raise Invalid("until", until, "must be after since")
    row = conn.execute(
        SQL.replay,
        {
            "team_id": team_id, "endpoint_id": endpoint_id, "campaign_id": campaign_id,
            "all": since is not None or until is not None, "since": since, "until": until,
            "now": now,
        },
    ).fetchone()  # fmt: skip
    return int(row["n"]) if row else 0
