"""A team, groups of contacts and campaigns that use them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from campaigns.audience import groups
from campaigns.audience.groups import Group
from campaigns.database import Connection
from campaigns.team import teams
from campaigns.team.teams import Team
from tests.support.importer import Importer

MakeCampaign = Callable[..., UUID]


@pytest.fixture
def team(conn: Connection) -> Team:
    return teams.create(conn, "acme", "GB")


@pytest.fixture
def group(conn: Connection, team: Team) -> Group:
    return groups.create(conn, team.id, "customers")


@pytest.fixture
def make_campaign(conn: Connection, team: Team) -> MakeCampaign:
    """Write a campaign in a given state straight into the tables."""

    def make(status: str, *, include: list[UUID], exclude: list[UUID] | None = None) -> UUID:
        campaign_id = uuid4()
        conn.execute(
            """
            INSERT INTO campaigns (id, team_id, name, sender, sending_type, provider, template,
                schedule_type, scheduled_send_date, status, submission, created_at, updated_at)
            VALUES (%s, %s, 'Spring sale', 'ACME', 'sms', 'carrier', 'Hi', 'now', now(), %s, '',
                now(), now())
            """,
            [campaign_id, team.id, status],
        )
        for role, ids in (("include", include), ("exclude", exclude or [])):
            for position, group_id in enumerate(ids):
                conn.execute(
                    "INSERT INTO campaign_groups VALUES (%s, %s, %s, %s)",
                    [campaign_id, role, position, group_id],
                )
        return campaign_id

    return make


@pytest.fixture
def importer(conn: Connection, team: Team, group: Group, tmp_path: Path) -> Importer:
    return Importer(conn, team, tmp_path)
