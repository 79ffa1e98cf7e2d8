"""A caller moves campaigns along the document's arrows only, and the engine does the rest."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from campaigns.audience import groups
from campaigns.campaign import control, service, state
from campaigns.staged import service as staged
from campaigns.staged.service import ActionContext
from campaigns.team.teams import Team
from tests.support.callback_api import (
    Headers,
    Lists,
    at,
    brought_to,
    change,
    create,
    engine_id,
    message,
    rows,
    scheduled,
    show,
)
from tests.support.door import Door, error_of
from tests.support.waiting import eventually

STATES = ("DRAFT", "SCHEDULED", "READY", "SENDING", "DONE", "ERROR")
ARROWS = {("DRAFT", "SCHEDULED"), ("SCHEDULED", "DRAFT"), ("SCHEDULED", "READY"),
          ("READY", "SCHEDULED")}  # fmt: skip


@pytest.mark.parametrize(("current", "wanted"), list(itertools.product(STATES, repeat=2)))
def test_caller_moves_along_the_documents_arrows_only(
    door: Door, token: Headers, mine: Lists, current: str, wanted: str
) -> None:
    number = brought_to(door, token, mine, current)["id"]
    answer = door.client.put(f"/campaign/{number}", headers=token, data={"state": wanted})
    if current == wanted or (current, wanted) in ARROWS:
        assert (answer.status_code, answer.json()["state"]) == (200, wanted)
        return
    assert answer.status_code == 409
    told = answer.json()["message"]
    assert told.startswith(f"state: the campaign is {current} and cannot become {wanted}; ")
    allowed = {to for frm, to in ARROWS if frm == current}
    assert {one for one in STATES if one in told.partition(";")[2]} == allowed
    assert show(door, token, number)["state"] == current


@pytest.mark.parametrize("wanted", ["SENDING", "DONE", "ERROR", "draft", "PAUSED"])
def test_campaign_begins_where_the_caller_may_move_it(
    door: Door, token: Headers, mine: Lists, wanted: str
) -> None:
    body = {"name": "A", "list": mine.group, "state": wanted}
    answer = door.client.post("/campaign", headers=token, json=body)
    assert error_of(answer) == (422, f"state: '{wanted}' must be one of DRAFT, SCHEDULED, READY.")


def test_states_are_those_of_the_engine(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    found = scheduled(door, token, mine)
    campaign = engine_id(door, found["id"])

    def status() -> str:
        return service.get(door.conn, team.id, campaign).status

    assert status() == "scheduled"
    change(door, token, found["id"], state="READY")
    assert status() == "scheduled"
    change(door, token, found["id"], state="SCHEDULED")
    change(door, token, found["id"], state="DRAFT")
    assert status() == "draft"
    change(door, token, found["id"], state="SCHEDULED")
    assert status() == "scheduled"
    control.stop(door.conn, team.id, campaign, now=door.context.now())
    assert show(door, token, found["id"])["state"] == "DONE"


def begin_run(door: Door, campaign: UUID, starts: datetime) -> None:
    door.conn.execute(
        "INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at,"
        " created_at) VALUES (%s, %s, 'carrier', 'resolving', %s, %s, now())",
        [campaign, starts, starts, starts],
    )
    assert state.move(door.conn, campaign, "start", door.context.now())


def test_campaign_is_ready_as_soon_as_its_run_is_prepared(
    door: Door, token: Headers, mine: Lists
) -> None:
    found = scheduled(door, token, mine)
    campaign = engine_id(door, found["id"])
    begin_run(door, campaign, datetime.now(UTC) + timedelta(minutes=1))
    assert show(door, token, found["id"])["state"] == "READY"
    answer = door.client.put(f"/campaign/{found['id']}", headers=token, json={"state": "SCHEDULED"})
    assert error_of(answer) == (
        409,
        "state: the campaign is READY and cannot become SCHEDULED; from here it goes on by itself, "
        "and cannot be moved.",
    )
    door.conn.execute("UPDATE runs SET starts_at = now() - interval '1 second'")
    assert show(door, token, found["id"])["state"] == "SENDING"


def test_campaign_that_has_had_a_run_is_no_draft_again(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    number = scheduled(door, token, mine)["id"]
    door.conn.execute(
        "INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at,"
        " created_at) VALUES (%s, now(), 'carrier', 'finished', now(), now(), now())",
        [engine_id(door, number)],
    )
    answer = door.client.put(f"/campaign/{number}", headers=token, json={"state": "DRAFT"})
    assert answer.status_code == 409
    assert "has had a run" in answer.json()["message"]
    assert show(door, token, number)["state"] == "SCHEDULED"


@pytest.mark.parametrize("current", STATES)
def test_fields_are_changed_in_draft_and_scheduled_only(
    door: Door, token: Headers, mine: Lists, current: str
) -> None:
    before = brought_to(door, token, mine, current)
    answer = door.client.put(f"/campaign/{before['id']}", headers=token, json={"name": "Other"})
    if current in ("DRAFT", "SCHEDULED"):
        assert answer.json()["name"] == "Other"
    else:
        assert answer.status_code == 409
        assert "DRAFT and SCHEDULED only" in answer.json()["message"]
        assert show(door, token, before["id"]) == before


@pytest.mark.parametrize("current", STATES)
def test_what_was_answered_may_come_back_in_every_state(
    door: Door, token: Headers, mine: Lists, current: str
) -> None:
    before = brought_to(door, token, mine, current)
    assert change(door, token, before["id"], **before) == before


def test_fields_may_change_on_the_way_to_ready_and_back(
    door: Door, token: Headers, mine: Lists
) -> None:
    number = scheduled(door, token, mine)["id"]
    assert change(door, token, number, state="READY", name="B")["name"] == "B"
    assert change(door, token, number, state="SCHEDULED", name="C")["name"] == "C"
    found = change(door, token, number, state="DRAFT", name="D", when=None)
    assert (found["name"], found["when"], found["state"]) == ("D", None, "DRAFT")


@pytest.mark.parametrize("wanted", ["SCHEDULED", "READY"])
@pytest.mark.parametrize(
    ("lacking", "field"),
    [("template", "template"), ("sender", "sender"), ("when", "when")],
)
def test_campaign_that_is_to_be_sent_needs_a_time_and_a_message(
    door: Door, token: Headers, mine: Lists, wanted: str, lacking: str, field: str
) -> None:
    body = {"name": "A", "list": mine.group, "when": at(door, days=1), **message()}
    del body[lacking]
    told = (422, f"{field}: is required before the campaign can be {wanted}.")
    answer = door.client.post("/campaign", headers=token, json={**body, "state": wanted})
    assert error_of(answer) == told
    assert rows(door, "campaigns") == rows(door, "callback_drafts") == 0
    number = create(door, token, **body)["id"]
    answer = door.client.put(f"/campaign/{number}", headers=token, json={"state": "SCHEDULED"})
    assert error_of(answer)[0] == 422
    assert answer.json()["field"] == field
    assert show(door, token, number)["state"] == "DRAFT"


def test_draft_without_a_message_becomes_a_campaign_under_its_number(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    draft = create(
        door, token, name="A", list=mine.group, segments=[mine.segments[0]], domain=mine.domain,
        event_callback="https://example.com/x",
    )  # fmt: skip
    number = draft["id"]
    assert rows(door, "campaigns") == 0
    assert change(door, token, number, name="B", sender="Acme")["sender"] == "Acme"
    assert rows(door, "campaigns") == 0
    when = at(door, days=1)
    found = change(door, token, number, template="Sale", when=when, state="SCHEDULED")
    assert found == {**draft, "name": "B", "sender": "Acme", "template": "Sale", "when": when,
                     "state": "SCHEDULED"}  # fmt: skip
    assert rows(door, "callback_drafts") == 0
    campaign = service.get(door.conn, team.id, engine_id(door, number))
    assert (campaign.status, campaign.included) == ("scheduled", (mine.group_id,))
    assert campaign.event_callback == "https://example.com/x"
    another = create(door, token, name="C", list=mine.group)["id"]
    assert another > number
    assert change(door, token, another, **message())["id"] == another


def test_whoever_comes_while_a_draft_becomes_a_campaign_finds_the_campaign(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    number = create(door, token, name="A", list=mine.group)["id"]
    action = ActionContext(door.conn, team.id, door.context.providers(), door.context.now())
    with ThreadPoolExecutor(1) as thread:
        with door.conn.transaction():
            staged.edit(action, number, message())
            later = thread.submit(change, door, token, number, name="B")
            eventually(
                lambda: (
                    door.conn.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone()
                    is not None
                ),
                timeout=20,
                message="the second one waits",
            )
            assert show(door, token, number)["template"] is None
        found = later.result(timeout=30)
    assert (found["name"], found["template"]) == ("B", "Sale")
    assert (rows(door, "campaigns"), rows(door, "callback_drafts")) == (1, 0)


def test_draft_lives_on_when_its_list_is_gone_but_cannot_be_sent(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    number = create(door, token, name="A", list=mine.group)["id"]
    groups.delete(door.conn, team.id, mine.group_id)
    assert show(door, token, number)["list"] is None
    body = {"state": "SCHEDULED", "when": at(door, days=1), **message()}
    answer = door.client.put(f"/campaign/{number}", headers=token, json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "list[0]")
