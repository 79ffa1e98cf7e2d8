"""Addresses that are dead: left out of later runs, with the reason, until they are given anew."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from campaigns import database as databases
from campaigns.audience import contacts, groups
from campaigns.database import Connection
from campaigns.providers import ProviderConfig, Providers
from campaigns.team import teams
from campaigns.team.teams import Team
from scheduler.tick import tick
from tests.support import ledger as rows
from tests.support.importer import Importer
from worker import runs
from worker.ledger import Ledger
from worker.outcomes import Settlement

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PROVIDERS = Providers({"carrier": ProviderConfig(name="carrier", adapter="sandbox", channel="sms")})

DEAD, ALIVE = "447700000001", "447700000002"
ENDPOINT = "https://push.example.com/send/abc"


@pytest.fixture
def team(conn: Connection) -> Team:
    return teams.find(conn, rows.DEFAULT_TEAM_NAME)


def run_of(conn: Connection, group_id: UUID, channel: str = "sms") -> int:
    """A resolved run of a campaign to the group."""
    campaign_id = rows.campaign(conn, NOW)
    conn.execute("UPDATE campaigns SET sending_type = %s WHERE id = %s", (channel, campaign_id))
    conn.execute(
        "INSERT INTO campaign_groups VALUES (%s, 'include', 0, %s)", (campaign_id, group_id)
    )
    row = conn.execute(
        "INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at, "
        "created_at) VALUES (%s, %s, 'carrier', 'resolving', %s, %s, %s) RETURNING id",
        (campaign_id, NOW, NOW, NOW, NOW),
    ).fetchone()
    assert row is not None
    runs.resolve(conn, row["id"])
    return int(row["id"])


def dies(conn: Connection, url: str, run_id: int, address: str) -> None:
    """The provider says of the run's row with this address that it is dead."""

    async def play() -> None:
        async with databases.async_pool(url, size=1) as pool:
            ledger = Ledger(pool)
            lease = await rows.leased(ledger, rows.cut(conn, run_id, 0, 1))
            conn.execute(
                "UPDATE deliveries SET status = 'sending', lease_token = %s, claimed_at = now(), "
                "provider = 'carrier', attempts = 1 WHERE run_id = %s AND address = %s",
                (lease.token, run_id, address),
            )
            seq = conn.execute(
                "SELECT seq FROM deliveries WHERE run_id = %s AND address = %s", (run_id, address)
            ).fetchone()["seq"]
            dead = Settlement(
                run_id, seq, "rejected", "unsubscribed", error_class="permanent", gone=True
            )
            assert await ledger.record(lease, [dead]) == 1

    asyncio.run(play())


def outcomes(conn: Connection, run_id: int) -> dict[str, tuple[Any, ...]]:
    found = conn.execute(
        "SELECT address, status, error_class, error_code FROM deliveries WHERE run_id = %s",
        (run_id,),
    )
    return {row.pop("address"): tuple(row.values()) for row in found}


def gone(conn: Connection) -> list[str]:
    return [row["address"] for row in conn.execute("SELECT address FROM gone_addresses")]


def test_later_runs_of_the_channel_leave_it_out_and_say_why(conn, database, team) -> None:
    group = groups.create(conn, team.id, "customers")
    contacts.add(conn, team, group.id, [{"phone": DEAD}, {"phone": ALIVE}])
    dies(conn, database, run_of(conn, group.id), DEAD)
    later = run_of(conn, group.id)
    assert outcomes(conn, later) == {
        DEAD: ("suppressed", "policy", "gone"),
        ALIVE: ("pending", None, None),
    }
    assert rows.field(conn, "runs", later, "suppressed") == 1
    event = conn.execute(
        "SELECT kind, error_class, code FROM delivery_events WHERE run_id = %s", (later,)
    ).fetchall()
    assert event == [{"kind": "suppressed", "error_class": "policy", "code": "gone"}]
    other = run_of(conn, group.id, "whatsapp")
    assert outcomes(conn, other)[DEAD] == ("pending", None, None)


