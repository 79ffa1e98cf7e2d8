"""Requests of the Inline-contacts API, as its document has them, and what was stored of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.door import Door

Headers = dict[str, str]


def later(door: Door, **distance: float) -> str:
    return (door.context.now() + timedelta(**distance)).strftime("%Y-%m-%dT%H:%M:%S.492Z")


def example(door: Door, **changes: Any) -> dict[str, Any]:
    """The document's request, with values in the place of its types."""
    return {
        "startDateTime": later(door, days=1),
        "sender": "Acme",
        "message": "Hello @name",
        "optOutLinkId": 0,
        "trackLinkUrl": "",
        "contacts": [
            {
                "phoneNumber": "+447785856123",
                "name": "Ann",
                "custom1": "a",
                "custom2": "b",
                "contactGroupId": None,
            },
            {"phoneNumber": "07785 856124", "name": "Bob"},
        ],
        **changes,
    }


def create(door: Door, token: Headers, **changes: Any) -> str:
    answer = door.client.post("/api/Campaigns", headers=token, json=example(door, **changes))
    assert answer.status_code == 201, answer.text
    return str(answer.json())


def show(door: Door, token: Headers, name: str) -> dict[str, Any]:
    answer = door.client.get(f"/api/Campaigns/{name}", headers=token)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def listed(door: Door, token: Headers, **query: Any) -> dict[str, Any]:
    answer = door.client.get("/api/Campaigns", headers=token, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def rows(door: Door, table: str) -> int:
    row = door.conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone()  # type: ignore[arg-type]
    return int((row or {})["n"])
