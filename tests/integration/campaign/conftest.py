"""A team with groups, a template and a provider, as every campaign needs them."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.audience import contacts, groups
from campaigns.database import Connection
from campaigns.team import teams
from campaigns.template import templates
from tests.support.campaigns import (
    NOW,
    OPTINS,
    OPTOUTS,
    TEMPLATE,
    THROTTLED_GROUP,
    THROTTLED_TEMPLATE,
    World,
)


@pytest.fixture
def world(conn: Connection) -> World:
    team = teams.create(conn, "Acme", "GB")
    groups.create(conn, team.id, "Optins", uuid=OPTINS)
    groups.create(conn, team.id, "Optouts", "optout", uuid=OPTOUTS)
    groups.create(conn, team.id, "Throttled", uuid=THROTTLED_GROUP)
    contacts.add(
        conn,
        team,
        OPTINS,
        [{"phone": "447785856985", "custom_fields": {"First Name": "Ann"}}],
    )
    for uuid, body in ((TEMPLATE, "Hello @first_name"), (THROTTLED_TEMPLATE, "Sale starts now")):
        templates.create(conn, team.id, {"uuid": uuid, "name": "Greeting", "body": body}, now=NOW)
    return World(conn, team)


@pytest.fixture
def simple() -> dict[str, Any]:
    """Passona's "Create Campaign", its dates moved by seven years."""
    return {
        "name": "New Campaign",
        "sender": "Digitonic",
        "scheduled_send_date": "2026-11-25 15:25:00",
        "expiry_date": "2026-12-26 15:25:00",
        "included_contact_groups": ["16cd47aa-f4e0-11e9-a8c1-0242ac120006"],
        "excluded_contact_groups": ["fa306d66-f4df-11e9-a171-0242ac120006"],
        "template_uuid": "3021906e-fb1e-11e9-bbd9-0242ac120008",
    }


@pytest.fixture
def throttled() -> dict[str, Any]:
    """Passona's "Create Throttled Campaign", its dates moved by six years."""
    return {
        "name": "New Campaign",
        "sender": "Digitonic",
        "throttled": True,
        "scheduled_send_date": "2026-11-25 15:25:00",
        "scheduled_finish_date": "2026-11-25 16:25:00",
        "expiry_date": "2026-12-26 15:25:00",
        "pauses": [
            {"start_at": "2026-11-25 15:35:00", "end_at": "2026-11-25 15:45:00"},
            {"start_at": "2026-11-25 16:00:00", "end_at": "2026-11-25 16:10:00"},
        ],
        "included_contact_groups": ["09e0a326-fb2e-11e9-ba2a-0242ac120008"],
        "excluded_contact_groups": ["09e0a326-fb2e-11e9-ba2a-0242ac120008"],
        "template_uuid": "49deafce-fbbd-11e9-93b1-0242ac120009",
    }
