"""Where campaign tests take place: a team, and the uuids of Passona's examples."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from campaigns.campaign import service
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.providers import ProviderConfig, Providers
from campaigns.team.teams import Team

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)

PROVIDERS = Providers(
    MappingProxyType(
        {
            "carrier": ProviderConfig(name="carrier", adapter="sandbox", channel="sms"),
            "second": ProviderConfig(name="second", adapter="sandbox", channel="sms"),
            "mail": ProviderConfig(name="mail", adapter="sandbox", channel="email"),
            "bot": ProviderConfig(name="bot", adapter="sandbox", channel="telegram"),
            "push": ProviderConfig(name="push", adapter="sandbox", channel="webpush"),
        }
    )
)

#: The uuids of Passona's examples.
OPTINS = UUID("16cd47aa-f4e0-11e9-a8c1-0242ac120006")
OPTOUTS = UUID("fa306d66-f4df-11e9-a171-0242ac120006")
THROTTLED_GROUP = UUID("09e0a326-fb2e-11e9-ba2a-0242ac120008")
TEMPLATE = UUID("3021906e-fb1e-11e9-bbd9-0242ac120008")
THROTTLED_TEMPLATE = UUID("49deafce-fbbd-11e9-93b1-0242ac120009")

#: What makes an e-mail of a campaign that was for another channel.
MAIL: dict[str, Any] = {
    "sending_type": "email",
    "sender": "news@example.com",
    "template_uuid": None,
    "template": '{"subject": "Sale", "text": "Hello @first_name"}',
}


@dataclass(frozen=True)
class World:
    """Somewhere to submit campaigns to."""

    conn: Connection
    team: Team

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        row = self.conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone()  # type: ignore[arg-type]
        assert row is not None
        return int(row["n"])


def submit(world: World, body: dict[str, Any]) -> Campaign:
    """The campaign as it is stored, which is what ``submit`` returned."""
    campaign = service.submit(world.conn, world.team.id, body, providers=PROVIDERS, now=NOW)
    assert service.get(world.conn, world.team.id, campaign.id) == campaign
    return campaign
