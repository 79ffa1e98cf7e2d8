"""The examples of Passona's documents, and how an answer is held to a documented one.

Dates of the documents lie in the past: :func:`shifted` moves all of them by some years.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from campaigns.audience import contacts, groups, jobs
from campaigns.database import Connection
from campaigns.team.teams import Team
from campaigns.template import templates

BASE = "/api/2.0"

#: The uuids of the examples.
OPTINS = "16cd47aa-f4e0-11e9-a8c1-0242ac120006"
OPTOUTS = "fa306d66-f4df-11e9-a171-0242ac120006"
GROUP = "09e0a326-fb2e-11e9-ba2a-0242ac120008"
EXCLUDED = "9c4fe076-78da-11ea-8a01-f297f8f4092e"
TEMPLATE = "3021906e-fb1e-11e9-bbd9-0242ac120008"
THROTTLED_TEMPLATE = "49deafce-fbbd-11e9-93b1-0242ac120009"
CAMPAIGN = "dc8a7564-fb1e-11e9-abb5-0242ac120008"

CREATE: dict[str, Any] = {
    "name": "New Campaign",
    "sender": "Digitonic",
    "scheduled_send_date": "2019-11-25 15:25:00",
    "expiry_date": "2019-12-26 15:25:00",
    "included_contact_groups": [OPTINS],
    "excluded_contact_groups": [OPTOUTS],
    "template_uuid": TEMPLATE,
}
EDIT = {**CREATE, "name": "New Campaign Updated", "sender": "88440"}
THROTTLED: dict[str, Any] = {
    "name": "New Campaign",
    "sender": "Digitonic",
    "throttled": True,
    "scheduled_send_date": "2020-11-25 15:25:00",
    "scheduled_finish_date": "2020-11-25 16:25:00",
    "expiry_date": "2020-12-26 15:25:00",
    "pauses": [
        {"start_at": "2020-11-25 15:35:00", "end_at": "2020-11-25 15:45:00"},
        {"start_at": "2020-11-25 16:00:00", "end_at": "2020-11-25 16:10:00"},
    ],
    "included_contact_groups": [GROUP],
    "excluded_contact_groups": [GROUP],
    "template_uuid": THROTTLED_TEMPLATE,
}
SEND_TEST: dict[str, Any] = {
    "name": "Test Campaign",
    "sender": "Digitonic",
    "scheduled_send_date": "2019-11-25 15:25:00",
    "expiry_date": "2019-12-26 15:25:00",
    "template_uuid": TEMPLATE,
    "contact_number": "447785856985",
    "custom_fields": {"title": "Mr", "first_name": "John", "last_name": "Doe"},
}

#: The documented answers.
CREATED: dict[str, Any] = {
    "data": {
        "uuid": CAMPAIGN,
        "team_uuid": "fa100954-f4df-11e9-961b-0242ac120006",
        "name": "New Campaign",
        "sender": "Digitonic",
        "scheduled_send_date": "2019-11-25 15:25:00",
        "expiry_date": "2019-12-26 15:25:00",
        "status": 0,
        "included_contact_groups": [OPTINS],
        "excluded_contact_groups": [OPTOUTS],
        "started_sending_at": "",
        "template_uuid": TEMPLATE,
        "finished_sending_at": "",
        "created_at": "2019-10-30 14:09:17",
        "updated_at": "",
    }
}
LISTED: dict[str, Any] = {
    "data": [CREATED["data"]],
    "links": {
        "first": "http://passona.test/api/2.0/campaigns?page=1",
        "last": "http://passona.test/api/2.0/campaigns?page=1",
        "prev": None,
        "next": None,
    },
    "meta": {
        "current_page": 1,
        "from": 1,
        "last_page": 1,
        "path": "http://passona.test/api/2.0/campaigns",
        "per_page": 15,
        "to": 1,
        "total": 1,
    },
}
GOT: dict[str, Any] = {
    "data": {
        "uuid": CAMPAIGN,
        "team_uuid": "5772baba-fb2a-11e9-80f8-0242ac120008",
        "name": "Other Test",
        "sender": "Digitonic",
        "scheduled_send_date": "2019-12-16 17:48:00",
        "expiry_date": "2019-12-18 17:50:05",
        "status": 2,
        "throttled": False,
        "included_contact_groups": [GROUP],
        "excluded_contact_groups": [GROUP],
        "started_sending_at": "2019-12-16 17:49:02",
        "template_uuid": THROTTLED_TEMPLATE,
        "finished_sending_at": "2019-12-16 17:49:07",
        "created_at": "2019-12-16 17:48:24",
        "updated_at": "2019-12-16 17:49:07",
    }
}
TESTED: dict[str, Any] = {
    "data": {
        **CREATED["data"],
        "name": "Test Campaign",
        "scheduled_send_date": "2019-10-30 14:18:00",
        "expiry_date": "2019-11-01 14:18:21",
        "excluded_contact_groups": [],
    }
}
_PAUSED = "2020-06-26 12:15:51"
THROTTLED_CREATED: dict[str, Any] = {
    "data": {
        "uuid": CAMPAIGN,
        "team_uuid": "5772baba-fb2a-11e9-80f8-0242ac120008",
        "name": "New Campaign",
        "sender": "Digitonic",
        "scheduled_send_date": "2020-11-25 15:25:00",
        "expiry_date": "2020-12-26 15:25:00",
        "status": 0,
        "throttled": True,
        "included_contact_groups": [GROUP],
        "excluded_contact_groups": [GROUP],
        "started_sending_at": "",
        "template_uuid": THROTTLED_TEMPLATE,
        "finished_sending_at": "",
        "created_at": _PAUSED,
        "updated_at": _PAUSED,
        "scheduled_finish_date": "2020-11-25 16:25:00",
        "manually_paused": None,
        "pauses": [
            {
                "uuid": "64cc3b7e-b79e-11ea-94ed-2a1c9c82e65d",
                "campaign_uuid": CAMPAIGN,
                "start_at": "2020-11-25 15:35:00",
                "end_at": "2020-11-25 15:45:00",
                "created_at": _PAUSED,
                "updated_at": _PAUSED,
            },
            {
                "uuid": "64cd186e-b79e-11ea-aef5-2a1c9c82e65d",
                "campaign_uuid": CAMPAIGN,
                "start_at": "2020-11-25 16:00:00",
                "end_at": "2020-11-25 16:10:00",
                "created_at": _PAUSED,
                "updated_at": _PAUSED,
            },
        ],
    }
}
TOGGLED: dict[str, Any] = {"data": {**THROTTLED_CREATED["data"], "manually_paused": True}}

CREATE_GROUP: dict[str, Any] = {
    "name": "New Contact Group",
    "description": "A new contact group",
    "deletable": True,
}
EDIT_GROUP: dict[str, Any] = {
    "name": "New Contact Group Updated",
    "description": "A new contact group",
}
ADD: dict[str, Any] = {
    "contacts": [
        {
            "phone_number": "447713252151",
            "custom_fields": {"first_name": "John", "last_name": "Doe"},
        },
        {
            "phone_number": "447713252152",
            "custom_fields": {"first_name": "Jane", "last_name": "Doe"},
        },
    ]
}
REMOVE: dict[str, Any] = {"phone_numbers": ["447713252152"]}
BULK: dict[str, Any] = {
    "name": "Bulk Contact Group",
    "description": "Bulk contacts upload with group",
    "contacts": ["447787854121", "447789856230", "447785412541"],
    "deletable": False,
}
UNIQUE: dict[str, Any] = {
    "included_contact_group_uuids": [GROUP],
    "excluded_contact_group_uuids": [EXCLUDED],
}

GROUP_CREATED: dict[str, Any] = {
    "data": {
        "uuid": GROUP,
        "name": "New Contact Group",
        "description": "A new contact group",
        "created_at": "2019-10-30 15:57:56",
        "updated_at": "2019-10-30 15:57:56",
        "deletable": True,
        "number_of_contacts": 0,
        "scheduled_jobs_number": 0,
        "status": "Empty",
        "headers": [],
        "links": [{"rel": "self", "uri": f"http://passona.test/api/2.0/contact-groups/{GROUP}"}],
    }
}


def group(**changed: Any) -> dict[str, Any]:
    """The documented answer about a group, with what is documented otherwise."""
    return {"data": {**GROUP_CREATED["data"], **changed}}


def with_centralised(answer: dict[str, Any], value: bool) -> dict[str, Any]:
    """A group as the list and the flush have it."""
    fields = list(answer.items())
    place = [name for name, _ in fields].index("deletable") + 1
    return dict([*fields[:place], ("centralised", value), *fields[place:]])


GROUPS_LISTED: dict[str, Any] = {
    "data": [
        with_centralised(
            {
                **GROUP_CREATED["data"],
                "name": "Internal",
                "number_of_contacts": 8,
                "status": "Ready",
                "headers": ["last", "first"],
            },
            False,
        ),
        with_centralised(
            {**GROUP_CREATED["data"], "name": "default_optouts", "deletable": False}, True
        ),
    ],
    "links": {**LISTED["links"]},
    "meta": {**LISTED["meta"], "per_page": 50, "to": 15, "total": 15},
}
CONTACTS_LISTED: dict[str, Any] = {
    "data": [{"phone_number": "447123456789", "created_at": "2019-12-10 17:24:18"}],
    "links": {**LISTED["links"]},
    "meta": {**LISTED["meta"], "per_page": 50},
}

_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
_YEAR = re.compile(r"\b(20\d\d)(-\d{2}-\d{2} \d{2}:\d{2}:\d{2})")


def shifted(value: Any) -> Any:
    """``value`` with all of its times so many years later that those of 2019 are still to come."""
    if isinstance(value, dict):
        return {key: shifted(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shifted(one) for one in value]
    years = datetime.now(UTC).year + 1 - 2019
    if isinstance(value, str):
        return _YEAR.sub(lambda found: f"{int(found[1]) + years}{found[2]}", value)
    return value


def hold(documented: Any, found: Any, where: str = "answer") -> None:
    """That ``found`` has the documented fields, in their order, and their types and formats."""
    if isinstance(documented, dict):
        assert isinstance(found, dict), where
        assert list(found) == list(documented), f"{where}: {list(found)}"
        for name, value in documented.items():
            hold(value, found[name], f"{where}.{name}")
    elif isinstance(documented, list):
        assert isinstance(found, list), where
        for index, value in enumerate(found):
            if documented:
                hold(documented[min(index, len(documented) - 1)], value, f"{where}[{index}]")
    elif documented is None or isinstance(documented, bool):
        assert found is None or isinstance(found, bool | str), where
    elif isinstance(documented, int):
        assert type(found) is int, where
    else:
        assert isinstance(found, str), where
        assert _format(documented) & _format(found), f"{where}: {found!r}"


def _format(text: str) -> set[str]:
    if not text:
        return {"time", "text", "empty"}
    if _TIME.fullmatch(text):
        return {"time"}
    try:
        UUID(text)
    except ValueError:
        return {"url"} if text.startswith("http") else {"text"}
    return {"uuid"}


def furnish(conn: Connection, team: Team) -> None:
    """The groups and templates that the examples name."""
    for uuid, name, kind in (
        (OPTINS, "Optins", "optin"),
        (OPTOUTS, "Optouts", "optout"),
        (GROUP, "New Contact Group", "optin"),
        (EXCLUDED, "Excluded", "optout"),
    ):
        groups.create(conn, team.id, name, kind, "A new contact group", uuid=uuid)
    fields = {"first_name": "Ann", "last_name": "Lee"}
    contacts.add(conn, team, OPTINS, [{"phone": "447785856985", "custom_fields": fields}])
    now = datetime.now(UTC)
    for uuid, body in ((TEMPLATE, "Hello @first_name"), (THROTTLED_TEMPLATE, "Sale starts now")):
        templates.create(conn, team.id, {"uuid": uuid, "name": "Greeting", "body": body}, now=now)


def work(conn: Connection) -> None:
    """Make all changes of groups that were asked for."""
    for row in conn.execute("SELECT id FROM group_jobs WHERE finished_at IS NULL").fetchall():
        jobs.work(conn, row["id"])
