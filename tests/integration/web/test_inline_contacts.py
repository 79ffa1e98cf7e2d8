"""The Inline-contacts API: every example of its document, and what is done with its requests."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from campaigns.audience import contacts, groups
from campaigns.campaign import control, service, state
from campaigns.links import domains, links
from campaigns.team import teams
from campaigns.team.teams import Team
from tests.support.door import Door, error_of

Headers = dict[str, str]

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TYPES = {
    "id": str,
    "startDateTime": str,
    "sender": str,
    "recipientCount": int,
    "message": str,
    "status": int,
    "optOutLinkId": int,
    "trackLinkUrl": str,
}


def later(door: Door, **distance: float) -> str:
    return (door.context.now() + timedelta(**distance)).strftime("%Y-%m-%dT%H:%M:%S.492Z")


def example(door: Door, **changes: Any) -> dict[str, Any]:
    """The document's request, with values in the place of its types."""
    return {
        "startDateTime": later(door, days=1),
        "sender": "Acme",
        "message": "Hello @name",
        "optOutLinkId": 0,
        "trackLinkUrl": "",
        "contacts": [
            {
                "phoneNumber": "+447785856123",
                "name": "Ann",
                "custom1": "a",
                "custom2": "b",
                "contactGroupId": None,
            },
            {"phoneNumber": "07785 856124", "name": "Bob"},
        ],
        **changes,
    }


def create(door: Door, token: Headers, **changes: Any) -> str:
    answer = door.client.post("/api/Campaigns", headers=token, json=example(door, **changes))
    assert answer.status_code == 201, answer.text
    return str(answer.json())


