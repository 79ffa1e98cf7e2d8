"""A team with groups of people, and campaigns for parts of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from campaigns.audience import contacts, groups
from campaigns.audience.groups import Group
from campaigns.campaign import service
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.team import teams
from campaigns.team.teams import Team
from tests.support.campaigns import NOW, PROVIDERS
from worker import runs

#: Phone number by name, of everybody.
ANN, BEN, CAT, DAN = (f"44778585000{n}" for n in range(1, 5))


@dataclass(frozen=True)
class Scene:
    """A team, its groups, and what may be done with them."""

    conn: Connection
    team: Team
    customers: Group
    members: Group

    def submit(self, **body: Any) -> Campaign:
        """A campaign for the customers, to be sent the next day."""
        given = {
            "name": "Spring",
            "sender": "Sluice",
            "template": "Hello",
            "scheduled_send_date": "2026-11-25 15:25:00",
            "included_contact_groups": [str(self.customers.id)],
            **body,
        }
        return service.submit(self.conn, self.team.id, given, providers=PROVIDERS, now=NOW)

    def edit(self, campaign: Campaign, **body: Any) -> Campaign:
        return service.edit(
            self.conn, self.team.id, campaign.id, body, providers=PROVIDERS, now=NOW
        )

    def stored(self, campaign: Campaign) -> Campaign:
        return service.get(self.conn, self.team.id, campaign.id)

    def recipients(self, campaign: Campaign, at: datetime | None = None) -> dict[str, Any]:
        """The recipients of a run of the campaign, with their fields."""
        occurrence = at or campaign.scheduled_send_date
        row = self.conn.execute(
            "INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at, "
            "created_at) VALUES (%s, %s, 'carrier', 'resolving', %s, %s, %s) RETURNING id",
            (campaign.id, occurrence, occurrence, occurrence, NOW),
        ).fetchone()
        assert row is not None
        self.conn.execute("UPDATE campaigns SET status = 'sending' WHERE id = %s", (campaign.id,))
        assert runs.resolve(self.conn, row["id"]) is not None
        found = self.conn.execute(
            "SELECT address, fields FROM deliveries WHERE run_id = %s ORDER BY seq", (row["id"],)
        )
        return {one["address"]: one["fields"] for one in found}

    def add(self, group: Group, people: Mapping[str, Mapping[str, str]]) -> None:
        listed = [{"phone": phone, "custom_fields": fields} for phone, fields in people.items()]
        contacts.add(self.conn, self.team, group.id, listed)


@pytest.fixture
def scene(conn: Connection) -> Scene:
    team = teams.create(conn, "Acme", "GB")
    found = Scene(
        conn,
        team,
        groups.create(conn, team.id, "customers"),
        groups.create(conn, team.id, "members"),
    )
    found.add(
        found.customers,
        {
            ANN: {"First Name": "Ann", "Birthday": "1992-02-29", "ZIP": "900"},
            BEN: {"First Name": "Ben", "Birthday": "25.11.1990", "ZIP": "8000"},
            CAT: {"First Name": "Cat"},
        },
    )
    found.add(found.members, {BEN: {"First Name": "Benny"}, DAN: {"First Name": "Dan"}})
    return found
