"""Campaigns for a part of their groups, from the request to the recipients of a run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from campaigns.audience import contacts, groups
from campaigns.campaign import control
from campaigns.campaign.show import as_answer
from campaigns.errors import Conflict, Invalid, Locked
from campaigns.segmentation import segments
from campaigns.team import teams
from tests.integration.segmentation.conftest import ANN, BEN, CAT, DAN, Scene
from tests.support.campaigns import NOW
from tests.support.segmentation import body, one, rule

#: HORISEN's example of a response: a text that ends with a line end.
EXAMPLE = (
    '{"segmentation":[{"operator":"OR","rules":[{"field":"subscription_options_in",'
    '"condition":"in","value":["%s","%s"],"operator":"AND"}]}]}\n'
)


def test_a_query_selects_the_recipients_of_a_run(scene: Scene) -> None:
    campaign = scene.submit(query_type="segmentation", query=one("first_name", "neq", "ben"))
    assert set(scene.recipients(campaign)) == {ANN, CAT}


def test_without_a_query_everybody_gets_it(scene: Scene) -> None:
    kept = scene.submit(query_type="all", query=one("first_name", "eq", "nobody"))
    for campaign in (scene.submit(), kept):
        assert set(scene.recipients(campaign)) == {ANN, BEN, CAT}


def test_horisens_example_comes_back_as_it_was_sent(scene: Scene) -> None:
    sent = EXAMPLE % (scene.members.id, str(scene.customers.id).upper())
    campaign = scene.submit(query_type="segmentation", query=sent)
    answer = as_answer(scene.stored(campaign))
    assert (answer["query_type"], answer["query"]) == ("segmentation", sent)
    edited = scene.edit(campaign, name="Renamed")
    assert (edited.query, edited.query_type) == (sent, "segmentation")
    # The normal form has uuids as everything else here writes them.
    assert edited.segmentation == campaign.segmentation
    assert edited.segmentation == [json.loads(EXAMPLE % (scene.members.id, scene.customers.id))]
    assert set(scene.recipients(edited)) == {ANN, BEN, CAT}


def test_an_object_comes_back_as_an_object(scene: Scene) -> None:
    sent = body(("AND NOT", [rule("zip", "in", "900", "OR"), rule("zip", "isnull", None, "OR")]))
    campaign = scene.submit(query_type="segmentation", query=sent)
    assert scene.stored(campaign).query == sent
    assert set(scene.recipients(campaign)) == {BEN}


def test_a_query_is_edited_and_taken_away(scene: Scene) -> None:
    campaign = scene.submit(query_type="segmentation", query=one("first_name", "eq", "Ann"))
    scene.edit(campaign, query=json.dumps(one("first_name", "eq", "Cat")))
    assert scene.stored(campaign).segmentation == [one("first_name", "eq", "Cat")]
    kept = scene.edit(campaign, query_type="all")
    assert (kept.segmentation, kept.query is None) == (None, False)
    assert scene.edit(campaign, query_type="segmentation").segmentation is not None
    with pytest.raises(Invalid, match="query: is required when query_type is 'segmentation'"):
        scene.edit(campaign, query=None)
    gone = scene.edit(campaign, query_type="all", query=None)
    assert (gone.query, gone.segmentation) == (None, None)
    with pytest.raises(Invalid, match="query_type: must be 'segmentation'"):
        scene.edit(campaign, query=one("first_name", "eq", "Ann"))
    assert set(scene.recipients(gone)) == {ANN, BEN, CAT}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"query_type": "segmentation"},
            "query: is required when query_type is 'segmentation'.",
        ),
        (
            {"query": one("zip", "isnull")},
            "query_type: must be 'segmentation' for the query to count, or 'all'.",
        ),
        (
            {"query_type": "segmentation", "query": "{"},
            'query: must be JSON such as {"segmentation": [...]}.',
        ),
        (
            {"query_type": "all", "query": one("zip", "like", "8%")},
            "query.segmentation[0].rules[0].condition: 'like' must be one of eq, neq, isnull, "
            "isnotnull, in, notin, startswith, endswith, contains, lt, lte, gt, gte, ann_in_days.",
        ),
        (
            {"query_type": "some", "query": one("zip", "isnull")},
            "query_type: 'some' must be 'all' or 'segmentation'.",
        ),
        (
            {"contact_segments": ["x"]},
            "contact_segments[0]: 'x' must be the uuid or the number of a segment.",
        ),
        ({"contact_segments": [77]}, "contact_segments[0]: 77 is not a segment of this team."),
    ],
)
def test_what_breaks_a_rule_is_refused_and_nothing_is_stored(
    scene: Scene, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Invalid) as refused:
        scene.submit(**given)
    assert str(refused.value) == sentence
    assert scene.conn.execute("SELECT count(*) AS n FROM campaigns").fetchone() == {"n": 0}


@pytest.mark.parametrize("kind", ["another team's", "nobody's"])
@pytest.mark.parametrize("condition", ["in", "notin"])
def test_groups_of_other_teams_are_as_unknown_as_those_that_do_not_exist(
    scene: Scene, kind: str, condition: str
) -> None:
    other = teams.create(scene.conn, "Other")
    group = groups.create(scene.conn, other.id, "theirs").id if kind != "nobody's" else uuid4()
    query = one("subscription_options_in", condition, [str(scene.members.id), str(group)])
    sentence = (
        f"query.segmentation[0].rules[0].value[1]: {group} is not a contact group of this team."
    )
    for attempt in (
        lambda: scene.submit(query_type="segmentation", query=query),
        lambda: scene.submit(query_type="all", query=query),
        lambda: segments.create(scene.conn, scene.team.id, "customers", "s", query, now=NOW),
    ):
        with pytest.raises(Invalid) as refused:
            attempt()
        assert str(refused.value) == sentence


def test_a_group_of_the_other_kind_is_refused(scene: Scene) -> None:
    optouts = groups.find(scene.conn, scene.team.id, "default_optouts").id
    for name, group in (
        ("subscription_options_in", optouts),
        ("subscription_options_out", scene.members.id),
    ):
        with pytest.raises(Invalid, match=r"group; subscription_options_(in|out) is for those"):
            scene.submit(query_type="segmentation", query=one(name, "in", str(group)))


def test_membership_goes_by_the_address_of_the_channel(scene: Scene) -> None:
    member = one("subscription_options_in", "in", [str(scene.members.id)])
    stranger = one("subscription_options_in", "notin", [str(scene.members.id)])
    assert set(scene.recipients(scene.submit(query_type="segmentation", query=member))) == {BEN}
    assert set(scene.recipients(scene.submit(query_type="segmentation", query=stranger))) == {
        ANN,
        CAT,
    }


def test_excluded_groups_and_opt_outs_count_as_ever(scene: Scene) -> None:
    contacts.opt_out(scene.conn, scene.team, CAT)
    optouts = groups.find(scene.conn, scene.team.id, "default_optouts").id
    campaign = scene.submit(
        query_type="segmentation",
        query=body(
            ("OR", [rule("first_name", "isnotnull")]),
            ("OR", [rule("subscription_options_out", "in", [str(optouts)])]),
        ),
        excluded_contact_groups=[str(scene.members.id)],
    )
    assert set(scene.recipients(campaign)) == {ANN}


def test_of_several_contacts_with_one_address_any_may_be_selected_and_gives_the_fields(
    scene: Scene,
) -> None:
    both = [str(scene.customers.id), str(scene.members.id)]
    campaign = scene.submit(
        included_contact_groups=both,
        query_type="segmentation",
        query=one("first_name", "startswith", "benn"),
    )
    assert scene.recipients(campaign) == {BEN: {"first_name": "Benny"}}


@pytest.mark.parametrize(
    ("zone", "moment", "found"),
    [
        ("UTC", datetime(2026, 11, 25, 15, 25, tzinfo=UTC), {BEN}),
        ("Asia/Tokyo", datetime(2026, 11, 25, 15, 25, tzinfo=UTC), set()),
        ("Asia/Tokyo", datetime(2026, 11, 24, 15, 25, tzinfo=UTC), {BEN}),
        ("UTC", datetime(2026, 2, 28, 0, 0, tzinfo=UTC), {ANN}),
        ("UTC", datetime(2028, 2, 28, 0, 0, tzinfo=UTC), set()),
        ("UTC", datetime(2028, 2, 29, 0, 0, tzinfo=UTC), {ANN}),
    ],
)
def test_today_is_the_day_of_the_occurrence_in_the_campaigns_zone(
    scene: Scene, zone: str, moment: datetime, found: set[str]
) -> None:
    campaign = scene.submit(
        timezone=zone, query_type="segmentation", query=one("birthday", "ann_in_days", "0")
    )
    assert set(scene.recipients(campaign, moment)) == found


def test_recipients_in_their_own_time_are_selected_too(scene: Scene) -> None:
    campaign = scene.submit(
        recipient_local=True, query_type="segmentation", query=one("zip", "gt", "1000")
    )
    assert set(scene.recipients(campaign)) == {BEN}


def test_segments_select_within_their_groups_and_any_of_them_will_do(scene: Scene) -> None:
    conn, team_id = scene.conn, scene.team.id
    named = one("first_name", "isnotnull")
    of_members = segments.create(conn, team_id, "members", "Members", named, now=NOW)
    of_customers = segments.create(
        conn, team_id, "customers", "Ann", one("first_name", "eq", "Ann"), now=NOW
    )
    both = [str(scene.customers.id), str(scene.members.id)]
    campaign = scene.submit(
        included_contact_groups=both,
        contact_segments=[of_members.number, str(of_customers.id)],
        query_type="segmentation",
        query=one("zip", "eq", "8000"),
    )
    stored = scene.stored(campaign)
    assert stored.contact_segments == (of_members.id, of_customers.id)
    assert as_answer(stored)["contact_segments"] == [str(of_members.id), str(of_customers.id)]
    assert set(scene.recipients(campaign)) == {ANN, BEN, DAN}
    only = scene.submit(included_contact_groups=both, contact_segments=str(of_customers.number))
    assert set(scene.recipients(only)) == {ANN}


def test_segments_are_taken_away_by_an_edit(scene: Scene) -> None:
    segment = segments.create(
        scene.conn, scene.team.id, "customers", "Ann", one("first_name", "eq", "Ann"), now=NOW
    )
    campaign = scene.submit(contact_segments=[segment.number])
    assert scene.edit(campaign, name="Renamed").contact_segments == (segment.id,)
    with pytest.raises(Invalid, match=r"contact_segments\[0\].*a group that is not included"):
        scene.edit(campaign, included_contact_groups=[str(scene.members.id)])
    edited = scene.edit(
        campaign, included_contact_groups=[str(scene.members.id)], contact_segments=[]
    )
    assert set(scene.recipients(edited)) == {BEN, DAN}


def test_a_segment_is_named_once_and_is_the_teams_own(scene: Scene) -> None:
    other = teams.create(scene.conn, "Other")
    theirs = groups.create(scene.conn, other.id, "theirs")
    named = one("first_name", "isnotnull")
    foreign = segments.create(scene.conn, other.id, theirs.id, "s", named, now=NOW)
    own = segments.create(scene.conn, scene.team.id, "customers", "s", named, now=NOW)
    for named_as in (foreign.number, str(foreign.id)):
        with pytest.raises(Invalid, match=r"contact_segments\[0\]: .* is not a segment of this"):
            scene.submit(contact_segments=[named_as])
    with pytest.raises(Invalid, match=r"\[1\]: .* is listed already, as contact_segments\[0\]"):
        scene.submit(contact_segments=[str(own.id), own.number])


def test_an_edited_segment_counts_for_runs_that_begin_afterwards(scene: Scene) -> None:
    segment = segments.create(
        scene.conn, scene.team.id, "customers", "s", one("first_name", "eq", "Ann"), now=NOW
    )
    campaign = scene.submit(contact_segments=[segment.number])
    segments.edit(
        scene.conn, scene.team.id, segment.id, query=one("first_name", "eq", "Cat"), now=NOW
    )
    assert set(scene.recipients(campaign)) == {CAT}


def test_a_segment_that_is_gone_selects_nobody_rather_than_everybody(scene: Scene) -> None:
    segment = segments.create(
        scene.conn, scene.team.id, "customers", "s", one("first_name", "eq", "Ann"), now=NOW
    )
    campaign = scene.submit(contact_segments=[segment.number])
    scene.conn.execute("DELETE FROM segments")
    assert scene.recipients(campaign) == {}


@pytest.mark.parametrize("of", ["campaign", "segment"])
def test_a_group_that_a_query_asks_for_is_not_deleted(scene: Scene, of: str) -> None:
    query = one("subscription_options_in", "notin", [str(scene.members.id).upper()])
    if of == "campaign":
        campaign = scene.submit(query_type="segmentation", query=json.dumps(query))
    else:
        segments.create(scene.conn, scene.team.id, "customers", "s", query, now=NOW)
    with pytest.raises(Locked, match=f"because the query of {of} .* asks for its members"):
        groups.delete(scene.conn, scene.team.id, "members")
    if of == "campaign":
        control.delete(scene.conn, scene.team.id, campaign.id, now=NOW)
    else:
        segments.delete(scene.conn, scene.team.id, "s")
    groups.delete(scene.conn, scene.team.id, "members")


def test_a_repeated_submission_is_recognised_by_its_query_too(scene: Scene) -> None:
    uuid = str(uuid4())
    given = {"uuid": uuid, "query_type": "segmentation"}
    first = scene.submit(**given, query=one("zip", "eq", "1"))
    assert scene.submit(**given, query=one("zip", "eq", "1")) == first
    with pytest.raises(Conflict, match="already with other content"):
        scene.submit(**given, query=one("zip", "eq", "2"))
    assert first.id == UUID(uuid)