def show(door: Door, token: Headers, name: str) -> dict[str, Any]:
    answer = door.client.get(f"/api/Campaigns/{name}", headers=token)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def listed(door: Door, token: Headers, **query: Any) -> dict[str, Any]:
    answer = door.client.get("/api/Campaigns", headers=token, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def rows(door: Door, table: str) -> int:
    row = door.conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone()  # type: ignore[arg-type]
    return int((row or {})["n"])


# What the document shows.


def test_post_answers_201_and_the_id_as_a_string(door: Door, token: Headers) -> None:
    answer = door.client.post("/api/Campaigns", headers=token, json=example(door))
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert UUID(answer.json())
    assert answer.headers["location"] == f"/api/Campaigns/{answer.json()}"


def test_get_by_id_has_the_fields_types_and_formats_of_the_document(
    door: Door, token: Headers
) -> None:
    start = later(door, days=1)
    name = create(door, token, startDateTime=start)
    found = show(door, token, name)
    assert {field: type(value) for field, value in found.items()} == TYPES
    assert MOMENT.fullmatch(found["startDateTime"])
    assert found == {
        "id": name,
        "startDateTime": start.replace(".492Z", ".000Z"),
        "sender": "Acme",
        "recipientCount": 2,
        "message": "Hello @name",
        "status": 0,
        "optOutLinkId": 0,
        "trackLinkUrl": "",
    }


def test_list_is_the_envelope_of_the_document(door: Door, token: Headers) -> None:
    names = [create(door, token, startDateTime=later(door, days=day)) for day in range(1, 13)]
    page = listed(door, token)
    assert list(page) == ["pageIndex", "totalPages", "totalRecords", "items"]
    assert (page["pageIndex"], page["totalPages"], page["totalRecords"]) == (1, 2, 12)
    # 4274 records on 428 pages are ten on each.
    assert [item["id"] for item in page["items"]] == names[::-1][:10]
    assert {field: type(value) for field, value in page["items"][0].items()} == TYPES
    last = listed(door, token, pageIndex=2)
    assert [item["id"] for item in last["items"]] == names[::-1][10:]
    behind = listed(door, token, pageIndex=3)
    assert (behind["items"], behind["totalPages"]) == ([], 2)


def test_list_of_nothing_has_no_pages(door: Door, token: Headers) -> None:
    assert listed(door, token) == {
        "pageIndex": 1, "totalPages": 0, "totalRecords": 0, "items": [],
    }  # fmt: skip


def test_contacts_of_a_campaign_are_the_envelope_of_the_document(
    door: Door, token: Headers
) -> None:
    name = create(door, token)
    page = door.client.get(f"/api/Campaigns/{name}/Contacts", headers=token).json()
    numbers = {item.pop("id") for item in page["items"]}
    assert len(numbers) == 2
    assert all(isinstance(number, str) for number in numbers)
    assert page == {
        "pageIndex": 1,
        "totalPages": 1,
        "totalRecords": 2,
        "items": [
            {"phoneNumber": "447785856123", "name": "Ann", "custom1": "a", "custom2": "b"},
            {"phoneNumber": "447785856124", "name": "Bob", "custom1": "", "custom2": ""},
        ],
    }


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_put_by_either_documented_method_answers_204_and_changes_the_fields(
    door: Door, token: Headers, method: str
) -> None:
    name = create(door, token)
    start = later(door, days=3)
    body = {"startDateTime": start, "sender": "Other", "message": "Bye @custom1",
            "optOutLinkId": 0, "trackLinkUrl": ""}  # fmt: skip
    answer = door.client.request(method, f"/api/Campaigns/{name}", headers=token, json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    found = show(door, token, name)
    assert (found["sender"], found["message"]) == ("Other", "Bye @custom1")
    assert found["startDateTime"] == start.replace(".492Z", ".000Z")
    assert found["recipientCount"] == 2


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_delete_by_either_documented_method_answers_204_and_removes_the_contacts(
    door: Door, token: Headers, method: str
) -> None:
    name = create(door, token)
    answer = door.client.request(method, f"/api/Campaigns/{name}", headers=token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert door.client.get(f"/api/Campaigns/{name}", headers=token).status_code == 404
    assert rows(door, "contacts") == 0
    assert rows(door, "contact_groups WHERE campaign_id IS NOT NULL") == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize(
    "name", [str(uuid4()), "abc123", "0", "-1", "'; DROP TABLE campaigns", "%00"]
)
def test_campaign_that_is_not_there_is_404(
    door: Door, token: Headers, method: str, name: str
) -> None:
    body = {"json": {"sender": "Acme"}} if method in ("PUT", "POST") else {}
    answer = door.client.request(method, f"/api/Campaigns/{name}", headers=token, **body)
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/api/Campaigns", "/api/campaigns", "/api/CAMPAIGNS"])
def test_path_may_be_written_in_any_case(door: Door, token: Headers, path: str) -> None:
    name = create(door, token)
    assert door.client.get(path, headers=token).json()["totalRecords"] == 1
    assert door.client.get(f"{path}/{name}", headers=token).status_code == 200
    assert door.client.get(f"{path}/{name}/contacts", headers=token).json()["totalRecords"] == 2


def test_request_exactly_as_documented_is_refused_for_its_placeholders(
    door: Door, token: Headers
) -> None:
    body = {
        "startDateTime": "2023-06-27T03:10:04.492Z",
        "sender": "string",
        "message": "string",
        "optOutLinkId": 0,
        "trackLinkUrl": "string",
        "contacts": [
            {
                "phoneNumber": "string",
                "name": "string",
                "custom1": "string",
                "custom2": "string",
                "contactGroupId": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
            }
        ],
    }
    answer = door.client.post("/api/campaigns/false", headers=token, json=body)
    assert answer.status_code == 422
    assert answer.json()["field"] == "contacts[0].phoneNumber"


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


# The campaign.


def test_all_three_fields_may_be_used_whoever_has_them(door: Door, token: Headers) -> None:
    create(
        door, token, message="@name @custom1 @custom2", contacts=[{"phoneNumber": "+447785856123"}]
    )
    answer = door.client.post(
        "/api/Campaigns", headers=token, json=example(door, message="Hi @custom3")
    )
    assert answer.json()["field"] == "message"
    assert "@custom3" in answer.json()["message"]


@pytest.mark.parametrize("start", [None, "now"])
def test_campaign_without_a_start_starts_at_once(
    door: Door, team: Team, token: Headers, start: str | None
) -> None:
    body = example(door, startDateTime=start and later(door, seconds=-30))
    if start is None:
        del body["startDateTime"]
    answer = door.client.post("/api/Campaigns", headers=token, json=body)
    campaign = service.get(door.conn, team.id, UUID(answer.json()))
    assert campaign.status == "scheduled"
    assert campaign.scheduled_send_date <= door.context.now()


def test_start_in_the_past_is_refused(door: Door, token: Headers) -> None:
    answer = door.client.post(
        "/api/Campaigns", headers=token, json=example(door, startDateTime=later(door, minutes=-2))
    )
    assert error_of(answer) == (422, "startDateTime: must not lie in the past.")


def test_field_that_is_left_out_or_null_stays(door: Door, token: Headers) -> None:
    name = create(door, token)
    before = show(door, token, name)
    for body in ({}, {"sender": None, "message": None, "startDateTime": None}):
        answer = door.client.put(f"/api/Campaigns/{name}", headers=token, json=body)
        assert answer.status_code == 204
    assert show(door, token, name) == before


@pytest.mark.parametrize(
    ("event", "number"),
    [(None, 0), ("start", 1), ("stop", 3), ("fail", 4)],
)
def test_each_status_has_its_number(
    door: Door, token: Headers, event: str | None, number: int
) -> None:
    name = create(door, token)
    if event:
        assert state.move(door.conn, UUID(name), event, door.context.now())
    assert show(door, token, name)["status"] == number
    assert listed(door, token, filters=f"status=={number}")["totalRecords"] == 1
    assert listed(door, token, filters=f"status!={number}")["totalRecords"] == 0


def test_campaign_that_is_sending_is_locked(door: Door, token: Headers) -> None:
    name = create(door, token)
    state.move(door.conn, UUID(name), "start", door.context.now())
    for method, body in (("PUT", {"sender": "Other"}), ("POST", {"sender": "Other"}),
                         ("DELETE", None), ("POST", None)):  # fmt: skip
        given = {} if body is None else {"json": body}
        answer = door.client.request(method, f"/api/Campaigns/{name}", headers=token, **given)
        assert (answer.status_code, answer.json()["code"]) == (423, "locked")
    state.move(door.conn, UUID(name), "finish", door.context.now())
    assert show(door, token, name)["status"] == 2


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


# Links.


def test_links_are_shown_as_they_were_asked_for_and_go_when_that_is_asked_for(
    door: Door, team: Team, token: Headers
) -> None:
    now = door.context.now()
    domains.create(door.conn, team.id, "go.example.com", now=now)
    link = links.create(door.conn, team.id, "go.example.com", "out", now=now)
    url = "https://shop.example/sale"
    name = create(door, token, optOutLinkId=link.number, trackLinkUrl=url)
    for found in (show(door, token, name), listed(door, token)["items"][0]):
        assert (found["optOutLinkId"], found["trackLinkUrl"]) == (link.number, url)
    for body in ({"optOutLinkId": 0}, {"trackLinkUrl": ""}):
        answer = door.client.put(f"/api/Campaigns/{name}", headers=token, json=body)
        assert answer.status_code == 204, answer.text
    found = show(door, token, name)
    assert (found["optOutLinkId"], found["trackLinkUrl"]) == (0, "")


def test_link_that_is_not_the_teams_is_a_wrong_field(
    door: Door, team: Team, token: Headers
) -> None:
    now = door.context.now()
    other = teams.create(door.conn, "other").id
    domains.create(door.conn, other, "go.example.com", now=now)
    theirs = links.create(door.conn, other, "go.example.com", "out", now=now)
    for field, value in (
        ("optOutLinkId", theirs.number),
        ("optOutLinkId", 2**40),
        # There is no domain to make it on.
        ("trackLinkUrl", "https://shop.example/"),
        ("trackLinkUrl", "javascript:alert(1)"),
        ("trackLinkUrl", "string"),
        ("trackLinkUrl", "https://user:pass@shop.example/"),
    ):
        answer = door.client.post(
            "/api/Campaigns", headers=token, json=example(door, **{field: value})
        )
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
        assert "pass@" not in answer.text
    assert rows(door, "campaigns") == rows(door, "contacts") == 0


# Sorting and filtering.


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


# Other teams, scopes, hostile bodies.


def test_other_team_meets_nothing(door: Door, token: Headers) -> None:
    name = create(door, token)
    theirs = door.token(teams.create(door.conn, "other").id)
    for method, path, body in (
        ("GET", f"/api/Campaigns/{name}", None),
        ("GET", f"/api/Campaigns/{name}/Contacts", None),
        ("PUT", f"/api/Campaigns/{name}", {"sender": "Evil"}),
        ("POST", f"/api/Campaigns/{name}", {"sender": "Evil"}),
        ("POST", f"/api/Campaigns/{name}", None),
        ("DELETE", f"/api/Campaigns/{name}", None),
    ):
        given = {} if body is None else {"json": body}
        answer = door.client.request(method, path, headers=theirs, **given)
        nobody = door.client.request(
            method, path.replace(name, str(uuid4())), headers=theirs, **given
        )
        assert answer.status_code == nobody.status_code == 404
        assert answer.json()["code"] == nobody.json()["code"]
    assert listed(door, theirs)["totalRecords"] == 0
    assert show(door, token, name)["sender"] == "Acme"


def test_token_needs_the_scope_of_what_it_does(door: Door, team: Team, token: Headers) -> None:
    name = create(door, token)
    reads = door.token(team.id, "read")
    assert door.client.get("/api/Campaigns", headers=reads).status_code == 200
    for method, path in (
        ("POST", "/api/Campaigns"), ("POST", "/api/Campaigns/true"),
        ("POST", f"/api/Campaigns/{name}"),
        ("PUT", f"/api/Campaigns/{name}"), ("DELETE", f"/api/Campaigns/{name}"),
    ):  # fmt: skip
        assert door.client.request(method, path, headers=reads).status_code == 403
        assert door.client.request(method, path).status_code == 401


HOSTILE: list[tuple[str, Any, str]] = [
    ("startDateTime", 5, "startDateTime"),
    ("startDateTime", "tomorrow", "startDateTime"),
    ("startDateTime", [], "startDateTime"),
    ("sender", 7, "sender"),
    ("sender", None, "sender"),
    ("sender", "", "sender"),
    ("sender", "x" * 12, "sender"),
    ("sender", "a\nb", "sender"),
    ("sender", "a\x00b", "sender"),
    ("message", None, "message"),
    ("message", 1, "message"),
    ("message", "   ", "message"),
    ("message", "x" * 100_000, "message"),
    ("message", "{config}", "message"),
    ("message", "a\x00b", "message"),
    ("message", "\ud800", "message"),
    ("optOutLinkId", -1, "optOutLinkId"),
    ("optOutLinkId", "0", "optOutLinkId"),
    ("optOutLinkId", 1.5, "optOutLinkId"),
    ("optOutLinkId", True, "optOutLinkId"),
    ("optOutLinkId", 2**70, "optOutLinkId"),
    ("trackLinkUrl", 1, "trackLinkUrl"),
    ("contacts", None, "contacts"),
    ("contacts", {}, "contacts"),
    ("contacts", "447785856123", "contacts"),
    ("contacts", [1], "contacts[0]"),
    ("contacts", [[]], "contacts[0]"),
    ("contacts", [{"phoneNumber": 447785856123}], "contacts[0].phoneNumber"),
    ("contacts", [{"phoneNumber": {"a": 1}}], "contacts[0].phoneNumber"),
    ("contacts", [{"phoneNumber": "+447785856123", "name": 1}], "contacts[0].name"),
    ("contacts", [{"phoneNumber": "+447785856123", "custom3": ""}], "contacts[0].custom3"),
    ("contacts", [{"phoneNumber": "+447785856123", "contactGroupId": "x"}],
     "contacts[0].contactGroupId"),
    ("uuid", str(uuid4()), "uuid"),
    ("included_contact_groups", [], "included_contact_groups"),
    ("sendr", "Acme", "sendr"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "field"), HOSTILE)
def test_wrong_field_is_one_sentence_and_nothing_is_stored(
    door: Door, token: Headers, name: str, value: Any, field: str
) -> None:
    content = json.dumps(example(door, **{name: value}))
    answer = door.client.post("/api/campaigns/true", headers=token, content=content)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert "447785856123" not in answer.text
    assert rows(door, "campaigns") == 0
    assert rows(door, "contact_groups WHERE campaign_id IS NOT NULL") == 0
    if name not in ("contacts", "uuid", "included_contact_groups") and value is not None:
        mine = create(door, token)
        answer = door.client.put(
            f"/api/Campaigns/{mine}", headers=token, content=json.dumps({name: value})
        )
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400), (b"[]", 400), (b'"x"', 400), (b"{", 400), (b'{"message": "\xff"}', 400),
        (b"[" * 100_000, 400), (b'{"contacts":' * 50 + b"{}" + b"}" * 50, 400),
        (b'{"sender": NaN}', 400),
    ],
)  # fmt: skip
def test_body_that_is_no_object_is_refused(
    door: Door, token: Headers, content: bytes, status: int
) -> None:
    for path in ("/api/Campaigns", "/api/campaigns/true"):
        answer = door.client.post(path, headers=token, content=content)
        assert answer.status_code == status


