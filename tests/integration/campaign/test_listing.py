"""Pages of campaigns by number: the same as if all had been read, sorted and cut."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from campaigns import paging
from campaigns.campaign import control, listing, samples, service, store
from campaigns.campaign.listing import Criteria, Kind, Order
from campaigns.campaign.store import Campaign
from campaigns.errors import Invalid
from campaigns.states import HORISEN_STATUS, horisen_status
from campaigns.team import teams
from tests.support.campaigns import NOW, PROVIDERS, World, submit

INSERT = """
INSERT INTO campaigns (id, team_id, name, sender, sending_type, provider, template, schedule_type,
                       scheduled_send_date, next_dt, status, manually_paused, submission,
                       created_at, updated_at)
VALUES (%(id)s, %(team_id)s, %(name)s, 'Sluice', %(sending_type)s, 'carrier', 'Hello',
        %(schedule_type)s, %(created_at)s, %(next_dt)s, %(status)s, %(manually_paused)s, '',
        %(created_at)s, %(updated_at)s)
"""

STATUSES = tuple(HORISEN_STATUS)


@pytest.fixture
def rows(world: World) -> list[dict[str, Any]]:
    """Campaigns of every kind, many of them equal in some column."""
    made = []
    kinds = itertools.product(STATUSES, (False, True), ("sms", "email"), ("now", "once"))
    for index, (status, paused, channel, schedule) in enumerate(kinds):
        row = {
            "id": uuid4(),
            "team_id": world.team.id,
            "name": f"{'aB'[index % 2]}{index % 5}",
            "sending_type": channel,
            "schedule_type": schedule,
            "status": status,
            "manually_paused": paused,
            "created_at": NOW + timedelta(seconds=index * 7 % 20),
            "updated_at": NOW + timedelta(seconds=index * 11 % 9),
            "next_dt": None if index % 3 else NOW + timedelta(seconds=index % 4),
        }
        world.conn.execute(INSERT, row)
        made.append(row)
    return made


def shown(row: dict[str, Any]) -> str:
    return horisen_status(row["status"], manually_paused=row["manually_paused"])


def expected(rows: list[dict[str, Any]], criteria: Criteria, order: list[Order]) -> list[UUID]:
    """All in Python, as the specification."""
    found = [
        row
        for row in rows
        if criteria.sending_type in (None, row["sending_type"])
        and criteria.status in (None, shown(row))
    ]
    last = order[-1].descending if order[-1].column not in listing._KINDS else True
    named = {one.column for one in order}
    keys = [*order]
    if "created_at" not in named:
        keys.append(Order("created_at", last))
    created = next(one for one in keys if one.column == "created_at")
    found.sort(key=lambda row: row["id"], reverse=created.descending)
    for one in reversed(keys):
        found.sort(key=lambda row: _value(row, one.column), reverse=one.descending)
    return [row["id"] for row in found]


def _value(row: dict[str, Any], column: str) -> Any:
    if column == "status":
        return shown(row)
    if column == "next_dt":
        return (row["next_dt"] is None, row["next_dt"] or NOW)
    return row[column]


def read(
    world: World, criteria: Criteria, order: list[Order], size: int
) -> tuple[list[UUID], set[int]]:
    """All pages one after the other, and the totals that they told."""
    ids: list[UUID] = []
    totals = set()
    for number in itertools.count(1):
        found = listing.page(world.conn, world.team.id, criteria, order, number=number, size=size)
        totals.add(found.total)
        if not found.campaigns:
            return ids, totals
        ids += [campaign.id for campaign in found.campaigns]
    raise AssertionError


ORDERS = [
    [Order("created_at", descending=True)],
    [Order("created_at")],
    [Order("name")],
    [Order("name", descending=True), Order("updated_at")],
    [Order("next_dt")],
    [Order("next_dt", descending=True), Order("status"), Order("name")],
    [Order("status")],
    [Order("status", descending=True), Order("sending_type"), Order("name")],
    [Order("schedule_type"), Order("created_at", descending=True), Order("status")],
    [Order("updated_at", descending=True), Order("sending_type", descending=True)],
]


@pytest.mark.parametrize("few", [listing.FEW, 3], ids=["few", "many"])
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: ",".join(o.column for o in order))
@pytest.mark.parametrize(
    "criteria",
    [Criteria(), Criteria("sms"), Criteria(status="stopped"), Criteria("email", "active")],
    ids=["all", "sms", "stopped", "active e-mails"],
)
def test_pages_are_those_of_the_sorted_whole(
    world: World,
    rows: list[dict[str, Any]],
    criteria: Criteria,
    order: list[Order],
    few: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listing, "FEW", few)
    wanted = expected(rows, criteria, order)
    assert wanted
    assert read(world, criteria, order, 7) == (wanted, {len(wanted)})


def test_page_has_the_campaigns_whole(world: World, simple: dict[str, Any]) -> None:
    campaign = submit(world, simple)
    found = listing.page(world.conn, world.team.id, Criteria())
    assert (found.campaigns, found.total) == ((campaign,), 1)


def test_deleted_ones_tests_and_other_teams_are_left_out(
    world: World, simple: dict[str, Any]
) -> None:
    gone, kept = submit(world, simple), submit(world, simple)
    control.delete(world.conn, world.team.id, gone.id, now=NOW)
    samples.send_test(
        world.conn,
        world.team.id,
        {"campaign": str(kept.id), "address": "+447785856985"},
        providers=PROVIDERS,
        now=NOW,
    )
    found = listing.page(world.conn, world.team.id, Criteria())
    assert ([one.id for one in found.campaigns], found.total) == ([kept.id], 1)
    other = teams.create(world.conn, "Other")
    assert listing.page(world.conn, other.id, Criteria()).total == 0
    assert service.page(world.conn, world.team.id, 1)[1] == 1


def counted(world: World) -> Counter[Kind]:
    rows = world.conn.execute(listing.SQL["tallies"], {"team_id": world.team.id}).fetchall()
    return +Counter({Kind(**row): int(n) for row in rows if (n := row.pop("campaigns"))})


def really(world: World) -> Counter[Kind]:
    rows = world.conn.execute(
        "SELECT sending_type, schedule_type, status, manually_paused FROM campaigns"
        " WHERE status <> 'deleted' AND NOT is_test"
    )
    return Counter(Kind(**row) for row in rows)


def test_counts_follow_whatever_becomes_of_a_campaign(
    world: World, simple: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    steps: list[Any] = [
        lambda: submit(world, simple),
        lambda: control.pause(world.conn, world.team.id, newest(world).id, now=NOW),
        lambda: world.conn.execute("UPDATE campaigns SET status = 'finished' WHERE name = 'a0'"),
        lambda: store.fold_tallies(world.conn, 3),
        lambda: world.conn.execute("UPDATE campaigns SET name = 'same', updated_at = now()"),
        lambda: control.discard(world.conn, world.team.id, newest(world).id, now=NOW),
        lambda: store.fold_tallies(world.conn, 1000),
        lambda: world.conn.execute("DELETE FROM campaigns WHERE sending_type = 'email'"),
        lambda: store.fold_tallies(world.conn, 1000),
    ]
    for step in steps:
        step()
        assert counted(world) == really(world)
    left = world.conn.execute("SELECT count(*) AS n FROM campaign_tallies WHERE backend <> 0")
    assert left.fetchone() == {"n": 0}


def newest(world: World) -> Campaign:
    row = world.conn.execute("SELECT id FROM campaigns ORDER BY number DESC LIMIT 1").fetchone()
    assert row is not None
    return service.get(world.conn, world.team.id, row["id"])


def test_what_is_counted_but_not_committed_is_not_counted(
    world: World, simple: dict[str, Any]
) -> None:
    with world.conn.transaction(force_rollback=True):
        submit(world, simple)
    assert listing.page(world.conn, world.team.id, Criteria()).total == 0


@pytest.mark.parametrize(
    ("number", "size", "field"),
    [(0, 10, "page"), (-1, 10, "page"), (1, 0, "per_page"), (1, 101, "per_page")],
)
def test_page_that_cannot_be_is_refused(world: World, number: int, size: int, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        listing.page(world.conn, world.team.id, Criteria(), number=number, size=size)
    assert refused.value.field == field


def test_page_that_lies_too_deep_is_refused(
    world: World, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "DEEPEST", 10)
    last = paging.last(len(rows), 5)
    for number in (1, 3, last - 2, last):
        assert listing.page(world.conn, world.team.id, Criteria(), number=number, size=5).campaigns
    with pytest.raises(Invalid, match="lies deeper than 10 entries"):
        listing.page(world.conn, world.team.id, Criteria(), number=last // 2, size=5)


def test_page_behind_the_last_one_is_empty(world: World, rows: list[dict[str, Any]]) -> None:
    found = listing.page(world.conn, world.team.id, Criteria(), number=10**9, size=10)
    assert (found.campaigns, found.total) == ((), len(rows))


@pytest.mark.parametrize(
    ("order", "index"),
    [
        ([Order("created_at", descending=True)], "campaigns_team"),
        ([Order("name")], "campaigns_by_name"),
        ([Order("name", descending=True)], "campaigns_by_name"),
        ([Order("updated_at", descending=True)], "campaigns_by_update"),
        ([Order("next_dt")], "campaigns_by_next"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0].column,
)
def test_an_index_has_the_order(world: World, order: list[Order], index: str) -> None:
    """No sort: the page of a hundred thousand is read off its index."""
    kinds = [Kind("sms", "once", "scheduled", False)]
    text = listing.SQL["many_in_order"].replace(
        listing._ORDER, listing._order_by(listing._rest(order), backwards=False)
    )
    bound = {"team_id": world.team.id, **listing._bound(kinds), "offset": 0, "limit": 10}
    with world.conn.transaction():
        world.conn.execute("SET LOCAL enable_seqscan = off")
        world.conn.execute("SET LOCAL enable_bitmapscan = off")
        world.conn.execute("SET LOCAL enable_sort = off")
        plan = world.conn.execute(f"EXPLAIN {text}", bound).fetchall()  # type: ignore[arg-type]
    lines = "\n".join(str(line["QUERY PLAN"]) for line in plan)
    assert f"using {index} " in lines
    assert "Sort" not in lines
