"""Lists are paged, filtered and sorted by fixed fields, and refuse every other question."""

from __future__ import annotations

import pytest

from campaigns.audience import groups
from campaigns.campaign import control, service
from campaigns.team.teams import Team
from tests.support.door import Door
from tests.support.inline_contacts import Headers, create, listed


def test_campaigns_of_every_door_are_listed_and_tests_are_not(
    door: Door, team: Team, token: Headers
) -> None:
    group = groups.create(door.conn, team.id, "G")
    body = {"name": "X", "sender": "Acme", "template": "Hi", "included_contact_groups": [group.id]}
    campaign = service.submit(
        door.conn, team.id, body, providers=door.context.providers(), now=door.context.now()
    )
    assert [item["id"] for item in listed(door, token)["items"]] == [str(campaign.id)]
    page = door.client.get(f"/api/Campaigns/{campaign.id}/Contacts", headers=token).json()
    assert page["totalRecords"] == 0
    control.delete(door.conn, team.id, campaign.id, now=door.context.now())
    assert listed(door, token)["totalRecords"] == 0


@pytest.fixture
def several(door: Door, token: Headers) -> dict[str, str]:
    """Campaigns by their senders, a day apart."""
    senders = ("Acme", "Beta", "100%", "A_me", "Acme, Ltd")
    return {
        sender: create(door, token, sender=sender, startDateTime=f"2030-01-0{day}T12:00:00Z")
        for day, sender in enumerate(senders, 1)
    }


@pytest.mark.parametrize(
    ("filters", "senders"),
    [
        ("sender==Acme", {"Acme"}),
        ("sender!=Acme", {"Beta", "100%", "A_me", "Acme, Ltd"}),
        ("sender@=cm", {"Acme", "Acme, Ltd"}),
        ("sender_=A", {"Acme", "A_me", "Acme, Ltd"}),
        ("sender@=%", {"100%"}),
        ("sender@=_", {"A_me"}),
        (r"sender==Acme\, Ltd", {"Acme, Ltd"}),
        ("sender_=A,sender!=Acme", {"A_me", "Acme, Ltd"}),
        ("sender@=\\\\", set()),
        ("sender==' OR 1=1 --", set()),
        ("startDateTime==2030-01-02T12:00:00Z", {"Beta"}),
        ("startDateTime>2030-01-03T12:00:00Z", {"A_me", "Acme, Ltd"}),
        (
            "startDateTime>=2030-01-02T12:00:00Z,startDateTime<2030-01-04T12:00:00Z",
            {"Beta", "100%"},
        ),
        ("startDateTime<=2030-01-01T12:00:00Z", {"Acme"}),
        ("startDateTime>2030-01-03T00:00:00Z,startDateTime<2030-01-02T00:00:00Z", set()),
        ("status==0,sender==Beta", {"Beta"}),
        ("status==1", set()),
        ("status==0,status==1", set()),
    ],
)
def test_filter_selects(
    door: Door, token: Headers, several: dict[str, str], filters: str, senders: set[str]
) -> None:
    page = listed(door, token, filters=filters)
    assert {item["sender"] for item in page["items"]} == senders
    assert page["totalRecords"] == len(senders)


@pytest.mark.parametrize(
    ("sorts", "senders"),
    [
        ("startDateTime", ["Acme", "Beta", "100%", "A_me", "Acme, Ltd"]),
        ("-startDateTime", ["Acme, Ltd", "A_me", "100%", "Beta", "Acme"]),
        ("sender", None),
        ("-sender", None),
    ],
)
def test_sorting_orders(
    door: Door, token: Headers, several: dict[str, str], sorts: str, senders: list[str] | None
) -> None:
    whole = [item["sender"] for item in listed(door, token, sorts=sorts)["items"]]
    if senders is None:
        found = door.conn.execute("SELECT sender FROM campaigns ORDER BY sender, id").fetchall()
        senders = [row["sender"] for row in found][:: -1 if sorts[0] == "-" else 1]
    assert whole == senders
    paged = [
        item["sender"]
        for index in (1, 2, 3)
        for item in listed(door, token, sorts=sorts, pageIndex=index, pageSize=2)["items"]
    ]
    assert paged == whole


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"pageSize": "0"}, "pageSize"),
        ({"pageSize": "-1"}, "pageSize"),
        ({"pageSize": "1000000000"}, "pageSize"),
        ({"pageSize": "x"}, "pageSize"),
        ({"pageIndex": "0"}, "pageIndex"),
        ({"pageIndex": "-1"}, "pageIndex"),
        ({"pageIndex": "9" * 30}, "pageIndex"),
        ({"sorts": "message"}, "sorts"),
        ({"sorts": "startDateTime; DROP TABLE campaigns"}, "sorts"),
        ({"filters": "message@=x"}, "filters"),
        ({"filters": "status=1"}, "filters"),
        ({"filters": "status==7"}, "filters"),
        ({"filters": "status>1"}, "filters"),
        ({"filters": "startDateTime==yesterday"}, "filters"),
        ({"filters": "sender==a\x00b"}, "filters"),
        ({"filters": "sender==a\\"}, "filters"),
        ({"filters": ",".join(["sender==a"] * 21)}, "filters"),
        ({"filters": "sender==" + "a" * 3000}, "filters"),
        ({"filters": "1=1) OR (1=1"}, "filters"),
        ({"filter": "status==1"}, "query"),
    ],
)
def test_odd_question_is_one_sentence(
    door: Door, token: Headers, query: dict[str, str], field: str
) -> None:
    answer = door.client.get("/api/Campaigns", headers=token, params=query)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_page_beyond_all_others_is_empty(door: Door, token: Headers) -> None:
    create(door, token)
    page = listed(door, token, pageIndex=1_000_000_000, pageSize=1000)
    assert (page["items"], page["totalRecords"]) == ([], 1)


def test_contacts_are_sorted_and_filtered(door: Door, token: Headers) -> None:
    found = [{"phoneNumber": f"+4477858561{n:02}", "name": f"N_{n}"} for n in (7, 3, 5)]
    name = create(door, token, contacts=found)

    def phones(**query: str) -> list[str]:
        page = door.client.get(f"/api/Campaigns/{name}/Contacts", headers=token, params=query)
        return [item["phoneNumber"][-1] for item in page.json()["items"]]

    assert phones() == ["7", "3", "5"]
    assert phones(sorts="phoneNumber") == ["3", "5", "7"]
    assert phones(sorts="-phoneNumber", pageSize="1", pageIndex="2") == ["5"]
    assert phones(filters="phoneNumber==+447785856103") == ["3"]
    assert phones(filters="phoneNumber_=447785,phoneNumber@=105") == ["5"]
    assert phones(filters="name==N_7") == ["7"]
    assert phones(filters="name@=N%7") == []
    answer = door.client.get(
        f"/api/Campaigns/{name}/Contacts", headers=token, params={"filters": "+447785856103"}
    )
    assert answer.status_code == 422
    assert "447785856103" not in answer.text
