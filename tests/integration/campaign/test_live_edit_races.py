"""Editing while it sends: what ticks, resolving and others' campaigns wait for, and what not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from campaigns.audience import groups
from campaigns.campaign import control, live, service
from campaigns.database import Connection, connect
from campaigns.errors import Locked
from tests.support.campaigns import PROVIDERS, World
from tests.support.live_campaigns import MEANWHILE, START, edit, lanes, sending
from tests.support.waiting import eventually


def waits(conn: Connection, waiting: Connection) -> bool:
    row = conn.execute(
        "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", [waiting.info.backend_pid]
    ).fetchone()
    return row is not None and row["wait_event_type"] == "Lock"


def test_a_change_waits_for_the_tick_that_has_read_the_old_rules(
    world: World, database: str, throttled: dict[str, Any]
) -> None:
    """Otherwise that tick would open the gates by the old rules after the change.

    Nothing is locked meanwhile: a pause gets through, and the tick every row it wants.
    """
    campaign = sending(world, throttled)
    with connect(database) as other, ThreadPoolExecutor(1) as threads:
        with world.conn.transaction():
            world.conn.execute("SELECT pg_try_advisory_xact_lock(hashtext('sluice.tick'))")
            change = threads.submit(
                service.edit,
                other,
                world.team.id,
                campaign.id,
                {"weight": 5},
                providers=PROVIDERS,
                now=MEANWHILE,
            )
            eventually(lambda: waits(world.conn, other))
            control.pause(world.conn, world.team.id, campaign.id, now=MEANWHILE)
            world.conn.execute("SELECT FROM lanes FOR UPDATE NOWAIT")
            world.conn.execute("SELECT FROM runs FOR UPDATE NOWAIT")
            world.conn.execute("UPDATE lanes SET gate_closes_at = %s", [START + timedelta(hours=2)])
        edited = change.result(10)
    assert (edited.weight, edited.manually_paused) == (5, True)
    assert all(lane["gate_closes_at"] <= MEANWHILE for lane in lanes(world))


def test_no_tick_begins_while_a_change_is_not_committed(
    world: World, database: str, throttled: dict[str, Any]
) -> None:
    campaign = sending(world, throttled)
    tick = "SELECT pg_try_advisory_xact_lock(hashtext('sluice.tick')) AS locked"
    with connect(database) as other:
        with world.conn.transaction():
            edit(world, campaign, {"weight": 5})
            assert other.execute(tick).fetchone() == {"locked": False}
        assert other.execute(tick).fetchone() == {"locked": True}


def test_a_change_does_not_wait_for_recipients_to_be_written(
    world: World, database: str, throttled: dict[str, Any]
) -> None:
    """That may take long, and no tick could run meanwhile."""
    campaign = sending(world, throttled)
    world.conn.execute("UPDATE runs SET status = 'resolving'")
    with connect(database) as resolver:
        with resolver.transaction():
            resolver.execute("SELECT FROM runs FOR NO KEY UPDATE")
            with pytest.raises(Locked, match="are being written right now; edit it in a moment"):
                edit(world, campaign, {"weight": 5})
        assert edit(world, campaign, {"weight": 5}).weight == 5


def test_another_teams_campaign_is_not_held(world: World, throttled: dict[str, Any]) -> None:
    campaign = sending(world, throttled)
    with world.conn.transaction():
        assert len(live.hold(world.conn, world.team.id, campaign.id)) == 1
        group = groups.create(world.conn, world.team.id, "More")
        assert live.hold(world.conn, group.id, campaign.id) == []
