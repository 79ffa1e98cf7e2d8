"""Clones: what its source is, with what is given in the place of the source's."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from campaigns.campaign import cloning, samples, service
from campaigns.campaign.store import Campaign
from campaigns.errors import Conflict, Invalid, NotFound
from campaigns.team import teams
from tests.support.campaigns import NOW, OPTINS, PROVIDERS, THROTTLED_GROUP, World, submit

LATER = NOW + timedelta(hours=1)

#: What every campaign has of its own.
OWN = {"id", "created_at", "updated_at", "submission", "pauses"}


def clone(world: World, source: Campaign, body: Any = None, now: Any = LATER) -> Campaign:
    made = cloning.clone(
        world.conn, world.team.id, source.id, body or {}, providers=PROVIDERS, now=now
    )
    assert service.get(world.conn, world.team.id, made.id) == made
    return made


def differing(one: Campaign, other: Campaign) -> set[str]:
    names = {field.name for field in dataclasses.fields(Campaign)} - OWN
    return {name for name in names if getattr(one, name) != getattr(other, name)}


@pytest.fixture
def draft(world: World, simple: dict[str, Any]) -> Campaign:
    """HORISEN's draft, whose variables have no values yet."""
    del simple["template_uuid"]
    return submit(world, {**simple, "template": "It is {temp}, @first_name", "status": "draft"})


def test_clone_is_what_its_source_is(world: World, throttled: dict[str, Any]) -> None:
    body = {**throttled, "rate": "5/s", "weight": 3, "leftover": "expire", "timezone": "Asia/Tokyo"}
    source = submit(world, body)
    made = clone(world, source)
    assert made.id != source.id
    assert differing(made, source) == set()
    assert [(p.start_at, p.end_at) for p in made.pauses] == [
        (p.start_at, p.end_at) for p in source.pauses
    ]
    assert {p.id for p in made.pauses}.isdisjoint({p.id for p in source.pauses})
    assert made.created_at == LATER


def test_source_stays_as_it_is(world: World, draft: Campaign) -> None:
    clone(world, draft, {"name": "Other", "template_vars": {"temp": "5C"}})
    assert service.get(world.conn, world.team.id, draft.id) == draft


def test_draft_is_activated_with_the_values_that_are_given(world: World, draft: Campaign) -> None:
    made = clone(world, draft, {"template_vars": {"temp": "-22C"}, "name": "Cold"})
    assert (made.status, made.name, made.template_vars) == ("scheduled", "Cold", {"temp": "-22C"})
    assert differing(made, draft) == {"status", "name", "template_vars"}


def test_draft_without_values_can_become_a_draft_only(world: World, draft: Campaign) -> None:
    with pytest.raises(Invalid, match=r"uses \{temp\}, which is not in template_vars"):
        clone(world, draft)
    assert clone(world, draft, {"status": "draft"}).status == "draft"


def test_draft_without_values_cannot_be_let_go_or_tried_out(world: World, draft: Campaign) -> None:
    with pytest.raises(Invalid, match=r"uses \{temp\}"):
        service.activate(world.conn, world.team.id, draft.id, providers=PROVIDERS, now=NOW)
    sample = {"campaign": str(draft.id), "address": "+447785856985"}
    with pytest.raises(Invalid, match=r"uses \{temp\}"):
        samples.send_test(world.conn, world.team.id, sample, providers=PROVIDERS, now=NOW)
    service.edit(
        world.conn,
        world.team.id,
        draft.id,
        {"template_vars": {"temp": "1C"}},
        providers=PROVIDERS,
        now=NOW,
    )
    samples.send_test(world.conn, world.team.id, sample, providers=PROVIDERS, now=NOW)


def test_values_are_laid_over_those_of_the_source(world: World, simple: dict[str, Any]) -> None:
    del simple["template_uuid"]
    source = submit(world, {**simple, "template": "{a} {b}", "template_vars": {"a": "1", "b": "2"}})
    assert clone(world, source, {"template_vars": {"b": "3"}}).template_vars == {"a": "1", "b": "3"}
    assert clone(world, source).template_vars == {"a": "1", "b": "2"}


def test_clone_is_neither_paused_nor_over(world: World, simple: dict[str, Any]) -> None:
    source = submit(world, {**simple, "manually_paused": True})
    world.conn.execute("UPDATE campaigns SET status = 'stopped', error = 'x'")
    made = clone(world, source)
    assert (made.status, made.manually_paused, made.error) == ("scheduled", False, None)


