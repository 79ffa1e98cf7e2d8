"""Campaigns that are being sent, for tests of what may change meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from campaigns.campaign import service, state
from campaigns.campaign.store import Campaign
from tests.support.campaigns import NOW, PROVIDERS, World

START = datetime(2026, 11, 25, 15, 25, tzinfo=UTC)
#: In the first pause-free stretch of the throttled example.
MEANWHILE = START + timedelta(minutes=5)


def edit(world: World, campaign: Campaign, body: Any, now: datetime = MEANWHILE) -> Campaign:
    return service.edit(world.conn, world.team.id, campaign.id, body, providers=PROVIDERS, now=now)


def sending(world: World, body: dict[str, Any]) -> Campaign:
    """A campaign whose run has begun, as the tick leaves it."""
    campaign = service.submit(world.conn, world.team.id, body, providers=PROVIDERS, now=NOW)
    state.move(world.conn, campaign.id, "start", START)
    add_run(world, campaign, campaign.scheduled_send_date)
    world.conn.execute("UPDATE campaigns SET next_dt = NULL")
    return service.get(world.conn, world.team.id, campaign.id)


def add_run(world: World, campaign: Campaign, occurrence: datetime, window_at: Any = None) -> int:
    row = world.conn.execute(
        "INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at,"
        " finishes_at, expires_at, total, created_at)"
        " VALUES (%s, %s, 'carrier', 'sending', %s, %s, %s, %s, 9, %s) RETURNING id",
        [
            campaign.id,
            occurrence,
            occurrence,
            window_at or occurrence,
            campaign.scheduled_finish_date,
            campaign.expiry_date,
            START,
        ],
    ).fetchone()
    assert row is not None
    for lane in (0, 1):
        world.conn.execute(
            "INSERT INTO lanes (run_id, lane, lo, hi, next_seq, gate_opens_at, gate_closes_at,"
            " pace_remaining, pace_until) VALUES (%s, %s, 0, 9, 0, %s, %s, 5.5, %s)",
            [row["id"], lane, START, START + timedelta(hours=1), MEANWHILE],
        )
    return int(row["id"])


def runs(world: World) -> list[dict[str, Any]]:
    return world.conn.execute("SELECT * FROM runs ORDER BY id").fetchall()


def lanes(world: World) -> list[dict[str, Any]]:
    return world.conn.execute("SELECT * FROM lanes ORDER BY run_id, lane").fetchall()
