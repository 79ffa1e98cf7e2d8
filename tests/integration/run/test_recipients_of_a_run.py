"""Resolving a run: its recipients, and the lanes that they are sent from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from campaigns.audience import contacts, groups
from campaigns.database import Connection, connect
from campaigns.schedule.calendars import known_zones
from campaigns.team import teams
from tests.support import ledger as rows
from worker import runs

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

Resolving = Callable[..., int]

#: What contacts say about their zone, in the order in which they were added, and what it means.
SAID: list[tuple[object, str]] = [
    ("Europe/London", "Europe/London"),
    (None, "America/New_York"),
    ("Asia/Kolkata", "Asia/Kolkata"),
    ("europe/LONDON", "Europe/London"),
    ("  Asia/Kolkata ", "Asia/Kolkata"),
    ("Mars/Base", "America/New_York"),
    ("", "America/New_York"),
    ("+02:00", "America/New_York"),
    ("/etc/localtime", "America/New_York"),
    ("localtime", "America/New_York"),
    ("Antarctica/Troll", "Antarctica/Troll"),
    ("Africa/Casablanca'; --", "America/New_York"),
    (330, "America/New_York"),
    (["Europe/London"], "America/New_York"),
    ("America/New_York", "America/New_York"),
    ("x" * 1000, "America/New_York"),
]
FALLBACKS = 10


@pytest.fixture
def resolving(conn: Connection) -> Resolving:
    """A run that is to be resolved, of a campaign to these contacts."""

    def make(fields: list[dict[str, object]], **columns: object) -> int:
        group = groups.create(conn, rows.team_id(conn), f"group {uuid4()}")
        for number, one in enumerate(fields):
            conn.execute(
                "INSERT INTO contacts (group_id, phone, fields) VALUES (%s, %s, %s)",
                (group.id, str(447700000000 + number), Jsonb(one)),
            )
        return run_of(conn, [group.id], **columns)

    return make


def run_of(conn: Connection, included: list[UUID], **columns: object) -> int:
    campaign_id = rows.campaign(conn, NOW)
    for name, value in columns.items():
        conn.execute(f"UPDATE campaigns SET {name} = %s WHERE id = %s", (value, campaign_id))
    for position, group_id in enumerate(included):
        conn.execute(
            "INSERT INTO campaign_groups VALUES (%s, 'include', %s, %s)",
            (campaign_id, position, group_id),
        )
    row = conn.execute(
        "INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at, "
        "created_at) VALUES (%s, %s, 'carrier', 'resolving', %s, %s, %s) RETURNING id",
        (campaign_id, NOW, NOW, NOW, NOW),
    ).fetchone()
    return int(row["id"])


def lanes(conn: Connection, run_id: int) -> list[tuple[Any, ...]]:
    found = conn.execute(
        "SELECT lane, timezone, lo, hi, next_seq FROM lanes WHERE run_id = %s ORDER BY lane",
        (run_id,),
    )
    return [tuple(row.values()) for row in found]


def said(values: list[object]) -> list[dict[str, object]]:
    return [{} if value is None else {"timezone": value} for value in values]


def test_a_run_has_one_lane_for_everybody(conn: Connection, resolving: Resolving) -> None:
    run_id = resolving(said([zone for zone, _ in SAID]))
    assert runs.resolve(conn, run_id) == len(SAID)
    assert lanes(conn, run_id) == [(0, None, 0, len(SAID), 0)]
    assert rows.field(conn, "runs", run_id, "timezone_fallbacks") == 0
    assert rows.field(conn, "runs", run_id, "total") == len(SAID)


def test_each_zone_of_the_recipients_is_a_lane_and_who_names_none_is_counted(
    conn: Connection, resolving: Resolving
) -> None:
    run_id = resolving(
        said([zone for zone, _ in SAID]), recipient_local=True, timezone="America/New_York"
    )
    assert runs.resolve(conn, run_id) == len(SAID)
    wanted: list[tuple[str, str]] = []
    for number, (_, zone) in enumerate(SAID):
        wanted.append((zone, str(447700000000 + number)))
    wanted.sort()
    found = conn.execute("SELECT seq, address FROM deliveries ORDER BY seq").fetchall()
    assert [row["seq"] for row in found] == list(range(len(SAID)))
    assert [row["address"] for row in found] == [address for _, address in wanted]
    of_zones = [zone for zone, _ in wanted]
    assert lanes(conn, run_id) == [
        (lane, zone, of_zones.index(zone), of_zones.index(zone) + count, of_zones.index(zone))
        for lane, zone in enumerate(sorted(set(of_zones)))
        if (count := of_zones.count(zone))
    ]
    assert rows.field(conn, "runs", run_id, "timezone_fallbacks") == FALLBACKS


@pytest.mark.parametrize("local", [False, True])
def test_an_empty_audience_has_an_empty_lane(
    conn: Connection, resolving: Resolving, local: bool
) -> None:
    run_id = resolving([], recipient_local=local)
    assert runs.resolve(conn, run_id) == 0
    assert lanes(conn, run_id) == [(0, None, 0, 0, 0)]
    assert rows.field(conn, "runs", run_id, "status") == "sending"


def test_opt_outs_win_and_an_address_comes_once_over_all_zones(conn: Connection) -> None:
    """The zone is that of the contact that counts: of the group that is named first."""
    team = teams.find(conn, rows.DEFAULT_TEAM_NAME)
    first, second = (groups.create(conn, team.id, name).id for name in ("first", "second"))
    for group_id, zone in ((first, "Asia/Tokyo"), (second, "Europe/Paris")):
        for phone in ("447785850001", "447785850002"):
            conn.execute(
                "INSERT INTO contacts (group_id, phone, fields) VALUES (%s, %s, %s)",
                (group_id, phone, Jsonb({"timezone": zone})),
            )
    contacts.opt_out(conn, team, "447785850002")
    run_id = run_of(conn, [second, first], recipient_local=True)
    assert runs.resolve(conn, run_id) == 1
    assert lanes(conn, run_id) == [(0, "Europe/Paris", 0, 1, 0)]


def test_a_run_is_resolved_once(conn: Connection, database: str, resolving: Resolving) -> None:
    run_id = resolving(said(["Asia/Tokyo", None]), recipient_local=True)
    with connect(database) as other, conn.transaction():
        assert runs.resolve(conn, run_id) == 2
        assert runs.resolve(other, run_id) is None
    assert runs.resolve(conn, run_id) is None
    assert [lane[:4] for lane in lanes(conn, run_id)] == [
        (0, "Asia/Tokyo", 0, 1),
        (1, "UTC", 1, 2),
    ]


def test_there_are_never_more_lanes_than_zones_whatever_contacts_say(
    conn: Connection, resolving: Resolving
) -> None:
    zones = sorted(known_zones())
    run_id = resolving(
        said([*zones, *(f"Zone/{n}" for n in range(500))]), recipient_local=True, timezone="UTC"
    )
    assert runs.resolve(conn, run_id) == len(zones) + 500
    assert [lane[1] for lane in lanes(conn, run_id)] == zones
    assert rows.field(conn, "runs", run_id, "timezone_fallbacks") == 500
