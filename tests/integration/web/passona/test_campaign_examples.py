"""Every example of "Campaigns", as it is documented but for its dates, which are still to come."""

from __future__ import annotations

import pytest

from tests.support import passona
from tests.support.passona import hold, shifted
from tests.support.passona_client import Client, refused


@pytest.mark.parametrize("path", ["/campaigns/", "/campaigns"])
def test_create_campaign(client: Client, path: str) -> None:
    answer = client("POST", path, shifted(passona.CREATE))
    assert answer.status_code == 201
    hold(passona.CREATED, answer.json())
    told = answer.json()["data"]
    for name, value in shifted(passona.CREATE).items():
        assert told[name] == value
    assert (told["status"], told["started_sending_at"], told["updated_at"]) == (0, "", "")
    assert told["team_uuid"] == str(client.team.id)


def test_a_campaign_of_the_past_is_refused(client: Client) -> None:
    """The example as it stands: what a client gets that was left over from 2019."""
    answer = client("POST", "/campaigns/", passona.CREATE)
    assert "2019-11-25 15:25:00" in refused(answer, 422, "scheduled_send_date")


def test_the_address_of_the_first_example_is_a_slip(client: Client) -> None:
    answer = client.door.client.post(
        "/api/2.0campaigns/", json=shifted(passona.CREATE), headers=client.headers
    )
    assert answer.status_code == 404


def test_edit_campaign(client: Client) -> None:
    uuid = client.campaign(uuid=passona.CAMPAIGN)
    answer = client("PUT", f"/campaigns/{uuid}", shifted(passona.EDIT))
    assert answer.status_code == 200
    hold(passona.CREATED, answer.json())
    told = answer.json()["data"]
    for name, value in shifted(passona.EDIT).items():
        assert told[name] == value
    assert (told["uuid"], told["status"]) == (passona.CAMPAIGN, 0)


@pytest.mark.parametrize("path", ["/campaigns/", "/campaigns"])
def test_retrieve_all_campaigns(client: Client, path: str) -> None:
    uuid = client.campaign()
    answer = client("GET", path)
    assert answer.status_code == 200
    hold(passona.LISTED, answer.json())
    told = answer.json()
    assert [one["uuid"] for one in told["data"]] == [uuid]
    assert told["meta"] == {
        "current_page": 1,
        "from": 1,
        "last_page": 1,
        "path": "http://testserver/api/2.0/campaigns",
        "per_page": 15,
        "to": 1,
        "total": 1,
    }
    page = "http://testserver/api/2.0/campaigns?page=1"
    assert told["links"] == {"first": page, "last": page, "prev": None, "next": None}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_get_campaign(client: Client, method: str) -> None:
    """The example has `--data ''`, which makes a POST of it."""
    uuid = client.campaign(uuid=passona.CAMPAIGN)
    client.conn.execute(
        "UPDATE campaigns SET status = 'finished', started_sending_at = now(), "
        "finished_sending_at = now(), updated_at = now() + interval '1 second'"
    )
    answer = client.raw(method, f"/campaigns/{uuid}", b"")
    assert answer.status_code == 200
    hold(passona.GOT, answer.json())
    told = answer.json()["data"]
    assert (told["status"], told["throttled"]) == (2, False)
    assert all(told[f"{word}_at"] for word in ("started_sending", "finished_sending", "updated"))


@pytest.mark.parametrize(
    ("status", "number"),
    [
        ("draft", 0),
        ("scheduled", 0),
        ("sending", 1),
        ("finished", 2),
        ("stopped", 2),
        ("failed", 2),
    ],
)
def test_statuses(client: Client, status: str, number: int) -> None:
    uuid = client.campaign()
    client.conn.execute("UPDATE campaigns SET status = %s, started_sending_at = now()", [status])
    assert client("GET", f"/campaigns/{uuid}").json()["data"]["status"] == number


def test_delete_campaign(client: Client) -> None:
    uuid = client.campaign()
    answer = client("DELETE", f"/campaigns/{uuid}")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(client("GET", f"/campaigns/{uuid}"), 404)
    refused(client("DELETE", f"/campaigns/{uuid}"), 404)


