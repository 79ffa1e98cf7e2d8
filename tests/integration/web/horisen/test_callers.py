"""Whose campaigns a caller sees, and what a token may do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from campaigns.team import teams
from tests.support.horisen import (
    EXAMPLE,
    NOBODY,
    Service,
    error_of,
)


def test_other_teams_campaigns_do_not_exist(service: Service, stranger: Service) -> None:
    uuid = service.made()["uuid"]

    def answers(team: Service, url: str) -> list[tuple[int, Any]]:
        client, headers = team.door.client, team.headers
        made = [
            client.get(url, headers=headers),
            client.put(url, headers=headers, json=EXAMPLE),
            client.patch(url, headers=headers, json={"status": "stopped"}),
            client.delete(url, headers=headers),
        ]
        return [(answer.status_code, answer.json()) for answer in made]

    def blurred(found: list[tuple[int, Any]], name: str) -> str:
        return json.dumps(found).replace(name, "X")

    theirs = answers(stranger, f"{stranger.url}/{uuid}")
    nobodys = answers(stranger, f"{stranger.url}/{NOBODY}")
    assert {status for status, _ in theirs} == {404}
    assert blurred(theirs, uuid) == blurred(nobodys, NOBODY)
    assert service.shown(uuid)["status"] == "active"

    # Another team's service.
    theirs = answers(stranger, f"{service.url}/{uuid}")
    nobodys = answers(stranger, f"/news/v1/services/{NOBODY}/campaigns/{uuid}")
    assert {status for status, _ in theirs} == {404}
    assert blurred(theirs, str(service.team.id)) == blurred(nobodys, NOBODY)
    for url in (service.url, f"/news/v1/services/{NOBODY}/campaigns"):
        client, headers = stranger.door.client, stranger.headers
        assert client.get(url, headers=headers).status_code == 404
        assert client.post(url, headers=headers, json=EXAMPLE).status_code == 404
    assert stranger.get().json()["data"] == []


@pytest.mark.parametrize("odd", ["x", "1", "%00", "..%2f..", "{uuid}", NOBODY.replace("-", "")])
def test_odd_uuids_name_nothing(service: Service, odd: str) -> None:
    for url in (f"{service.url}/{odd}", f"/news/v1/services/{odd}/campaigns"):
        assert service.door.client.get(url, headers=service.headers).status_code == 404


def test_scopes(service: Service) -> None:
    draft = service.made(status="draft")["uuid"]
    active = service.made()["uuid"]
    door, team = service.door, service.team

    def statuses(*scopes: str) -> list[int]:
        own = Service(door, team, door.token(team.id, *scopes))
        return [
            own.get().status_code,
            own.get(active).status_code,
            own.post(status="draft").status_code,
            own.post().status_code,
            own.post({"clone_uuid": active}).status_code,
            own.put(draft, status="draft").status_code,
            own.put(draft, status="active").status_code,
            own.put(active).status_code,
            own.patch(active, "active").status_code,
            own.delete(active).status_code,
            own.delete(service.made(status="draft")["uuid"]).status_code,
        ]

    assert statuses("read") == [200, 200, *[403] * 9]
    assert statuses("read", "write") == [200, 200, 201, 403, 403, 200, 403, 403, 403, 403, 204]
    assert statuses("read", "write", "send")[:9] == [200, 200, 201, 201, 201, 200, 200, 200, 200]


def test_nobody_gets_in_without_a_token(service: Service) -> None:
    answer = service.door.client.get(service.url)
    assert error_of(answer) == (401, "This request needs a token: Authorization: Bearer TOKEN.")
    other = teams.create(service.conn, "third")
    headers = service.door.token(other.id)
    assert service.door.client.get(service.url, headers=headers).status_code == 404
