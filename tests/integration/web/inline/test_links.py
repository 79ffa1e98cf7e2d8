"""Links are those of the team, and are shown as they were asked for."""

from __future__ import annotations

from campaigns.links import domains, links
from campaigns.team import teams
from campaigns.team.teams import Team
from tests.support.door import Door
from tests.support.inline_contacts import Headers, create, example, listed, rows, show


def test_links_are_shown_as_they_were_asked_for_and_go_when_that_is_asked_for(
    door: Door, team: Team, token: Headers
) -> None:
    now = door.context.now()
    domains.create(door.conn, team.id, "go.example.com", now=now)
    link = links.create(door.conn, team.id, "go.example.com", "out", now=now)
    url = "https://shop.example/sale"
    name = create(door, token, optOutLinkId=link.number, trackLinkUrl=url)
    for found in (show(door, token, name), listed(door, token)["items"][0]):
        assert (found["optOutLinkId"], found["trackLinkUrl"]) == (link.number, url)
    for body in ({"optOutLinkId": 0}, {"trackLinkUrl": ""}):
        answer = door.client.put(f"/api/Campaigns/{name}", headers=token, json=body)
        assert answer.status_code == 204, answer.text
    found = show(door, token, name)
    assert (found["optOutLinkId"], found["trackLinkUrl"]) == (0, "")


def test_link_that_is_not_the_teams_is_a_wrong_field(
    door: Door, team: Team, token: Headers
) -> None:
    now = door.context.now()
    other = teams.create(door.conn, "other").id
    domains.create(door.conn, other, "go.example.com", now=now)
    theirs = links.create(door.conn, other, "go.example.com", "out", now=now)
    for field, value in (
        ("optOutLinkId", theirs.number),
        ("optOutLinkId", 2**40),
        # There is no domain to make it on.
        ("trackLinkUrl", "https://shop.example/"),
        ("trackLinkUrl", "javascript:alert(1)"),
        ("trackLinkUrl", "string"),
        ("trackLinkUrl", "https://user:pass@shop.example/"),
    ):
        answer = door.client.post(
            "/api/Campaigns", headers=token, json=example(door, **{field: value})
        )
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
        assert "pass@" not in answer.text
    assert rows(door, "campaigns") == rows(door, "contacts") == 0
