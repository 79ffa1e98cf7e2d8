"""Every example is answered as the document has it, and every endpoint is described."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest

from tests.support.door import Door
from tests.support.inline_contacts import Headers, create, example, later, listed, rows, show

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


def test_description_names_every_endpoint_of_the_document(door: Door) -> None:
    paths = door.client.get("/api/openapi.json").json()["paths"]
    assert {path: set(methods) for path, methods in paths.items()} == {
        "/Campaigns": {"get", "post"},
        "/Campaigns/{id}": {"get", "post", "put", "delete"},
        "/Campaigns/{id}/Contacts": {"get"},
    }
    assert door.client.get("/api/docs").status_code == 200
