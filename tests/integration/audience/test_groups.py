"""Contact groups: creation, repetition, deletion, and what locks them."""

from __future__ import annotations

from uuid import uuid4

import pytest

from campaigns.audience import contacts, groups
from campaigns.audience.groups import Group
from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid, Locked, NotFound
from campaigns.team import teams
from campaigns.team.teams import Team

from .conftest import MakeCampaign

PHONE = "447785856985"


def test_group_is_found_by_name_and_by_uuid(conn: Connection, team: Team, group: Group) -> None:
    assert groups.find(conn, team.id, "customers") == group
    assert groups.find(conn, team.id, str(group.id)) == group


def test_group_of_another_team_is_not_found(conn: Connection, group: Group) -> None:
    other = teams.create(conn, "other")
    with pytest.raises(NotFound, match="no group"):
        groups.find(conn, other.id, group.id)


@pytest.mark.parametrize("name", ["customers\x00", "\ud800"])
def test_what_no_group_and_no_team_can_be_called_is_not_found(
    conn: Connection, team: Team, group: Group, name: str
) -> None:
    with pytest.raises(NotFound, match="no group"):
        groups.find(conn, team.id, name)
    with pytest.raises(NotFound, match="no team"):
        teams.find(conn, name)


def test_repeated_create_with_the_same_uuid_returns_the_same_group(
    conn: Connection, team: Team
) -> None:
    uuid = uuid4()
    first = groups.create(conn, team.id, "vip", description="very", uuid=str(uuid))
    assert groups.create(conn, team.id, "vip", description="very", uuid=uuid) == first


def test_same_uuid_with_other_content_is_refused(conn: Connection, team: Team) -> None:
    first = groups.create(conn, team.id, "vip", uuid=uuid4())
    with pytest.raises(Conflict, match=str(first.id)):
        groups.create(conn, team.id, "vip", kind="optout", uuid=first.id)
    assert groups.find(conn, team.id, "vip") == first


def test_uuid_of_another_teams_group_is_refused_without_telling_its_content(
    conn: Connection, group: Group
) -> None:
    other = teams.create(conn, "other")
    with pytest.raises(Conflict) as refused:
        groups.create(conn, other.id, "mine", uuid=group.id)
    assert "customers" not in str(refused.value)


def test_second_group_of_a_name_is_refused(conn: Connection, team: Team, group: Group) -> None:
    with pytest.raises(Conflict, match="'customers'"):
        groups.create(conn, team.id, group.name)


def test_unknown_kind_is_refused(conn: Connection, team: Team) -> None:
    with pytest.raises(Invalid, match="kind: 'maybe' must be 'optin' or 'optout'"):
        groups.create(conn, team.id, "x", kind="maybe")


def test_listing_tells_size_status_and_headers(conn: Connection, team: Team, group: Group) -> None:
    contacts.add(
        conn, team, "customers", [{"phone": PHONE, "custom_fields": {"First Name": "Ann"}}]
    )
    optouts, customers = groups.list_all(conn, team.id)
    assert (optouts.number_of_contacts, optouts.status) == (0, "Empty")
    assert (customers.number_of_contacts, customers.status) == (1, "Ready")
    assert customers.group.headers == ["first_name"]
    assert groups.summary(conn, group).number_of_contacts == 1


def test_default_optouts_cannot_be_deleted(conn: Connection, team: Team) -> None:
    with pytest.raises(Locked, match="opt-outs"):
        groups.delete(conn, team.id, "default_optouts")
    assert groups.find(conn, team.id, "default_optouts")


@pytest.mark.parametrize("status", ["draft", "scheduled", "sending"])
@pytest.mark.parametrize("role", ["include", "exclude"])
def test_group_that_a_campaign_may_still_need_cannot_be_deleted(
    conn: Connection,
    team: Team,
    group: Group,
    make_campaign: MakeCampaign,
    status: str,
    role: str,
) -> None:
    campaign = make_campaign(
        status,
        include=[group.id] if role == "include" else [],
        exclude=[group.id] if role == "exclude" else [],
    )
    with pytest.raises(Locked, match=f"'Spring sale'.*{campaign}.*{status}"):
        groups.delete(conn, team.id, group.id)
    assert groups.find(conn, team.id, group.id) == group


def test_deleting_a_group_keeps_what_past_campaigns_record_about_it(
    conn: Connection, team: Team, group: Group, make_campaign: MakeCampaign
) -> None:
    make_campaign("finished", include=[group.id])
    contacts.add(conn, team, group.id, [{"phone": PHONE}])
    groups.delete(conn, team.id, "customers")
    with pytest.raises(NotFound):
        groups.find(conn, team.id, group.id)
    assert conn.execute("SELECT group_id FROM campaign_groups").fetchone() == {"group_id": group.id}
    assert conn.execute("SELECT count(*) AS n FROM contacts").fetchone() == {"n": 0}


@pytest.mark.parametrize("role", ["include", "exclude"])
def test_opt_in_group_is_locked_while_a_campaign_sends_with_it(
    conn: Connection, team: Team, group: Group, make_campaign: MakeCampaign, role: str
) -> None:
    contacts.add(conn, team, group.id, [{"phone": PHONE}])
    make_campaign(
        "sending",
        include=[group.id] if role == "include" else [],
        exclude=[group.id] if role == "exclude" else [],
    )
    with pytest.raises(Locked, match="sending"):
        contacts.add(conn, team, group.id, [{"phone": "447785856986"}])
    with pytest.raises(Locked, match="sending"):
        contacts.remove(conn, team, group.id, [PHONE])
    with pytest.raises(Locked, match="sending"):
        contacts.flush(conn, team, group.id)
    assert groups.summary(conn, group).number_of_contacts == 1


def test_opt_in_group_of_a_scheduled_campaign_is_open(
    conn: Connection, team: Team, group: Group, make_campaign: MakeCampaign
) -> None:
    make_campaign("scheduled", include=[group.id])
    assert contacts.add(conn, team, group.id, [{"phone": PHONE}]).added == 1


def test_opt_out_group_takes_additions_but_no_removals_while_sending(
    conn: Connection, team: Team, make_campaign: MakeCampaign
) -> None:
    optouts = groups.create(conn, team.id, "complaints", kind="optout")
    make_campaign("sending", include=[], exclude=[optouts.id])
    assert contacts.add(conn, team, optouts.id, [{"phone": PHONE}]).added == 1
    with pytest.raises(Locked):
        contacts.remove(conn, team, optouts.id, [PHONE])
    with pytest.raises(Locked):
        contacts.flush(conn, team, optouts.id)