def test_send_test_campaign(client: Client) -> None:
    answer = client("POST", "/campaigns/send-test", shifted(passona.SEND_TEST))
    assert answer.status_code == 201
    hold(passona.TESTED, answer.json())
    told = answer.json()["data"]
    assert (told["status"], told["excluded_contact_groups"]) == (0, [])
    row = client.conn.execute("SELECT address, fields FROM deliveries").fetchone()
    assert row == {
        "address": "447785856985",
        "fields": {"title": "Mr", "first_name": "John", "last_name": "Doe"},
    }


def test_a_test_whose_send_date_is_past_goes_at_once(client: Client) -> None:
    body = {**shifted(passona.SEND_TEST), "scheduled_send_date": "2019-11-25 15:25:00"}
    answer = client("POST", "/campaigns/send-test", body)
    assert (answer.status_code, answer.json()["data"]["status"]) == (201, 1)
    answer = client("POST", "/campaigns/send-test", passona.SEND_TEST)
    refused(answer, 422, "expiry_date")


def test_a_test_takes_one_contact_and_needs_no_custom_fields(client: Client) -> None:
    body = shifted(passona.SEND_TEST)
    del body["custom_fields"]
    assert client("POST", "/campaigns/send-test", body).status_code == 201
    del body["contact_number"]
    refused(client("POST", "/campaigns/send-test", body), 422, "address")
    body["contact_number"] = ["447785856985", "447785856986"]
    refused(client("POST", "/campaigns/send-test", body), 422, "contact_number")


def test_create_throttled_campaign(client: Client) -> None:
    answer = client("POST", "/campaigns/", shifted(passona.THROTTLED))
    assert answer.status_code == 201
    hold(passona.THROTTLED_CREATED, answer.json())
    told = answer.json()["data"]
    sent = shifted(passona.THROTTLED)
    for name in sent.keys() - {"pauses"}:
        assert told[name] == sent[name]
    for pause, asked in zip(told["pauses"], sent["pauses"], strict=True):
        assert {name: pause[name] for name in asked} == asked
        assert pause["campaign_uuid"] == told["uuid"]
    assert told["manually_paused"] is None
    assert told["updated_at"] == told["created_at"]


def test_pauses_are_not_required(client: Client) -> None:
    body = shifted(passona.THROTTLED)
    del body["pauses"]
    answer = client("POST", "/campaigns/", body)
    assert (answer.status_code, answer.json()["data"]["pauses"]) == (201, [])


def test_edit_throttled_campaign_as_its_example_has_it(client: Client) -> None:
    """It names no campaign and no method: a POST, which creates another one."""
    client.campaign(passona.THROTTLED)
    answer = client("POST", "/campaigns/", shifted(passona.THROTTLED))
    assert answer.status_code == 201
    hold(passona.THROTTLED_CREATED, answer.json())
    assert client("GET", "/campaigns").json()["meta"]["total"] == 2


def test_edit_throttled_campaign(client: Client) -> None:
    uuid = client.campaign(passona.THROTTLED)
    before = client("GET", f"/campaigns/{uuid}").json()["data"]["pauses"]
    body = shifted(passona.THROTTLED)
    body["name"] = "Other"
    body["pauses"] = body["pauses"][:1]
    answer = client("PUT", f"/campaigns/{uuid}", body)
    assert answer.status_code == 200
    hold(passona.THROTTLED_CREATED, answer.json())
    told = answer.json()["data"]
    assert told["name"] == "Other"
    assert [pause["uuid"] for pause in told["pauses"]] == [before[0]["uuid"]]


def test_toggle_throttled_status(client: Client) -> None:
    uuid = client.campaign(passona.THROTTLED)
    told = []
    for _ in range(2):
        answer = client("PUT", f"/campaigns/{uuid}/toggle-paused-status")
        assert answer.status_code == 200
        hold(passona.TOGGLED, answer.json())
        told.append(answer.json()["data"]["manually_paused"])
    assert told == [True, None]
