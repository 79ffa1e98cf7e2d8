"""Segments as they are stored: by uuid, number and name, within a team and a group."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from psycopg.errors import LockNotAvailable

from campaigns.audience import groups
from campaigns.campaign import control
from campaigns.database import connect
from campaigns.errors import Conflict, Invalid, Locked, NotFound
from campaigns.segmentation import segments
from campaigns.segmentation.segments import Segment
from campaigns.team import teams
from tests.integration.segmentation.conftest import Scene
from tests.support.campaigns import NOW, OPTINS
from tests.support.segmentation import one

QUERY = one("zip", "in", ["8000", "3000"])


def create(scene: Scene, name: str = "City", **changes: object) -> Segment:
    given = {"group": "customers", "query": QUERY, **changes}
    return segments.create(scene.conn, scene.team.id, name=name, now=NOW, **given)


def test_a_segment_is_found_by_uuid_number_and_name(scene: Scene) -> None:
    segment = create(scene, query=json.dumps(QUERY))
    assert (segment.query, segment.group_id) == (QUERY, scene.customers.id)
    for named in (segment.id, str(segment.id), segment.number, str(segment.number), "City"):
        assert segments.find(scene.conn, scene.team.id, named) == segment
    for nobody in (uuid4(), 0, -1, "9" * 30, 2**63, "²", "x\x00", ""):
        with pytest.raises(NotFound):
            segments.find(scene.conn, scene.team.id, nobody)


def test_a_team_sees_its_own_segments_only(scene: Scene) -> None:
    other = teams.create(scene.conn, "Other")
    segment = create(scene)
    for named in (segment.id, segment.number, "City"):
        with pytest.raises(NotFound):
            segments.find(scene.conn, other.id, named)
        with pytest.raises(NotFound):
            segments.delete(scene.conn, other.id, named)
        with pytest.raises(NotFound):
            segments.edit(scene.conn, other.id, named, name="Mine", now=NOW)
    with pytest.raises(NotFound):
        segments.create(scene.conn, other.id, scene.customers.id, "Mine", QUERY, now=NOW)
    assert segments.list_all(scene.conn, other.id) == []


def test_segments_are_listed_by_name_and_by_group(scene: Scene) -> None:
    first, second = create(scene, "B"), create(scene, "A", group="members")
    assert segments.list_all(scene.conn, scene.team.id) == [second, first]
    assert segments.list_all(scene.conn, scene.team.id, scene.customers.id) == [first]
    assert second.number > first.number


def test_a_repeated_creation_is_the_same_segment(scene: Scene) -> None:
    uuid = str(uuid4())
    assert create(scene, uuid=uuid) == create(scene, uuid=uuid)
    with pytest.raises(Conflict, match="already, with other content"):
        create(scene, uuid=uuid, query=one("zip", "isnull"))
    other = teams.create(scene.conn, "Other")
    theirs = groups.create(scene.conn, other.id, "theirs")
    with pytest.raises(Conflict, match="cannot be used, choose another one"):
        segments.create(scene.conn, other.id, theirs.id, "City", QUERY, uuid=uuid, now=NOW)


@pytest.mark.parametrize("name", ["City", " City "])
def test_a_name_is_used_once_in_a_team(scene: Scene, name: str) -> None:
    create(scene)
    town = create(scene, "Town")
    with pytest.raises(Conflict, match="there is a segment called 'City' already"):
        create(scene, name, group="members")
    with pytest.raises(Conflict, match="there is a segment called 'City' already"):
        segments.edit(scene.conn, scene.team.id, town.id, name=name, now=NOW)


@pytest.mark.parametrize("name", ["", " ", "7", "x\x00", str(OPTINS), "x" * 101])
def test_a_name_is_nothing_that_could_be_taken_for_something_else(scene: Scene, name: str) -> None:
    with pytest.raises(Invalid, match=r"^name: "):
        create(scene, name)
    assert segments.list_all(scene.conn, scene.team.id) == []


def test_an_edit_changes_what_it_names(scene: Scene) -> None:
    segment = create(scene)
    renamed = segments.edit(scene.conn, scene.team.id, "City", name="Town", now=NOW)
    assert (renamed.name, renamed.query, renamed.number) == ("Town", QUERY, segment.number)
    edited = segments.edit(scene.conn, scene.team.id, "Town", query=one("zip", "isnull"), now=NOW)
    assert (edited.name, edited.query) == ("Town", one("zip", "isnull"))
    with pytest.raises(Invalid, match=r"query\.segmentation: is required"):
        segments.edit(scene.conn, scene.team.id, "Town", query={}, now=NOW)
    assert segments.find(scene.conn, scene.team.id, "Town") == edited


@pytest.mark.parametrize("status", ["draft", "active"])
def test_a_segment_that_a_campaign_may_still_need_is_not_deleted(scene: Scene, status: str) -> None:
    segment = create(scene)
    campaign = scene.submit(contact_segments=[segment.number], status=status)
    with pytest.raises(Locked, match=f"'City' is locked, because campaign 'Spring' .{campaign.id}"):
        segments.delete(scene.conn, scene.team.id, "City")
    end = control.stop if status == "active" else control.delete
    end(scene.conn, scene.team.id, campaign.id, now=NOW)
    assert segments.delete(scene.conn, scene.team.id, "City") == segment
    with pytest.raises(NotFound):
        segments.find(scene.conn, scene.team.id, segment.id)
    if status == "active":
        assert scene.stored(campaign).contact_segments == (segment.id,)


def test_what_a_campaign_that_is_being_saved_names_is_not_deleted_meanwhile(
    scene: Scene, database: str
) -> None:
    segment = create(scene, query=one("subscription_options_in", "in", [str(scene.members.id)]))
    with connect(database) as other, scene.conn.transaction():
        scene.submit(contact_segments=[segment.number])
        other.execute("SET lock_timeout = '50ms'")
        with pytest.raises(LockNotAvailable):
            segments.delete(other, scene.team.id, "City")
    with connect(database) as other, scene.conn.transaction():
        asked = one("subscription_options_in", "notin", [str(scene.members.id)])
        scene.submit(query_type="segmentation", query=asked)
        other.execute("SET lock_timeout = '50ms'")
        with pytest.raises(LockNotAvailable):
            groups.delete(other, scene.team.id, "members")


def test_the_segments_of_a_group_go_with_it(scene: Scene) -> None:
    create(scene, group="members", query=one("zip", "isnull"))
    groups.delete(scene.conn, scene.team.id, "members")
    assert segments.list_all(scene.conn, scene.team.id) == []


def test_a_segment_shows_nothing_of_its_query(scene: Scene) -> None:
    segment = create(scene, query=one("email", "eq", "ann@example.com"))
    assert "ann@" not in repr(segment)
