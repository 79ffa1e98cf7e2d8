"""A team with a domain, a redirect, two opt-out links, and an audience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from campaigns.audience import contacts, groups
from campaigns.audience.groups import Group
from campaigns.campaign import service
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.links import domains, links
from campaigns.links.domains import Domain
from campaigns.links.links import Link
from campaigns.team import teams
from campaigns.team.teams import Team
from tests.support.campaigns import NOW, PROVIDERS

SALE = "https://shop.example/sale?season=spring"


@dataclass(frozen=True)
class Place:
    """Somewhere to save campaigns with links."""

    conn: Connection
    team: Team
    everybody: Group
    domain: Domain
    sale: Link
    out: Link
    news_out: Link
    no_news: Group

    def submit(self, **body: Any) -> Campaign:
        """A campaign as it is stored."""
        whole = {
            "name": "Spring",
            "sender": "+447700900000",
            "template": "Hello",
            "included_contact_groups": [str(self.everybody.id)],
            **body,
        }
        campaign = service.submit(self.conn, self.team.id, whole, providers=PROVIDERS, now=NOW)
        assert service.get(self.conn, self.team.id, campaign.id) == campaign
        return campaign

    def edit(self, campaign: Campaign, **body: Any) -> Campaign:
        return service.edit(
            self.conn, self.team.id, campaign.id, body, providers=PROVIDERS, now=NOW
        )

    def stored(self, campaign: Campaign) -> list[tuple[int, str, str | None, bool]]:
        """Number, source, target and use of each link that the campaign has had."""
        rows = self.conn.execute(
            "SELECT number, source, target, in_use FROM campaign_links "
            "WHERE campaign_id = %s ORDER BY number",
            (campaign.id,),
        )
        return [tuple(row.values()) for row in rows]


def made(conn: Connection, name: str = "Acme", host: str = "go.example.com") -> Place:
    """A place of its own."""
    team = teams.create(conn, name, "GB")
    everybody = groups.create(conn, team.id, "Everybody")
    no_news = groups.create(conn, team.id, "No news", "optout")
    contacts.add(conn, team, everybody.id, [{"phone": "447785856985", "email": "ann@example.com"}])
    domain = domains.create(conn, team.id, host, now=NOW)
    sale = links.create(conn, team.id, host, "sale", target=SALE, now=NOW)
    out = links.create(conn, team.id, host, "out", title="Acme", now=NOW)
    news = links.create(conn, team.id, host, "ads/out", group=no_news.id, now=NOW)
    return Place(conn, team, everybody, domain, sale, out, news, no_news)


@pytest.fixture
def place(conn: Connection) -> Place:
    return made(conn)
