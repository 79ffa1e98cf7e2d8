"""The Callback API: every endpoint, parameter and state of its document."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from campaigns.audience import groups
from campaigns.campaign import control, service, state
from campaigns.links import domains
from campaigns.segmentation import segments
from campaigns.staged import service as staged
from campaigns.staged.service import ActionContext
from campaigns.team import teams
from campaigns.team.teams import Team
from campaigns.template import templates
from tests.support.door import Door, error_of
from tests.support.segmentation import one
from tests.support.waiting import eventually

Headers = dict[str, str]

TYPES: dict[str, tuple[type, ...]] = {
    "id": (int,),
    "name": (str,),
    "domain": (int, type(None)),
    "list": (int, type(None)),
    "segments": (list,),
    "state": (str,),
    "when": (int, type(None)),
    "event_callback": (str, type(None)),
    "sending_type": (str,),
    "sender": (str, type(None)),
    "template": (str, type(None)),
    "template_uuid": (str, type(None)),
}
QUERY = one("first_name", "eq", "Ann")


@dataclass(frozen=True)
class Lists:
    """The numbers of what a team has."""

    group: int
    group_id: UUID
    segments: tuple[int, int]
    domain: int
    optouts: int


def number_of(door: Door, table: str, found: UUID) -> int:
    row = door.conn.execute(f"SELECT number FROM {table} WHERE id = %s", [found]).fetchone()  # type: ignore[arg-type]
    return int((row or {})["number"])


def made(door: Door, team: Team, word: str) -> Lists:
    now = door.context.now()
    group = groups.create(door.conn, team.id, f"Customers {word}")
    found = [
        segments.create(door.conn, team.id, group.id, f"{name} {word}", QUERY, now=now).number
        for name in ("Ann", "Bob")
    ]
    domain = domains.create(door.conn, team.id, f"{word}.example.com", ("bounce",), now=now)
    optouts = groups.create(door.conn, team.id, f"Stop {word}", "optout")
    return Lists(
        number_of(door, "contact_groups", group.id),
        group.id,
        (found[0], found[1]),
        domain.number,
        number_of(door, "contact_groups", optouts.id),
    )


@pytest.fixture
def mine(door: Door, team: Team) -> Lists:
    return made(door, team, "mine")


@pytest.fixture
def theirs(door: Door) -> Lists:
    return made(door, teams.create(door.conn, "other"), "theirs")


def at(door: Door, **distance: float) -> int:
    return int((door.context.now() + timedelta(**distance)).timestamp())


def message() -> dict[str, Any]:
    """The additions to the document."""
    return {"sender": "Acme", "template": "Sale"}


def create(door: Door, token: Headers, **body: Any) -> dict[str, Any]:
    answer = door.client.post("/campaign", headers=token, json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def change(door: Door, token: Headers, number: int, **body: Any) -> dict[str, Any]:
    answer = door.client.put(f"/campaign/{number}", headers=token, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def show(door: Door, token: Headers, number: int) -> dict[str, Any]:
    answer = door.client.get(f"/campaign/{number}", headers=token)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def scheduled(door: Door, token: Headers, mine: Lists, **changes: Any) -> dict[str, Any]:
    body = {"name": "Sale", "list": mine.group, "state": "SCHEDULED", "when": at(door, days=1),
            **message(), **changes}  # fmt: skip
    return create(door, token, **body)


def brought_to(door: Door, token: Headers, mine: Lists, wanted: str) -> dict[str, Any]:
    """A campaign in that state, by the caller's moves as far as they lead and by the engine's."""
    if wanted == "DRAFT":
        return scheduled(door, token, mine, state="DRAFT")
    found = scheduled(door, token, mine)
    if wanted == "READY":
        return change(door, token, found["id"], state="READY")
    events = {"SENDING": ("start",), "DONE": ("start", "finish"), "ERROR": ("fail",)}
    campaign = engine_id(door, found["id"])
    for event in events.get(wanted, ()):
        assert state.move(door.conn, campaign, event, door.context.now())
    return show(door, token, found["id"])


def engine_id(door: Door, number: int) -> UUID:
    row = door.conn.execute("SELECT id FROM campaigns WHERE number = %s", [number]).fetchone()
    assert row is not None
    return UUID(str(row["id"]))


def rows(door: Door, table: str) -> int:
    row = door.conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone()  # type: ignore[arg-type]
    return int((row or {})["n"])


# What the document shows.


def test_post_as_a_form_returns_the_new_campaign(door: Door, token: Headers, mine: Lists) -> None:
    when = at(door, days=1)
    form = {
        "name": "Spring sale",
        "domain": str(mine.domain),
        "list": str(mine.group),
        "segments[]": [str(one) for one in mine.segments],
        "state": "DRAFT",
        "when": str(when),
        "event_callback": "https://example.com/events?shop=1",
    }
    answer = door.client.post("/campaign", headers=token, data=form)
    assert answer.status_code == 201
    found = answer.json()
    assert found == {
        "id": found["id"],
        "name": "Spring sale",
        "domain": mine.domain,
        "list": mine.group,
        "segments": list(mine.segments),
        "state": "DRAFT",
        "when": when,
        "event_callback": "https://example.com/events?shop=1",
        "sending_type": "sms",
        "sender": None,
        "template": None,
        "template_uuid": None,
    }
    assert answer.headers["location"] == f"/campaign/{found['id']}"
    assert show(door, token, found["id"]) == found


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


@pytest.mark.parametrize("name", ["segments", "segments[]"])
def test_json_has_the_same_names(door: Door, token: Headers, mine: Lists, name: str) -> None:
    found = create(door, token, name="A", list=mine.group, **{name: list(mine.segments)})
    assert found["segments"] == list(mine.segments)
    assert found["state"] == "DRAFT"


@pytest.mark.parametrize("kind", ["draft", "scheduled"])
def test_every_campaign_has_the_fields_of_the_document_and_their_types(
    door: Door, token: Headers, mine: Lists, kind: str
) -> None:
    found = (
        create(door, token, name="A", list=mine.group)
        if kind == "draft"
        else scheduled(door, token, mine)
    )
    assert list(found) == list(TYPES)
    for name, value in found.items():
        assert type(value) in TYPES[name], name


def test_put_returns_the_edited_campaign(door: Door, token: Headers, mine: Lists) -> None:
    number = scheduled(door, token, mine)["id"]
    when = at(door, days=2)
    form = {
        "name": "Other",
        "domain": str(mine.domain),
        "segments[]": [str(mine.segments[1])],
        "state": "SCHEDULED",
        "when": str(when),
        "event_callback": "https://example.com/other",
    }
    answer = door.client.put(f"/campaign/{number}", headers=token, data=form)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["id"], found["list"]) == (number, mine.group)
    assert (found["name"], found["domain"], found["segments"], found["when"]) == (
        "Other", mine.domain, [mine.segments[1]], when,
    )  # fmt: skip
    assert found["event_callback"] == "https://example.com/other"
    assert show(door, token, number) == found


@pytest.mark.parametrize("kind", ["DRAFT", "SCHEDULED", "READY", "DONE", "ERROR", "none"])
def test_delete_returns_the_deleted_campaign(
    door: Door, token: Headers, mine: Lists, kind: str
) -> None:
    found = (
        create(door, token, name="A", list=mine.group)
        if kind == "none"
        else brought_to(door, token, mine, kind)
    )
    answer = door.client.delete(f"/campaign/{found['id']}", headers=token)
    assert (answer.status_code, answer.json()) == (200, found)
    for method in ("GET", "PUT", "DELETE"):
        again = door.client.request(method, f"/campaign/{found['id']}", headers=token)
        assert again.status_code == 404


def test_campaign_that_is_sending_cannot_be_deleted(
    door: Door, token: Headers, mine: Lists
) -> None:
    number = brought_to(door, token, mine, "SENDING")["id"]
    assert door.client.delete(f"/campaign/{number}", headers=token).status_code == 409
    assert show(door, token, number)["state"] == "SENDING"


@pytest.mark.parametrize(
    "when", [1_900_000_000, "1900000000", "2030-03-17T17:46:40Z", "2030-03-17T18:46:40+01:00",
             "2030-03-17 17:46:40", "2030-03-17T17:46:40.123Z"],
)  # fmt: skip
def test_when_is_unix_or_iso_time(door: Door, token: Headers, mine: Lists, when: int | str) -> None:
    assert scheduled(door, token, mine, when=when)["when"] == 1_900_000_000
    form = {"name": "A", "list": str(mine.group), "when": str(when)}
    answer = door.client.post("/campaign", headers=token, data=form)
    assert answer.json()["when"] == 1_900_000_000


# The states.

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


def test_segments_of_a_form_are_taken_away_by_an_empty_one(
    door: Door, token: Headers, mine: Lists
) -> None:
    number = scheduled(door, token, mine, segments=list(mine.segments))["id"]
    answer = door.client.put(f"/campaign/{number}", headers=token, data={"segments[]": ""})
    assert answer.json()["segments"] == []


def test_what_is_left_out_stays_and_what_is_empty_goes(
    door: Door, token: Headers, mine: Lists
) -> None:
    before = scheduled(door, token, mine, domain=mine.domain, event_callback="https://a.example/")
    assert change(door, token, before["id"]) == before
    answer = door.client.put(
        f"/campaign/{before['id']}", headers=token, data={"domain": "", "event_callback": ""}
    )
    assert answer.json() == {**before, "domain": None, "event_callback": None}


def test_time_that_has_passed_must_be_named_anew(door: Door, token: Headers, mine: Lists) -> None:
    body = {"name": "A", "list": mine.group, "when": at(door, days=-1), **message()}
    for wanted in ("DRAFT", "SCHEDULED"):
        answer = door.client.post("/campaign", headers=token, json={**body, "state": wanted})
        assert error_of(answer) == (422, "when: must not lie in the past.")


# Other teams, scopes, hostile input.


@pytest.mark.parametrize("kind", ["none", "DRAFT", "SCHEDULED"])
def test_other_team_meets_nothing(door: Door, token: Headers, mine: Lists, kind: str) -> None:
    found = (
        create(door, token, name="A", list=mine.group)
        if kind == "none"
        else brought_to(door, token, mine, kind)
    )
    other = door.token(teams.create(door.conn, "strangers").id)
    for method in ("GET", "PUT", "DELETE"):
        theirs = door.client.request(method, f"/campaign/{found['id']}", headers=other)
        nobody = door.client.request(method, "/campaign/987654", headers=other)
        assert theirs.status_code == nobody.status_code == 404
        assert (
            theirs.json()["message"].replace(str(found["id"]), "987654")
            == (nobody.json()["message"])
        )
    assert show(door, token, found["id"]) == found


@pytest.mark.parametrize("complete", [False, True])
def test_what_other_teams_have_cannot_be_named(
    door: Door, token: Headers, mine: Lists, theirs: Lists, complete: bool
) -> None:
    extra = message() if complete else {}
    own = create(door, token, name="A", list=mine.group, **extra)
    for field, value, where in (
        ("list", theirs.group, "list"),
        ("segments", [theirs.segments[0]], "segments[0]"),
        ("domain", theirs.domain, "domain"),
        ("template_uuid", str(uuid4()), "template_uuid"),
    ):
        body = {"name": "A", "list": mine.group, **extra, field: value}
        if field == "template_uuid":
            body.pop("template", None)
        answer = door.client.post("/campaign", headers=token, json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, where)
        answer = door.client.put(f"/campaign/{own['id']}", headers=token, json={field: value})
        assert (answer.status_code, answer.json()["field"]) == (422, where)
    assert show(door, token, own["id"]) == own


def test_list_of_opt_outs_is_no_audience_and_a_link_domain_takes_no_bounces(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    answer = door.client.post("/campaign", headers=token, json={"name": "A", "list": mine.optouts})
    assert answer.json()["field"] == "list"
    links = domains.create(door.conn, team.id, "l.example.com", ("links",), now=door.context.now())
    for extra in ({}, message()):
        body = {"name": "A", "list": mine.group, "domain": links.number, **extra}
        answer = door.client.post("/campaign", headers=token, json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, "domain")


def test_contacts_that_came_with_a_campaign_are_no_list(
    door: Door, team: Team, token: Headers
) -> None:
    body = {"sender": "Acme", "message": "Hi", "contacts": [{"phoneNumber": "+447785856985"}]}
    assert door.client.post("/api/Campaigns", headers=token, json=body).status_code == 201
    row = door.conn.execute("SELECT number FROM contact_groups WHERE campaign_id IS NOT NULL")
    number = (row.fetchone() or {})["number"]
    answer = door.client.post("/campaign", headers=token, json={"name": "A", "list": number})
    assert (answer.status_code, answer.json()["field"]) == (422, "list")


def test_token_needs_the_scope_of_what_it_does(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    writes, reads = door.token(team.id, "read", "write"), door.token(team.id, "read")
    body = {"name": "A", "list": mine.group, "when": at(door, days=1), **message()}
    assert door.client.post("/campaign", headers=reads, json=body).status_code == 403
    assert door.client.post("/campaign", json=body).status_code == 401
    draft = create(door, writes, **body)["id"]
    assert door.client.get(f"/campaign/{draft}", headers=reads).status_code == 200
    assert door.client.get(f"/campaign/{draft}").status_code == 401
    for wanted in ("SCHEDULED", "READY"):
        answer = door.client.post("/campaign", headers=writes, json={**body, "state": wanted})
        assert error_of(answer) == (403, "This token lacks the scope 'send'.")
    answer = door.client.put(f"/campaign/{draft}", headers=writes, json={"state": "SCHEDULED"})
    assert answer.status_code == 403
    assert show(door, token, draft)["state"] == "DRAFT"
    change(door, token, draft, state="SCHEDULED")
    for method, sent in (("PUT", {"name": "B"}), ("PUT", {"state": "DRAFT"}), ("DELETE", None)):
        given = {} if sent is None else {"json": sent}
        answer = door.client.request(method, f"/campaign/{draft}", headers=writes, **given)
        assert answer.status_code == 403
        assert door.client.request(
            method, f"/campaign/{draft}", headers=reads, **given
        ).status_code == 403  # fmt: skip
    found = show(door, token, draft)
    assert (found["state"], found["name"]) == ("SCHEDULED", "A")


@pytest.mark.parametrize(
    "name",
    ["0", "-1", "1.0", "1e3", "x", "9" * 19, "9" * 300, "%00", "1;DROP TABLE campaigns", "٣", "+1"],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_number_that_is_none_is_404(door: Door, token: Headers, method: str, name: str) -> None:
    answer = door.client.request(method, f"/campaign/{name}", headers=token)
    assert answer.status_code == 404, answer.text


HOSTILE: list[tuple[str, Any, str]] = [
    ("name", None, "name"),
    ("name", "", "name"),
    ("name", 5, "name"),
    ("name", "x" * 201, "name"),
    ("name", "a\x00b", "name"),
    ("name", "a\nb", "name"),
    ("name", "\ud800", "name"),
    ("name", ["A"], "name"),
    ("domain", 0, "domain"),
    ("domain", -1, "domain"),
    ("domain", 1.5, "domain"),
    ("domain", True, "domain"),
    ("domain", 10**30, "domain"),
    ("domain", "1 OR 1=1", "domain"),
    ("domain", "mine.example.com", "domain"),
    ("list", None, "list"),
    ("list", 0, "list"),
    ("list", 10**9, "list"),
    ("list", "x", "list"),
    ("list", [1], "list"),
    ("segments", 1, "segments"),
    ("segments", "1", "segments"),
    ("segments", {"0": 1}, "segments"),
    ("segments", [0], "segments[0]"),
    ("segments", ["x"], "segments[0]"),
    ("segments", [[1]], "segments[0]"),
    ("segments", [10**9], "segments[0]"),
    ("segments", [1] * 101, "segments"),
    ("segments", [1] * 1_000_000, "segments"),
    ("state", 1, "state"),
    ("state", "", "state"),
    ("state", "DRAFT'; --", "state"),
    ("state", ["DRAFT"], "state"),
    ("when", -1, "when"),
    ("when", 10**30, "when"),
    ("when", 1_900_000_000_000, "when"),
    ("when", "tomorrow", "when"),
    ("when", "2030-02-30T00:00:00Z", "when"),
    ("when", True, "when"),
    ("when", 1.5, "when"),
    ("event_callback", "example.com", "event_callback"),
    ("event_callback", "ftp://example.com/", "event_callback"),
    ("event_callback", "javascript:alert(1)", "event_callback"),
    ("event_callback", "https://example.com/" + "x" * 3000, "event_callback"),
    ("event_callback", 1, "event_callback"),
    ("sending_type", "fax", "sending_type"),
    ("sender", "", "sender"),
    ("sender", "a\nb", "sender"),
    ("template", "   ", "template"),
    ("template", 1, "template"),
    ("template", "x" * 1_000_000, "template"),
    ("template_uuid", "x", "template_uuid"),
    ("uuid", str(uuid4()), "uuid"),
    ("status", "active", "status"),
    ("included_contact_groups", [], "included_contact_groups"),
    ("liste", 1, "liste"),
]


@pytest.mark.parametrize(("name", "value", "field"), HOSTILE)
def test_wrong_field_is_one_sentence_and_nothing_is_stored(
    door: Door, token: Headers, mine: Lists, name: str, value: Any, field: str
) -> None:
    for extra in ({}, message()):
        content = json.dumps({"name": "A", "list": mine.group, **extra, name: value})
        headers = {**token, "content-type": "application/json"}
        answer = door.client.post("/campaign", headers=headers, content=content)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
        assert "example.com/" not in answer.text
        assert rows(door, "campaigns") == rows(door, "callback_drafts") == 0
    if value is None:
        return
    for extra in ({}, message()):
        before = create(door, token, name="A", list=mine.group, **extra)
        content = json.dumps({name: value})
        answer = door.client.put(f"/campaign/{before['id']}", headers=headers, content=content)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
        assert show(door, token, before["id"]) == before


@pytest.mark.parametrize("field", ["name", "list", "state", "when"])
def test_field_that_is_no_list_comes_once(
    door: Door, token: Headers, mine: Lists, field: str
) -> None:
    form = f"name=A&list={mine.group}&state=DRAFT&when={at(door, days=1)}"
    first = dict(part.split("=") for part in form.split("&"))[field]
    headers = {**token, "content-type": "application/x-www-form-urlencoded"}
    answer = door.client.post("/campaign", headers=headers, content=f"{form}&{field}={first}")
    assert error_of(answer) == (422, f"{field}: must not be given more than once.")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"name=%FF&list=1", 400),
        ("name=\u00e9&list=1".encode(), 400),
        (b"name=A&name=B&list=1", 422),
        (b"name=A&list=1&list=2", 422),
        (b"&".join([b"segments[]=1"] * 200_000), 400),
        (b"name=A&list=1&segments[x]=1", 422),
        (b"name=A&list=1&segments[0][a]=1", 422),
        (b"=&=&=", 422),
        (b"name", 422),
    ],
)
def test_odd_form_is_refused(door: Door, token: Headers, content: bytes, status: int) -> None:
    headers = {**token, "content-type": "application/x-www-form-urlencoded"}
    answer = door.client.post("/campaign", headers=headers, content=content)
    assert answer.status_code == status, answer.text
    assert rows(door, "callback_drafts") == 0


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("application/json", b"[]", 400),
        ("application/json", b"{", 400),
        ("application/json", b'{"name": "\xff"}', 400),
        ("application/json", b"[" * 100_000, 400),
        ("application/json", b'{"name":' * 50 + b"{}" + b"}" * 50, 400),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("text/plain", b"name=A", 415),
        ("", b"name=A", 415),
        ("application/json", b"", 422),
    ],
)
def test_body_is_a_form_or_a_json_object(
    door: Door, token: Headers, kind: str, content: bytes, status: int
) -> None:
    headers = {**token, "content-type": kind}
    answer = door.client.post("/campaign", headers=headers, content=content)
    assert answer.status_code == status, answer.text


def test_text_of_an_attack_is_text(door: Door, token: Headers, mine: Lists) -> None:
    attack = "'); DROP TABLE campaigns; -- <script> {{x}}"
    found = create(door, token, name=attack, list=mine.group)
    assert show(door, token, found["id"])["name"] == attack
    assert change(door, token, found["id"], **message())["name"] == attack


def test_id_and_list_cannot_be_changed(door: Door, token: Headers, mine: Lists) -> None:
    number = scheduled(door, token, mine)["id"]
    for field, value in (("id", number + 1), ("list", mine.optouts)):
        answer = door.client.put(f"/campaign/{number}", headers=token, json={field: value})
        assert error_of(answer) == (422, f"{field}: {value} cannot be changed.")


def test_draft_lives_on_when_its_list_is_gone_but_cannot_be_sent(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    number = create(door, token, name="A", list=mine.group)["id"]
    groups.delete(door.conn, team.id, mine.group_id)
    assert show(door, token, number)["list"] is None
    body = {"state": "SCHEDULED", "when": at(door, days=1), **message()}
    answer = door.client.put(f"/campaign/{number}", headers=token, json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "list[0]")


def test_campaign_of_another_door_has_a_number_too(
    door: Door, team: Team, token: Headers, mine: Lists
) -> None:
    body = {"name": "X", "sender": "Acme", "template": "Hi",
            "included_contact_groups": [mine.group_id]}  # fmt: skip
    campaign = service.submit(
        door.conn, team.id, body, providers=door.context.providers(), now=door.context.now()
    )
    number = number_of(door, "campaigns", campaign.id)
    assert show(door, token, number)["list"] == mine.group


def test_description_names_every_endpoint_of_the_document(door: Door) -> None:
    found = door.client.get("/campaign/openapi.json").json()
    assert {path: set(methods) for path, methods in found["paths"].items()} == {
        "/": {"post"},
        "/{campaign}": {"get", "put", "delete"},
    }
    assert door.client.get("/campaign/docs").status_code == 200
