"""A campaign starts, changes, is locked and tells its status as the document's fields say."""

from __future__ import annotations

from uuid import UUID

import pytest

from campaigns.campaign import service, state
from campaigns.team.teams import Team
from tests.support.door import Door, error_of
from tests.support.inline_contacts import Headers, create, example, later, listed, show


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
