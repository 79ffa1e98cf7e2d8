"""A client generated from each description creates, pauses and reads a campaign."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from campaigns.audience import groups
from campaigns.team import tokens
from campaigns.team.teams import Team
from tests.support import door as doors
from tests.support import generated
from tests.support.door import Door
from tests.support.generated import PACKAGE, GeneratedClient

Generate = Callable[[str], GeneratedClient]


@pytest.fixture
def client_of(
    door: Door, team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Generate]:
    """Generates a client for a dialect of a door that listens."""
    monkeypatch.syspath_prepend(tmp_path)
    with doors.served(door) as base_url:

        def make(prefix: str) -> GeneratedClient:
            generated.generate(door, prefix, tmp_path)
            secret = tokens.create(door.conn, team.id, "client").secret
            return GeneratedClient(base_url + prefix, secret, PACKAGE)

        yield make
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def group(door: Door, team: Team) -> str:
    return str(groups.create(door.conn, team.id, "people").id)


def at(door: Door, days: int) -> str:
    return (door.context.now() + timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S")


def test_passona(client_of: Generate, door: Door, group: str) -> None:
    client = client_of("/api/2.0")
    template = client.call(
        "templates.create_template", body={"name": "Greeting", "body": "Hello"}
    ).data.uuid
    created = client.call(
        "campaigns.create_campaign",
        body={
            "name": "New Campaign",
            "sender": "Digitonic",
            "throttled": True,
            "scheduled_send_date": at(door, 1),
            "scheduled_finish_date": at(door, 2),
            "expiry_date": at(door, 3),
            "included_contact_groups": [group],
            "excluded_contact_groups": [],
            "template_uuid": template,
        },
    ).data
    assert client.call("campaigns.toggle_paused_status", created.uuid).data.manually_paused is True
    read = client.call("campaigns.get_campaign", created.uuid).data
    assert (read.name, read.status, read.manually_paused) == ("New Campaign", 0, True)


def test_horisen(client_of: Generate, door: Door, team: Team, group: str) -> None:
    client = client_of("/news/v1")
    service = str(team.id)
    created = client.call(
        "default.create_campaign",
        service,
        body={
            "name": "New Campaign",
            "status": "active",
            "sending_type": "sms",
            "schedule_type": "once",
            "schedule_rrule": at(door, 1),
            "template": "Hello",
            "sender": "+41587000000",
            "recipient_lists": group,
        },
    )
    client.call("default.change_status", service, created.uuid, body={"status": "stopped"})
    read = client.call("default.get_campaign", service, created.uuid)
    assert (read.name, read.status) == ("New Campaign", "stopped")


def test_callback_api(client_of: Generate, door: Door, team: Team, group: str) -> None:
    """It knows no pause: what goes back to being a draft is not sent."""
    client = client_of("/campaign")
    row = door.conn.execute("SELECT number FROM contact_groups WHERE id = %s", (group,)).fetchone()
    assert row is not None
    created = client.call(
        "campaign.create_campaign",
        body={
            "name": "Newsletter",
            "list": row["number"],
            "state": "SCHEDULED",
            "when": int((door.context.now() + timedelta(days=1)).timestamp()),
            "sending_type": "sms",
            "sender": "Sluice",
            "template": "Hello",
        },
    )
    client.call("campaign.edit_campaign", str(created.id), body={"state": "DRAFT"})
    read = client.call("campaign.show_campaign", str(created.id))
    assert (read.name, read.state) == ("Newsletter", "DRAFT")


def test_inline_contacts(client_of: Generate, door: Door) -> None:
    """It knows no pause either: what is put off is not sent."""
    client = client_of("/api")
    contacts = [{"phoneNumber": "447713252151", "name": "John"}]
    body = {"startDateTime": iso(door, 1), "sender": "Sluice", "message": "Hello @name"}
    created = client.call("campaigns.create_campaign", body={**body, "contacts": contacts})
    client.call("campaigns.edit_campaign", created, body={**body, "startDateTime": iso(door, 30)})
    read = client.call("campaigns.show_campaign", created)
    assert (read.sender, read.recipient_count) == ("Sluice", 1)
    assert read.start_date_time.isoformat(timespec="seconds")[:10] == iso(door, 30)[:10]


def iso(door: Door, days: int) -> str:
    return (door.context.now() + timedelta(days=days)).isoformat(timespec="milliseconds")