def test_what_was_reviewed_is_cloned(world: World, simple: dict[str, Any]) -> None:
    """The copy of the stored template, whatever that says by now."""
    source = submit(world, simple)
    world.conn.execute("UPDATE templates SET body = 'Rewritten'")
    assert clone(world, source).template == "Hello @first_name"
    again = {"template_uuid": str(source.template_uuid)}
    assert clone(world, source, again).template == "Rewritten"


def test_window_moves_with_the_start(world: World, throttled: dict[str, Any]) -> None:
    source = submit(world, throttled)
    made = clone(world, source, {"scheduled_send_date": "2026-12-05 09:25:00"})
    days = made.scheduled_send_date - source.scheduled_send_date
    assert made.scheduled_finish_date is not None
    assert source.scheduled_finish_date is not None
    assert made.expiry_date is not None
    assert source.expiry_date is not None
    assert made.scheduled_finish_date - source.scheduled_finish_date == days
    assert made.expiry_date - source.expiry_date == days
    assert [p.start_at - q.start_at for p, q in zip(made.pauses, source.pauses, strict=True)] == [
        days,
        days,
    ]


def test_window_that_is_given_is_the_window(world: World, throttled: dict[str, Any]) -> None:
    made = clone(
        world,
        submit(world, throttled),
        {
            "scheduled_send_date": "2026-12-05 09:25:00",
            "scheduled_finish_date": "2026-12-05 12:00:00",
            "expiry_date": None,
            "pauses": [],
        },
    )
    assert made.window.finish is not None
    assert (made.window.finish.hour, made.expiry_date, made.pauses) == (12, None, ())


def test_start_that_has_passed_must_be_given_anew(world: World, simple: dict[str, Any]) -> None:
    source = submit(world, simple)
    past = source.scheduled_send_date + timedelta(days=1)
    with pytest.raises(Invalid, match="must not lie in the past"):
        clone(world, source, now=past)
    assert clone(world, source, {"schedule_type": "now"}, now=past).schedule_type == "now"


def test_series_goes_on(world: World, simple: dict[str, Any]) -> None:
    series = {"schedule_type": "scheduled", "schedule_rrule": "FREQ=DAILY", "expiry_date": None}
    source = submit(world, {**simple, **series})
    now = source.scheduled_send_date + timedelta(days=10, hours=1)
    made = clone(world, source, now=now)
    assert made.scheduled_send_date == source.scheduled_send_date
    assert made.next_dt == source.scheduled_send_date + timedelta(days=11)


def test_series_that_is_over_is_refused(world: World, simple: dict[str, Any]) -> None:
    series = {
        "schedule_type": "scheduled",
        "schedule_rrule": "FREQ=DAILY;COUNT=2",
        "expiry_date": None,
    }
    source = submit(world, {**simple, **series})
    with pytest.raises(Invalid, match="has no occurrence after"):
        clone(world, source, now=source.scheduled_send_date + timedelta(days=5))


def test_repeated_request_is_the_same_clone(world: World, draft: Campaign) -> None:
    body = {"uuid": str(uuid4()), "template_vars": {"temp": "1C"}}
    made = clone(world, draft, body)
    world.conn.execute("UPDATE campaigns SET name = 'Edited' WHERE id = %s", [draft.id])
    assert made.id == UUID(body["uuid"])
    assert clone(world, draft, body).id == made.id
    assert world.rows("campaigns") == 2
    with pytest.raises(Conflict, match="exists already with other content"):
        clone(world, draft, {**body, "name": "Another"})


def test_what_is_given_is_checked_with_the_rest(world: World, draft: Campaign) -> None:
    for body, sentence in [
        ({"nmae": "x"}, "nmae: is not a known field"),
        ({"sending_type": "viber"}, "carries the channel 'viber'"),
        ({"uuid": "x"}, "uuid: 'x' must be a UUID"),
        ({"template_vars": ["a"]}, "template_vars: must be an object"),
        ({"status": "finished"}, "status: 'finished' must be"),
        ({"included_contact_groups": []}, "must name at least one contact group"),
    ]:
        with pytest.raises(Invalid, match=sentence):
            clone(world, draft, body)
    assert world.rows("campaigns") == 1
    made = clone(
        world,
        draft,
        {"included_contact_groups": [str(THROTTLED_GROUP), str(OPTINS)], "template": "Bye"},
    )
    assert (made.included, made.template) == ((THROTTLED_GROUP, OPTINS), "Bye")


def test_other_teams_campaigns_do_not_exist(world: World, draft: Campaign) -> None:
    other = teams.create(world.conn, "Other")
    with pytest.raises(NotFound) as refused:
        cloning.clone(world.conn, other.id, draft.id, {}, providers=PROVIDERS, now=NOW)
    assert str(refused.value) == f"campaign: there is no campaign {draft.id} in this team."
