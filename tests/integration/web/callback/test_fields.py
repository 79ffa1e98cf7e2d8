"""Fields mean the same in every form that they may take; what is left out stays as it is."""

from __future__ import annotations

from uuid import uuid4

import pytest

from campaigns.team.teams import Team
from campaigns.template import templates
from tests.support.callback_api import Headers, Lists, at, change, create, message, scheduled
from tests.support.door import Door, error_of


@pytest.mark.parametrize(
    "names", [("segments[0]", "segments%5B1%5D"), ("segments[]", "segments[]"), ("segments",) * 2]
)
def test_segments_of_a_form_may_be_counted_or_repeated(
    door: Door, token: Headers, mine: Lists, names: tuple[str, str]
) -> None:
    first, second = mine.segments
    form = f"name=A&list={mine.group}&{names[0]}={first}&{names[1]}={second}"
    headers = {**token, "content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    answer = door.client.post("/campaign", headers=headers, content=form)
    assert answer.json()["segments"] == [first, second]


def test_segments_of_a_form_are_taken_away_by_an_empty_one(
    door: Door, token: Headers, mine: Lists
) -> None:
    number = scheduled(door, token, mine, segments=list(mine.segments))["id"]
    answer = door.client.put(f"/campaign/{number}", headers=token, data={"segments[]": ""})
    assert answer.json()["segments"] == []


def test_stored_template_is_a_message_too(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    uuid = uuid4()
    templates.create(
        door.conn, team.id, {"uuid": str(uuid), "name": "T", "body": "Hello"},
        now=door.context.now(),
    )  # fmt: skip
    found = scheduled(door, token, mine, template=None, template_uuid=str(uuid))
    assert (found["template"], found["template_uuid"]) == (None, str(uuid))
    changed = change(door, token, found["id"], template="Bye")
    assert (changed["template"], changed["template_uuid"]) == ("Bye", None)
    draft = create(door, token, name="A", list=mine.group, template="Bye")
    changed = change(door, token, draft["id"], template_uuid=str(uuid))
    assert (changed["template"], changed["template_uuid"]) == (None, str(uuid))


def test_what_is_left_out_stays_and_what_is_empty_goes(
    door: Door, token: Headers, mine: Lists
) -> None:
    before = scheduled(door, token, mine, domain=mine.domain, event_callback="https://a.example/")
    assert change(door, token, before["id"]) == before
    answer = door.client.put(
        f"/campaign/{before['id']}", headers=token, data={"domain": "", "event_callback": ""}
    )
    assert answer.json() == {**before, "domain": None, "event_callback": None}


def test_id_and_list_cannot_be_changed(door: Door, token: Headers, mine: Lists) -> None:
    number = scheduled(door, token, mine)["id"]
    for field, value in (("id", number + 1), ("list", mine.optouts)):
        answer = door.client.put(f"/campaign/{number}", headers=token, json={field: value})
        assert error_of(answer) == (422, f"{field}: {value} cannot be changed.")


@pytest.mark.parametrize(
    "when", [1_900_000_000, "1900000000", "2030-03-17T17:46:40Z", "2030-03-17T18:46:40+01:00",
             "2030-03-17 17:46:40", "2030-03-17T17:46:40.123Z"],
)  # fmt: skip
def test_when_is_unix_or_iso_time(door: Door, token: Headers, mine: Lists, when: int | str) -> None:
    assert scheduled(door, token, mine, when=when)["when"] == 1_900_000_000
    form = {"name": "A", "list": str(mine.group), "when": str(when)}
    answer = door.client.post("/campaign", headers=token, data=form)
    assert answer.json()["when"] == 1_900_000_000


def test_time_that_has_passed_must_be_named_anew(door: Door, token: Headers, mine: Lists) -> None:
    body = {"name": "A", "list": mine.group, "when": at(door, days=-1), **message()}
    for wanted in ("DRAFT", "SCHEDULED"):
        answer = door.client.post("/campaign", headers=token, json={**body, "state": wanted})
        assert error_of(answer) == (422, "when: must not lie in the past.")
