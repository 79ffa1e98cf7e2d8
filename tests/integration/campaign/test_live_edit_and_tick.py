"""A change while it sends, and the tick: what the next one does, and that the two get on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.campaign import service, state
from campaigns.campaign.store import Campaign
from campaigns.database import Connection, connect
from campaigns.team.teams import Team
from scheduler.pacing import GUARD
from scheduler.tick import tick
from tests.support import ledger
from tests.support.campaigns import NOW, PROVIDERS, World

START = datetime(2026, 11, 25, 15, 25, tzinfo=UTC)
TURNS = 25


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def ticked(conn: Connection, now: datetime) -> bool:
    return tick(conn, PROVIDERS, name="beat@test", now=now) is not None


def edit(conn: Connection, team: Team, campaign: Campaign, body: Any, now: datetime) -> Campaign:
    return service.edit(conn, team.id, campaign.id, body, providers=PROVIDERS, now=now)


@pytest.fixture
def sending(world: World, throttled: dict[str, Any]) -> Campaign:
    """Five minutes into the window of the throttled example: the tick has opened its gate."""
    campaign = service.submit(world.conn, world.team.id, throttled, providers=PROVIDERS, now=NOW)
    state.move(world.conn, campaign.id, "start", START)
    world.conn.execute("UPDATE campaigns SET next_dt = NULL")
    ledger.run(world.conn, campaign.id, 500, START)
    assert ticked(world.conn, at(5))
    return campaign


def gate(world: World) -> tuple[datetime, datetime]:
    row = world.conn.execute("SELECT gate_opens_at, gate_closes_at FROM lanes").fetchone()
    assert row is not None
    # Up to the guard before its end, nothing is granted in an interval.
    return row["gate_opens_at"], row["gate_closes_at"] + GUARD


def test_the_next_tick_opens_the_gate_by_the_new_pauses(world: World, sending: Campaign) -> None:
    assert gate(world) == (at(0), at(10))
    edit(world.conn, world.team, sending, {"pauses": []}, at(6))
    assert gate(world)[1] <= at(6) + GUARD
    ticked(world.conn, at(6))
    assert gate(world) == (at(0), at(60))
    now = {"start_at": "2026-11-25 15:31:00", "end_at": "2026-11-25 15:50:00"}
    edit(world.conn, world.team, sending, {"pauses": [now]}, at(6))
    ticked(world.conn, at(6))
    assert gate(world) == (at(25), at(60))


def test_the_next_tick_knows_the_new_finish_and_hours(world: World, sending: Campaign) -> None:
    body = {
        "scheduled_finish_date": "2026-11-25 18:00:00",
        "pauses": [],
        "sending_hours": [{"from": "15:00", "to": "17:00"}],
    }
    edit(world.conn, world.team, sending, body, at(6))
    ticked(world.conn, at(6))
    assert gate(world) == (at(0), datetime(2026, 11, 25, 17, tzinfo=UTC))


def test_ticks_changes_and_claims_never_wait_for_each_other_in_a_circle(
    world: World, database: str, sending: Campaign
) -> None:
    """PostgreSQL would end such a circle with an error in one of them."""

    def ticks() -> int:
        """Most attempts find a change at work, and are over at once."""
        done = 0
        with connect(database) as conn:
            for n in range(20_000):
                done += ticked(conn, at(6) + timedelta(milliseconds=n))
                if done == TURNS:
                    break
        return done

    def changes(first_weight: int) -> None:
        with connect(database) as conn:
            for weight in range(first_weight, first_weight + TURNS):
                edit(conn, world.team, sending, {"weight": weight}, at(6))

    def suppressions() -> None:
        # As a claim counts them: deliveries first, then their run.
        with connect(database) as conn:
            for _ in range(4 * TURNS):
                with conn.transaction():
                    conn.execute("UPDATE deliveries SET attempts = attempts")
                    conn.execute("SELECT FROM runs ORDER BY id FOR NO KEY UPDATE")

    with ThreadPoolExecutor(4) as threads:
        ticking = threads.submit(ticks)
        others = [
            threads.submit(changes, 1),
            threads.submit(changes, 500),
            threads.submit(suppressions),
        ]
        for other in others:
            other.result(120)
        assert ticking.result(120) == TURNS
    stored = service.get(world.conn, world.team.id, sending.id)
    assert stored.weight in (TURNS, 499 + TURNS)
