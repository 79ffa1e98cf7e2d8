"""The contacts of a request are stored whole or told of, and belong to their campaign alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from campaigns.audience import contacts, groups
from campaigns.campaign import service, state
from campaigns.team import teams
from campaigns.team.teams import Team
from tests.support.door import Door, error_of
from tests.support.inline_contacts import Headers, create, example, rows, show

# ignoreInvalidPhoneNumbers


WRONG = [
    {"phoneNumber": "+447785856123", "name": "Ann"},
    {"phoneNumber": "12"},
    {"phoneNumber": ""},
    {"phoneNumber": None, "name": "Nobody"},
    {"phoneNumber": "+447785856125", "custom1": "x" * 1001},
    {"phoneNumber": "+447785856125", "custom2": "a\x00b"},
]


@pytest.mark.parametrize("flag", ["true", "True", "TRUE"])
def test_invalid_contacts_are_left_out_where_that_is_asked_for(
    door: Door, token: Headers, flag: str
) -> None:
    answer = door.client.post(
        f"/api/campaigns/{flag}", headers=token, json=example(door, contacts=WRONG)
    )
    assert answer.status_code == 201
    assert show(door, token, answer.json())["recipientCount"] == 1


@pytest.mark.parametrize("path", ["/api/campaigns/false", "/api/Campaigns/False", "/api/Campaigns"])
def test_every_invalid_contact_is_told_and_nothing_is_stored(
    door: Door, token: Headers, path: str
) -> None:
    answer = door.client.post(path, headers=token, json=example(door, contacts=WRONG))
    assert answer.status_code == 422
    said = answer.json()
    assert [fault["field"] for fault in said["errors"]] == [
        "contacts[1].phoneNumber",
        "contacts[2].phoneNumber",
        "contacts[3].phoneNumber",
        "contacts[4].custom_fields",
        "contacts[5].custom_fields",
    ]
    assert said["field"] == "contacts[1].phoneNumber"
    assert "and 4 other entries are wrong" in said["message"]
    assert rows(door, "campaigns") == rows(door, "contacts") == 0
    assert rows(door, "contact_groups WHERE campaign_id IS NOT NULL") == 0


def test_faults_without_end_are_counted_but_not_all_told(door: Door, token: Headers) -> None:
    many = [{"phoneNumber": "1"}] * 1200
    answer = door.client.post(
        "/api/campaigns/false", headers=token, json=example(door, contacts=many)
    )
    assert len(answer.json()["errors"]) == 1000
    assert "and 1199 other entries are wrong" in answer.json()["message"]


@pytest.mark.parametrize("found", [[], [{"phoneNumber": "1"}]])
def test_campaign_for_nobody_is_refused(door: Door, token: Headers, found: list[Any]) -> None:
    answer = door.client.post(
        "/api/campaigns/true", headers=token, json=example(door, contacts=found)
    )
    assert error_of(answer) == (
        422, "contacts: must have at least one contact with a valid number.",
    )  # fmt: skip


def test_number_that_comes_twice_is_one_recipient_and_the_first_one_counts(
    door: Door, token: Headers
) -> None:
    twice = [
        {"phoneNumber": "07785856123", "name": "First"},
        {"phoneNumber": "+447785856123", "name": "Second"},
    ]
    name = create(door, token, contacts=twice)
    page = door.client.get(f"/api/Campaigns/{name}/Contacts", headers=token).json()
    assert [item["name"] for item in page["items"]] == ["First"]
    assert show(door, token, name)["recipientCount"] == 1


# The contacts' own group.


def test_contacts_are_none_of_the_teams_groups(door: Door, team: Team, token: Headers) -> None:
    name = create(door, token)
    campaign = service.get(door.conn, team.id, UUID(name))
    assert [one.group.name for one in groups.list_all(door.conn, team.id)] == ["default_optouts"]
    for spelt in (campaign.included[0], f"Contacts of {name}"):
        with pytest.raises(Exception, match="there is no group"):
            groups.find(door.conn, team.id, spelt)


def test_contacts_are_for_their_own_campaign_only(door: Door, team: Team, token: Headers) -> None:
    own = service.get(door.conn, team.id, UUID(create(door, token))).included[0]
    for lists in ({"included_contact_groups": [own]},
                  {"included_contact_groups": [groups.create(door.conn, team.id, "G").id],
                   "excluded_contact_groups": [own]}):  # fmt: skip
        body = {"name": "X", "sender": "Acme", "template": "Hi", **lists}
        with pytest.raises(Exception, match="is not a contact group of this team"):
            service.submit(
                door.conn, team.id, body,
                providers=door.context.providers(), now=door.context.now(),
            )  # fmt: skip


def test_contact_is_filed_in_the_group_that_it_names_too(
    door: Door, team: Team, token: Headers
) -> None:
    group = groups.create(door.conn, team.id, "Customers")
    contacts.add(door.conn, team, group.id, [{"phone": "447785856123"}])
    found = [
        {"phoneNumber": "+447785856123", "name": "Ann", "contactGroupId": str(group.id)},
        {"phoneNumber": "+447785856124", "contactGroupId": str(group.id)},
        {"phoneNumber": "+447785856125"},
    ]
    create(door, token, contacts=found)
    filed = contacts.list_page(door.conn, team, group.id)
    assert [(one.phone, one.fields) for one in filed] == [
        ("447785856123", {"name": "Ann"}),
        ("447785856124", {}),
    ]


def test_group_to_file_in_must_be_the_teams_and_take_contacts(
    door: Door, team: Team, token: Headers
) -> None:
    other = groups.create(door.conn, teams.create(door.conn, "other").id, "Theirs")
    optouts = groups.create(door.conn, team.id, "Stop", "optout")
    for group, rule in (
        (other.id, "is not a contact group of this team"),
        (uuid4(), "is not a contact group of this team"),
        (optouts.id, "is an opt-out group; contacts cannot be filed there"),
    ):
        found = [{"phoneNumber": "+447785856123", "contactGroupId": str(group)}]
        answer = door.client.post(
            "/api/campaigns/true", headers=token, json=example(door, contacts=found)
        )
        assert error_of(answer) == (422, f"contacts[0].contactGroupId: {rule}.")
    assert rows(door, "campaigns") == 0


def test_nothing_is_stored_when_the_group_to_file_in_is_sent_with(
    door: Door, team: Team, token: Headers
) -> None:
    group = groups.create(door.conn, team.id, "Customers")
    body = {"name": "X", "sender": "Acme", "template": "Hi", "included_contact_groups": [group.id]}
    now = door.context.now()
    sending = service.submit(door.conn, team.id, body, providers=door.context.providers(), now=now)
    state.move(door.conn, sending.id, "start", now)
    found = [{"phoneNumber": "+447785856123", "contactGroupId": str(group.id)}]
    answer = door.client.post("/api/Campaigns", headers=token, json=example(door, contacts=found))
    assert answer.status_code == 423
    assert rows(door, "campaigns") == 1
    assert rows(door, "contacts") == 0


def test_many_contacts_are_stored_in_one_request(door: Door, team: Team, token: Headers) -> None:
    many = [{"phoneNumber": f"+44778{n:07}", "name": f"N{n}"} for n in range(5_800_000, 5_820_000)]
    name = create(door, token, contacts=many)
    assert show(door, token, name)["recipientCount"] == 20_000
    assert rows(door, "contacts") == 20_000
    campaign = service.get(door.conn, team.id, UUID(name))
    assert campaign.created_at <= datetime.now(UTC)
