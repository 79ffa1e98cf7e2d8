"""Requests to the Callback API, and what a team has that they name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from campaigns.audience import groups
from campaigns.campaign import state
from campaigns.links import domains
from campaigns.segmentation import segments
from campaigns.team.teams import Team
from tests.support.door import Door
from tests.support.segmentation import one

Headers = dict[str, str]

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
