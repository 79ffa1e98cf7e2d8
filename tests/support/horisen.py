"""The documented requests of HORISEN's Campaign API, and a service to make them to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns.audience import contacts, groups
from campaigns.database import Connection
from campaigns.team.teams import Team
from tests.support.door import Door

#: The uuids of the document.
LIST = "cf9eeb30-c1af-11ee-8073-bf4d6e8c1618"
OPTED = ("7c4c1e07-4c65-4861-ab82-9f8fd9cd3913", "94bb60a3-7b4b-4614-913c-0a2760e5f633")
CLONED = "1592695e-c1b1-11ee-b153-774c9d3a7957"

NOBODY = "00000000-0000-4000-8000-000000000000"

#: Section 3.1, "Create a new SMS campaign", with its date moved into the future.
EXAMPLE: dict[str, Any] = {
    "name": "New Campaign",
    "status": "active",
    "sending_type": "sms",
    "schedule_type": "once",
    "schedule_rrule": "2098-05-01 17:05:00",
    "template": "Hello @first_name",
    "sender": "+41587000000",
    "recipient_lists": LIST,
}

QUERY = {
    "segmentation": [
        {
            "operator": "OR",
            "rules": [
                {
                    "field": "subscription_options_in",
                    "condition": "in",
                    "value": list(OPTED),
                    "operator": "AND",
                }
            ],
        }
    ]
}

#: Section 3.4, "Campaign data example", with its date moved into the future.
UPDATE: dict[str, Any] = {
    **EXAMPLE,
    "template": "Hello world",
    "webpush_title": "string",
    "webpush_body": "string",
    "webpush_target_url": "string",
    "webpush_icon": "string",
    "webpush_image": "string",
    "query_type": "segmentation",
    "query": json.dumps(QUERY) + "\n",
}

#: Section 4.4.
RESPONSE_FIELDS = (
    "name", "status", "sending_type", "schedule_type", "schedule_rrule", "template",
    "webpush_title", "webpush_body", "webpush_target_url", "webpush_icon", "webpush_image",
    "sender", "recipient_lists", "query_type", "query", "uuid", "created_dt", "updated_dt",
    "next_dt", "last_dt",
)  # fmt: skip

#: RFC 3339 as the document writes it.
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

PROVIDERS = "".join(
    f"""
[providers.{channel}]
adapter = "sandbox"
channel = "{channel}"
url = "http://127.0.0.1:9/messages"
"""
    for channel in ("sms", "webpush", "email", "telegram", "rbm", "viber", "whatsapp")
)


@dataclass(frozen=True)
class Service:
    """A team's campaigns behind the door."""

    door: Door
    team: Team
    headers: dict[str, str]

    @property
    def url(self) -> str:
        return f"/news/v1/services/{self.team.id}/campaigns"

    @property
    def conn(self) -> Connection:
        return self.door.conn

    def post(self, body: Any = None, **changes: Any) -> Any:
        """The answer to a ``POST`` of the document's example, or of ``body``, changed."""
        sent = {**(EXAMPLE if body is None else body), **changes}
        return self.door.client.post(self.url, headers=self.headers, json=sent)

    def made(self, body: Any = None, **changes: Any) -> Any:
        """The campaign of a ``POST`` that must succeed."""
        answer = self.post(body, **changes)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def put(self, uuid: str, body: Any = None, **changes: Any) -> Any:
        sent = {**(EXAMPLE if body is None else body), **changes}
        return self.door.client.put(f"{self.url}/{uuid}", headers=self.headers, json=sent)

    def patch(self, uuid: str, status: Any) -> Any:
        return self.door.client.patch(
            f"{self.url}/{uuid}", headers=self.headers, json={"status": status}
        )

    def get(self, uuid: str = "", **query: Any) -> Any:
        url = f"{self.url}/{uuid}" if uuid else self.url
        return self.door.client.get(url, headers=self.headers, params=query)

    def shown(self, uuid: str) -> Any:
        """The campaign as it is now."""
        answer = self.get(uuid)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def delete(self, uuid: str) -> Any:
        return self.door.client.delete(f"{self.url}/{uuid}", headers=self.headers)

    def begin(self, uuid: str) -> None:
        """Let the campaign have begun, as the tick does."""
        self.conn.execute(
            "UPDATE campaigns SET status = 'sending', next_dt = NULL WHERE id = %s", [uuid]
        )


def service(door: Door, team: Team) -> Service:
    """The team with the document's list, of one contact."""
    groups.create(door.conn, team.id, "Customers", uuid=UUID(LIST))
    for index, uuid in enumerate(OPTED):
        groups.create(door.conn, team.id, f"Opted in {index}", uuid=UUID(uuid))
    person = {"phone": "+447785856985", "custom_fields": {"First Name": "Ann"}}
    contacts.add(door.conn, team, UUID(LIST), [person])
    return Service(door, team, door.token(team.id))


def add_run(service: Service, uuid: str, at: str, **counts: Any) -> int:
    """A run of the campaign, with these columns; its number."""
    columns = {"status": "finished", "reason": "completed", "total": 0, **counts}
    names = ", ".join(columns)
    values = ", ".join(f"%({name})s" for name in columns)
    row = service.conn.execute(
        f"INSERT INTO runs (campaign_id, occurrence, provider, starts_at, window_at, created_at,"
        f" {names}) VALUES (%(uuid)s, %(at)s, 'sms', %(at)s, %(at)s, %(at)s, {values})"
        " RETURNING id",
        {**columns, "uuid": uuid, "at": at},
    ).fetchone()
    assert row is not None
    return int(row["id"])


def error_of(answer: Any) -> tuple[int, str]:
    """Status and sentence of a refusal, whose body must be that of section 4.10."""
    body = answer.json()
    assert set(body) == {"code", "message", "description", "items"}, body
    assert all(set(item) == {"name", "message", "description"} for item in body["items"])
    return answer.status_code, body["message"]


def moment(text: str) -> datetime:
    """The time in an answer."""
    assert MOMENT.fullmatch(text), text
    return datetime.fromisoformat(text)
