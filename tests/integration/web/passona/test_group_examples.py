"""Every example of "Contact Groups", as it is documented."""

from __future__ import annotations

import pytest

from campaigns.audience import contacts, groups
from tests.support import passona
from tests.support.passona import hold, work
from tests.support.passona_client import Client

NEW = {"name": "Another Contact Group", "description": "A new contact group", "deletable": True}
_GROUP = f"/contact-groups/{passona.GROUP}"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/contact-groups"), ("GET", "/contact-groups/"), ("POST", "/contact-groups")],
)
def test_list_contact_groups(client: Client, method: str, path: str) -> None:
    """The example has `--data ''`, which makes a POST of it."""
    answer = client.raw(method, path, b"")
    assert answer.status_code == 200
    hold(passona.GROUPS_LISTED, answer.json())
    told = answer.json()
    assert [one["name"] for one in told["data"]] == [
        "Excluded",
        "New Contact Group",
        "Optouts",
        "Optins",
        "default_optouts",
    ]
    assert told["meta"]["per_page"] == 50
    assert told["meta"]["total"] == told["meta"]["to"] == 5
    optins, optouts = told["data"][-2:]
    assert (optins["status"], optins["number_of_contacts"]) == ("Ready", 1)
    assert optins["headers"] == ["first_name", "last_name"]
    assert (optouts["status"], optouts["deletable"], optouts["centralised"]) == (
        "Empty",
        False,
        True,
    )
    assert optins["links"] == [
        {"rel": "self", "uri": f"http://testserver/api/2.0/contact-groups/{passona.OPTINS}"}
    ]


def test_create_contact_group(client: Client) -> None:
    answer = client("POST", "/contact-groups", NEW)
    assert answer.status_code == 201
    hold(passona.GROUP_CREATED, answer.json())
    told = answer.json()["data"]
    assert {name: told[name] for name in NEW} == NEW
    assert (told["status"], told["number_of_contacts"], told["headers"]) == ("Empty", 0, [])
    assert client.door.client.get(told["links"][0]["uri"], headers=client.headers).json() == (
        answer.json()
    )


def test_edit_contact_group(client: Client) -> None:
    answer = client("PUT", _GROUP, passona.EDIT_GROUP)
    assert answer.status_code == 200
    hold(passona.GROUP_CREATED, answer.json())
    told = answer.json()["data"]
    assert {name: told[name] for name in passona.EDIT_GROUP} == passona.EDIT_GROUP
    assert told["deletable"] is True


def test_show_contact_group(client: Client) -> None:
    answer = client("GET", _GROUP)
    assert answer.status_code == 200
    hold(passona.GROUP_CREATED, answer.json())
    assert answer.json()["data"]["uuid"] == passona.GROUP


def test_delete_contact_group(client: Client) -> None:
    answer = client("DELETE", _GROUP)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client("GET", _GROUP).status_code == 404


def test_add_contacts(client: Client) -> None:
    answer = client("PUT", f"{_GROUP}/add-contacts", passona.ADD)
    assert answer.status_code == 200
    names = ["first_name", "last_name"]
    documented = passona.group(
        number_of_contacts=1, scheduled_jobs_number=1, status="Modifying", headers=names
    )
    hold(documented, answer.json())
    told = answer.json()["data"]
    assert (told["status"], told["scheduled_jobs_number"]) == ("Modifying", 1)
    assert told["headers"] == names
    work(client.conn)
    told = client("GET", _GROUP).json()["data"]
    assert (told["status"], told["number_of_contacts"]) == ("Ready", 2)
    assert (told["scheduled_jobs_number"], told["headers"]) == (0, names)


def test_remove_contacts(client: Client) -> None:
    client("PUT", f"{_GROUP}/add-contacts", passona.ADD)
    work(client.conn)
    answer = client("PUT", f"{_GROUP}/remove-contacts", passona.REMOVE)
    assert answer.status_code == 200
    documented = passona.group(
        number_of_contacts=3, scheduled_jobs_number=1, status="Modifying", headers=["last_name"]
    )
    hold(documented, answer.json())
    assert answer.json()["data"]["number_of_contacts"] == 2
    work(client.conn)
    listed = client("GET", f"{_GROUP}/list-contacts").json()["data"]
    assert [one["phone_number"] for one in listed] == ["447713252151"]


def test_add_bulk_contacts(client: Client) -> None:
    answer = client("POST", "/contact-groups/bulk-contacts", passona.BULK)
    assert answer.status_code == 201
    hold(passona.group(scheduled_jobs_number=1, status="Modifying"), answer.json())
    told = answer.json()["data"]
    assert (told["number_of_contacts"], told["status"], told["headers"]) == (0, "Modifying", [])
    assert (told["name"], told["deletable"]) == ("Bulk Contact Group", False)
    work(client.conn)
    found = contacts.list_page(client.conn, client.team, told["uuid"])
    assert sorted(one.phone or "" for one in found) == sorted(passona.BULK["contacts"])
    assert all(one.fields == {} for one in found)


def test_unique_contacts_calculator(client: Client) -> None:
    given = [{"phone": f"4477132521{n}"} for n in range(51, 56)]
    contacts.add(client.conn, client.team, passona.GROUP, given)
    contacts.add(client.conn, client.team, passona.EXCLUDED, given[:1])
    contacts.opt_out(client.conn, client.team, "447713252152")
    answer = client("POST", "/contact-groups/unique-contacts", passona.UNIQUE)
    assert answer.status_code == 200
    told = answer.json()
    hold(passona.CONTACTS_LISTED["data"], told["data"])
    assert [one["phone_number"] for one in told["data"]] == [
        "447713252153",
        "447713252154",
        "447713252155",
    ]
    assert told["meta"]["total"] == 3
    both = {"included_contact_group_uuids": [passona.GROUP, passona.OPTINS]}
    assert client("POST", "/contact-groups/unique-contacts", both).json()["meta"]["total"] == 5


def test_list_contacts_from_group(client: Client) -> None:
    contacts.add(client.conn, client.team, passona.GROUP, [{"phone": "447713252151"}])
    answer = client("GET", f"{_GROUP}/list-contacts")
    assert answer.status_code == 200
    hold(passona.CONTACTS_LISTED, answer.json())
    assert [one["phone_number"] for one in answer.json()["data"]] == ["447713252151"]
    assert answer.json()["meta"]["per_page"] == 50


def test_flush_contacts_from_group(client: Client) -> None:
    contacts.add(client.conn, client.team, passona.GROUP, [{"phone": "447713252151"}])
    answer = client("PUT", f"{_GROUP}/flush")
    assert answer.status_code == 200
    documented = passona.group(number_of_contacts=1, scheduled_jobs_number=1, status="Modifying")
    hold({"data": passona.with_centralised(documented["data"], False)}, answer.json())
    work(client.conn)
    told = client("GET", _GROUP).json()["data"]
    assert (told["status"], told["number_of_contacts"]) == ("Empty", 0)


def test_default_optouts_can_be_updated_at_any_point(client: Client) -> None:
    """In the middle of sending, too, and counts at once."""
    optouts = groups.find_default_optouts(client.conn, client.team.id)
    body = {**passona.shifted(passona.CREATE), "excluded_contact_groups": [str(optouts.id)]}
    client.sending(client.campaign(body))
    answer = client("PUT", f"/contact-groups/{optouts.id}/add-contacts", passona.ADD)
    assert answer.status_code == 200
    told = answer.json()["data"]
    assert (told["status"], told["number_of_contacts"]) == ("Ready", 2)
