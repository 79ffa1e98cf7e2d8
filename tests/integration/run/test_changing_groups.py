"""A run whose groups are being changed: what was asked for before it began counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from campaigns.audience import changes, contacts, groups
from campaigns.audience.changes import Change
from campaigns.audience.groups import Group
from campaigns.campaign import service
from campaigns.database import Connection, connect
from campaigns.run import status
from campaigns.segmentation import segments
from campaigns.team import teams
from campaigns.team.teams import Team
from scheduler.tick import tick
from tests.support.campaigns import PROVIDERS
from tests.support.segmentation import one
from worker import runs

ANN, BOB, EVE = "447785856985", "447713252151", "447713252152"


@pytest.fixture
def team(conn: Connection) -> Team:
    return teams.create(conn, "acme", "GB")


@pytest.fixture
def group(conn: Connection, team: Team) -> Group:
    found = groups.create(conn, team.id, "customers")
    contacts.add(conn, team, found.id, [{"phone": BOB}])
    return found


def asked(*numbers: str) -> dict[str, object]:
    return {"contacts": [{"phone_number": one} for one in numbers]}


def start(conn: Connection, team: Team, *included: UUID, **fields: object) -> int:
    """Submit a campaign and let the tick make its run; the run's id."""
    body = {
        "name": "Sale",
        "sender": "ACME",
        "template": "Hello",
        "included_contact_groups": [str(one) for one in included],
        **fields,
    }
    service.submit(conn, team.id, body, providers=PROVIDERS, now=datetime.now(UTC))
    assert tick(conn, PROVIDERS, name="beat@test") is not None
    row = conn.execute("SELECT id FROM runs WHERE status = 'resolving'").fetchone()
    assert row is not None
    return int(row["id"])


def recipients(conn: Connection) -> list[str]:
    return [row["address"] for row in conn.execute("SELECT address FROM deliveries ORDER BY seq")]


def test_changes_that_were_asked_for_before_it_began_count(
    conn: Connection, team: Team, group: Group
) -> None:
    changes.add(conn, team, group.id, asked(ANN, EVE))
    changes.remove(conn, team, group.id, {"phone_numbers": [EVE]})
    run_id = start(conn, team, group.id)
    assert runs.resolve(conn, run_id) == 2
    assert recipients(conn) == [BOB, ANN]
    assert groups.summary(conn, group).status == "Ready"


@pytest.mark.parametrize("by", ["a query", "a segment"])
def test_they_count_in_groups_that_are_only_asked_for_too(
    conn: Connection, team: Team, group: Group, by: str
) -> None:
    """Who was to be left out by then must not get it because the change was still waiting."""
    customers = groups.create(conn, team.id, "had it already")
    contacts.add(conn, team, group.id, [{"phone": ANN}])
    changes.add(conn, team, customers.id, asked(BOB))
    query = one("subscription_options_in", "notin", [str(customers.id)])
    fields: dict[str, object] = {"query_type": "segmentation", "query": query}
    if by == "a segment":
        made = segments.create(conn, team.id, group.id, "new ones", query,
                               now=datetime.now(UTC))  # fmt: skip
        fields = {"contact_segments": [str(made.id)]}
    run_id = start(conn, team, group.id, **fields)
    assert runs.resolve(conn, run_id) == 1
    assert recipients(conn) == [ANN]


def test_it_waits_while_somebody_else_makes_them_and_says_so(
    conn: Connection, database: str, team: Team, group: Group
) -> None:
    changes.add(conn, team, group.id, asked(ANN))
    run_id = start(conn, team, group.id)
    conn.execute(
        "INSERT INTO heartbeats (name, kind, seen_at) VALUES ('control@test', 'control', now())"
    )
    with connect(database) as other, other.transaction():
        other.execute(groups.SQL["lock_group"], {"id": group.id})
        assert runs.resolve(conn, run_id) is None
        told = status.status(conn, team.id, run_id, providers=PROVIDERS)
        assert (told.why.code, recipients(conn)) == ("changing_groups", [])
        assert "waiting for 1 change of its groups" in told.why.text
    assert runs.resolve(conn, run_id) == 2


def test_an_opt_out_by_a_waiting_change_counts(conn: Connection, team: Team, group: Group) -> None:
    optouts = groups.find_default_optouts(conn, team.id)
    changes.flush(conn, team, optouts.id)
    added = changes.add(conn, team, optouts.id, asked(BOB))
    assert added.job is not None, "to be made once more after the flush"
    run_id = start(conn, team, group.id)
    assert runs.resolve(conn, run_id) == 0


def test_opt_outs_that_come_later_do_not_hold_it_up(
    conn: Connection, database: str, team: Team, group: Group
) -> None:
    """Those of a busy day would keep it from ever beginning; claims look at them again."""
    run_id = start(conn, team, group.id)
    optouts = groups.find_default_optouts(conn, team.id)
    conn.execute(
        "INSERT INTO group_jobs (group_id, kind, created_at) VALUES (%s, 'flush', now() + %s)",
        [optouts.id, timedelta(minutes=1)],
    )
    with connect(database) as other, other.transaction():
        other.execute(groups.SQL["lock_group"], {"id": optouts.id})
        assert runs.resolve(conn, run_id) == 1


def test_other_groups_do_not_hold_it_up(
    conn: Connection, database: str, team: Team, group: Group
) -> None:
    elsewhere = groups.create(conn, team.id, "elsewhere")
    change: Change = changes.add(conn, team, elsewhere.id, asked(ANN))
    run_id = start(conn, team, group.id)
    with connect(database) as other, other.transaction():
        other.execute(groups.SQL["lock_group"], {"id": elsewhere.id})
        assert runs.resolve(conn, run_id) == 1
    assert change.summary.scheduled_jobs_number == 1
