"""Groups that nobody uses are removed after as many days as their team keeps them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.json import Jsonb

from campaigns.audience import changes, contacts, groups, jobs, keywords, pending, retention
from campaigns.audience.groups import Group
from campaigns.database import Connection, connect
from campaigns.errors import Invalid, NotFound
from campaigns.links import domains, links
from campaigns.segmentation import segments
from campaigns.team import teams
from campaigns.team.teams import Team
from scheduler.duties import forgetting, publishing
from scheduler.duties.forgetting import Sweep
from tests.support.segmentation import one

from .conftest import MakeCampaign

DAY = timedelta(days=1)
PHONE = "447785856985"

Age = Callable[[Group, float, float], Group]


@pytest.fixture
def keeping(conn: Connection, team: Team) -> Team:
    return teams.edit(conn, team.id, {"retention_days": 30})


@pytest.fixture
def aged(conn: Connection, keeping: Team) -> Age:
    """Move a group into the past: created and last changed so many days ago."""

    def age(group: Group, created: float, changed: float) -> Group:
        conn.execute(
            "UPDATE contact_groups SET created_at = now() - %s, updated_at = now() - %s "
            "WHERE id = %s",
            [created * DAY, changed * DAY, group.id],
        )
        return group

    return age


def sweep(conn: Connection, now: datetime | None = None) -> None:
    for job_id in retention.find_due(conn, now or datetime.now(UTC)):
        jobs.work(conn, job_id)


def exists(conn: Connection, group: Group) -> bool:
    try:
        groups.find(conn, group.team_id, group.id)
    except NotFound:
        return False
    return True


def fill(conn: Connection, team: Team, group: Group) -> None:
    contacts.add(conn, team, group.id, [{"phone": PHONE}])


def test_an_empty_group_goes_when_it_was_created_longer_ago(
    conn: Connection, group: Group, aged: Age
) -> None:
    aged(group, 29, 29)
    sweep(conn)
    assert exists(conn, group)
    aged(group, 31, 2)
    sweep(conn)
    assert not exists(conn, group)


def test_an_empty_group_that_was_just_emptied_stays_to_be_filled_again(
    conn: Connection, group: Group, aged: Age
) -> None:
    aged(group, 31, 0.5)
    sweep(conn)
    assert exists(conn, group)


def test_a_group_that_was_not_used_for_longer_goes_with_its_contacts(
    conn: Connection, team: Team, group: Group, aged: Age
) -> None:
    fill(conn, team, group)
    aged(group, 90, 29)
    sweep(conn)
    assert exists(conn, group)
    aged(group, 90, 31)
    sweep(conn)
    assert not exists(conn, group)
    assert conn.execute("SELECT FROM contacts").fetchall() == []


@pytest.mark.parametrize(("ended", "stays"), [(29, True), (31, False)])
def test_the_end_of_the_last_campaign_that_named_it_is_its_last_use(
    conn: Connection,
    team: Team,
    group: Group,
    aged: Age,
    make_campaign: MakeCampaign,
    ended: int,
    stays: bool,
) -> None:
    fill(conn, team, group)
    aged(group, 90, 90)
    for days in (80, ended):
        campaign = make_campaign("finished", include=[], exclude=[group.id])
        conn.execute(
            "UPDATE campaigns SET updated_at = now() - %s, finished_sending_at = now() - %s "
            "WHERE id = %s",
            [90 * DAY, days * DAY, campaign],
        )
    sweep(conn)
    assert exists(conn, group) is stays
    if stays:
        row = conn.execute("SELECT last_used_at FROM contact_groups WHERE id = %s", [group.id])
        found = (row.fetchone() or {})["last_used_at"]
        assert abs(datetime.now(UTC) - ended * DAY - found) < timedelta(minutes=1)


@pytest.mark.parametrize("status", ["draft", "scheduled", "sending"])
def test_a_group_that_a_campaign_still_needs_stays(
    conn: Connection, group: Group, aged: Age, make_campaign: MakeCampaign, status: str
) -> None:
    aged(group, 90, 90)
    campaign = make_campaign(status, include=[group.id])
    conn.execute("UPDATE campaigns SET updated_at = now() - %s WHERE id = %s", [90 * DAY, campaign])
    sweep(conn)
    assert exists(conn, group)


@pytest.mark.parametrize("status", ["scheduled", "finished", None])
def test_a_group_whose_members_a_query_asks_for_stays(
    conn: Connection,
    team: Team,
    group: Group,
    aged: Age,
    make_campaign: MakeCampaign,
    status: str | None,
) -> None:
    """Without it, whoever is not in it would suddenly be everybody."""
    other = groups.create(conn, team.id, "others")
    query = one("subscription_options_in", "notin", [str(group.id)])
    if status is None:
        segments.create(conn, team.id, other.id, "strangers", query, now=datetime.now(UTC))
    else:
        campaign = make_campaign(status, include=[other.id])
        conn.execute(
            "UPDATE campaigns SET query_type = 'segmentation', query = %s, segmentation = %s "
            "WHERE id = %s",
            [Jsonb(query), Jsonb([query]), campaign],
        )
    aged(group, 90, 90)
    due = retention.find_due(conn, datetime.now(UTC))
    assert bool(due) is (status == "finished")
    for job_id in due:
        jobs.work(conn, job_id)
    assert exists(conn, group) is (status != "finished")


def test_a_group_that_a_query_asks_for_after_it_was_found_stays(
    conn: Connection, team: Team, group: Group, aged: Age
) -> None:
    other = groups.create(conn, team.id, "others")
    aged(group, 90, 90)
    [job] = retention.find_due(conn, datetime.now(UTC))
    query = one("subscription_options_in", "notin", [str(group.id)])
    segments.create(conn, team.id, other.id, "strangers", query, now=datetime.now(UTC))
    jobs.work(conn, job)
    assert exists(conn, group)


@pytest.mark.parametrize("what", ["keyword", "segment", "link"])
def test_a_group_with_something_attached_stays(
    conn: Connection, team: Team, group: Group, aged: Age, what: str
) -> None:
    now = datetime.now(UTC)
    if what == "keyword":
        keywords.create(conn, team.id, "sale", group.id, now=now)
    elif what == "segment":
        query = one("first_name", "eq", "Ann")
        segments.create(conn, team.id, group.id, "people called Ann", query, now=now)
    else:
        group = groups.create(conn, team.id, "left", "optout")
        domain = domains.create(conn, team.id, "go.example.com", now=now)
        links.create(conn, team.id, domain.id, "stop", group=group.id, now=now)
    aged(group, 90, 90)
    sweep(conn)
    assert exists(conn, group)


def test_what_is_not_deletable_and_the_default_optouts_stay(
    conn: Connection, team: Team, aged: Age
) -> None:
    kept = groups.create(conn, team.id, "kept", deletable=False)
    aged(kept, 900, 900)
    optouts = aged(groups.find_default_optouts(conn, team.id), 900, 900)
    sweep(conn)
    assert exists(conn, kept)
    assert exists(conn, optouts)


def test_a_team_without_a_policy_keeps_everything(
    conn: Connection, team: Team, group: Group, aged: Age
) -> None:
    aged(group, 9000, 9000)
    teams.edit(conn, team.id, {"retention_days": None})
    sweep(conn)
    assert exists(conn, group)


def test_a_group_that_a_campaign_names_after_it_was_found_stays(
    conn: Connection, group: Group, aged: Age, make_campaign: MakeCampaign
) -> None:
    aged(group, 90, 90)
    [job] = retention.find_due(conn, datetime.now(UTC))
    make_campaign("scheduled", include=[group.id])
    jobs.work(conn, job)
    assert exists(conn, group)
    assert not pending.any_in(conn, group.id)


def test_a_group_with_changes_that_wait_stays(
    conn: Connection, team: Team, group: Group, aged: Age
) -> None:
    changes.add(conn, team, group.id, {"contacts": [{"phone": PHONE}]})
    aged(group, 90, 90)
    assert retention.find_due(conn, datetime.now(UTC)) == []


def test_a_bounded_number_goes_at_a_time(conn: Connection, team: Team, aged: Age) -> None:
    for n in range(5):
        aged(groups.create(conn, team.id, f"old {n}"), 90, 90)
    assert len(retention.find_due(conn, datetime.now(UTC), amount=3)) == 3
    assert len(retention.find_due(conn, datetime.now(UTC), amount=3)) == 2


def test_the_tick_finds_and_publishes_them(conn: Connection, group: Group, aged: Age) -> None:
    aged(group, 90, 90)
    now = datetime.now(UTC)
    sweeping = Sweep()
    forgetting.run_once(conn, now, sweeping)
    [(_, job_id)] = publishing.run_once(conn, now)
    jobs.work(conn, job_id)
    assert not exists(conn, group)
    # Not again with the next ticks.
    other = groups.create(conn, group.team_id, "other")
    aged(other, 90, 90)
    forgetting.run_once(conn, now + timedelta(seconds=30), sweeping)
    assert not pending.any_in(conn, other.id)
    forgetting.run_once(conn, now + timedelta(seconds=61), sweeping)
    assert pending.any_in(conn, other.id)


@pytest.mark.parametrize("lock", ["NO KEY UPDATE", "UPDATE"], ids=["written", "deleted"])
def test_the_tick_waits_for_no_group_that_somebody_holds(
    conn: Connection, database: str, team: Team, group: Group, aged: Age,
    make_campaign: MakeCampaign, lock: str,
) -> None:  # fmt: skip
    """An import or a deletion holds a group for as long as it takes; nothing is sent meanwhile."""
    campaign_id = make_campaign("finished", include=[group.id])
    contacts.add(conn, team, group.id, [{"phone": PHONE}])
    conn.execute("UPDATE campaigns SET updated_at = now() - interval '80 days' WHERE id = %s",
                 [campaign_id])  # fmt: skip
    aged(group, 90, 90)
    conn.execute("SET lock_timeout = '200ms'")
    with connect(database) as other, other.transaction():
        other.execute(f"SELECT FROM contact_groups WHERE id = %s FOR {lock}", [group.id])
        forgetting.run_once(conn, datetime.now(UTC), Sweep())
        assert groups.summary(conn, group).number_of_contacts == 1
    found = Sweep()
    forgetting.run_once(conn, datetime.now(UTC), found)
    assert pending.any_in(conn, group.id)
    assert groups.summary(conn, group).number_of_contacts == 1
    folded = conn.execute("SELECT backend FROM group_tallies").fetchall()
    assert [row["backend"] for row in folded] == [0]


@pytest.mark.parametrize("days", [0, -1, 36_501, "30", 1.5, True])
def test_a_policy_is_a_number_of_days(conn: Connection, team: Team, days: object) -> None:
    with pytest.raises(Invalid, match=r"^retention_days: "):
        teams.edit(conn, team.id, {"retention_days": days})