def test_unknown_field_is_told_with_the_nearest_known_name(door: Door, token: Headers) -> None:
    answer = door.client.post(
        "/api/Campaigns", headers=token, json=example(door, startDatetime="2030-01-01T00:00:00Z")
    )
    assert "the nearest known one is 'startDateTime'" in answer.json()["message"]


def test_text_of_an_attack_is_text(door: Door, token: Headers) -> None:
    attack = "'); DROP TABLE campaigns; -- <script>"
    found = [{"phoneNumber": "+447785856123", "name": attack, "custom1": "@custom2 {x}"}]
    name = create(door, token, message=f"Hi {attack}", contacts=found)
    assert show(door, token, name)["message"] == f"Hi {attack}"
    page = door.client.get(f"/api/Campaigns/{name}/Contacts", headers=token).json()
    assert (page["items"][0]["name"], page["items"][0]["custom1"]) == (attack, "@custom2 {x}")


def test_many_contacts_are_stored_in_one_request(door: Door, team: Team, token: Headers) -> None:
    many = [{"phoneNumber": f"+44778{n:07}", "name": f"N{n}"} for n in range(5_800_000, 5_820_000)]
    name = create(door, token, contacts=many)
    assert show(door, token, name)["recipientCount"] == 20_000
    assert rows(door, "contacts") == 20_000
    campaign = service.get(door.conn, team.id, UUID(name))
    assert campaign.created_at <= datetime.now(UTC)


def test_description_names_every_endpoint_of_the_document(door: Door) -> None:
    paths = door.client.get("/api/openapi.json").json()["paths"]
    assert {path: set(methods) for path, methods in paths.items()} == {
        "/Campaigns": {"get", "post"},
        "/Campaigns/{id}": {"get", "post", "put", "delete"},
        "/Campaigns/{id}/Contacts": {"get"},
    }
    assert door.client.get("/api/docs").status_code == 200