def test_it_is_known_to_its_team_alone(conn, database, team) -> None:
    group = groups.create(conn, team.id, "customers")
    contacts.add(conn, team, group.id, [{"phone": DEAD}])
    dies(conn, database, run_of(conn, group.id), DEAD)
    conn.execute(
        "UPDATE gone_addresses SET team_id = %s", (teams.create(conn, f"other {uuid4()}", None).id,)
    )
    assert outcomes(conn, run_of(conn, group.id))[DEAD][0] == "pending"


@pytest.mark.parametrize("way", ["import", "add"])
def test_giving_the_address_anew_brings_it_back(conn, database, team, tmp_path: Path, way) -> None:
    group = groups.create(conn, team.id, "customers")
    contacts.add(conn, team, group.id, [{"phone": DEAD}, {"phone": ALIVE}])
    run_id = run_of(conn, group.id)
    dies(conn, database, run_id, DEAD)
    conn.execute("UPDATE campaigns SET status = 'finished'")
    if way == "add":
        contacts.add(conn, team, group.id, [{"phone": DEAD}])
    else:
        Importer(conn, team, tmp_path)(f"phone\n+{DEAD}\n")
    assert gone(conn) == []
    assert outcomes(conn, run_of(conn, group.id))[DEAD][0] == "pending"


def test_opting_it_out_brings_nothing_back(conn, database, team, tmp_path: Path) -> None:
    group = groups.create(conn, team.id, "customers")
    out = groups.create(conn, team.id, "out", kind="optout")
    contacts.add(conn, team, group.id, [{"phone": DEAD}])
    dies(conn, database, run_of(conn, group.id), DEAD)
    contacts.add(conn, team, out.id, [{"phone": DEAD}])
    Importer(conn, team, tmp_path)(f"phone\n+{DEAD}\n", "out")
    assert gone(conn) == [DEAD]


def test_a_dead_subscription_is_removed_and_its_contact_stays_if_it_has_another_address(
    conn, database, team
) -> None:
    group = groups.create(conn, team.id, "browsers")
    twice = groups.create(conn, team.id, "more")
    contacts.add(conn, team, group.id, [{"webpush": ENDPOINT}])
    contacts.add(conn, team, twice.id, [{"phone": ALIVE, "webpush": ENDPOINT}])
    dies(conn, database, run_of(conn, group.id, "webpush"), ENDPOINT)
    left = conn.execute("SELECT group_id, phone, webpush FROM contacts").fetchall()
    assert left == [{"group_id": twice.id, "phone": ALIVE, "webpush": None}]
    assert gone(conn) == [ENDPOINT]


def test_a_dead_subscription_stays_where_it_was_opted_out(conn, database, team) -> None:
    group = groups.create(conn, team.id, "browsers")
    contacts.opt_out(conn, team, ENDPOINT)
    out = groups.create(conn, team.id, "out", kind="optout")
    contacts.add(conn, team, out.id, [{"webpush": ENDPOINT}])
    contacts.add(conn, team, group.id, [{"webpush": "https://push.example.com/send/other"}])
    run_id = run_of(conn, group.id, "webpush")
    conn.execute("UPDATE deliveries SET address = %s WHERE run_id = %s", (ENDPOINT, run_id))
    dies(conn, database, run_id, ENDPOINT)
    left = conn.execute("SELECT count(*) AS n FROM contacts WHERE webpush = %s", (ENDPOINT,))
    assert left.fetchone() == {"n": 2}


def test_a_run_of_which_nobody_is_left_finishes(conn, database, team) -> None:
    group = groups.create(conn, team.id, "customers")
    contacts.add(conn, team, group.id, [{"phone": DEAD}])
    dies(conn, database, run_of(conn, group.id), DEAD)
    later = run_of(conn, group.id)
    now = datetime.now(UTC)
    for second in range(3):
        tick(conn, PROVIDERS, name="beat@test", now=now + timedelta(seconds=second))
    assert rows.field(conn, "runs", later, "status") == "finished"
    assert rows.counters(conn, later) == {"suppressed": 1}
