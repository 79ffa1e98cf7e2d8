"""What two teams have, that campaigns of the Callback API name."""

from __future__ import annotations

import pytest

from campaigns.team import teams
from campaigns.team.teams import Team
from tests.support.callback_api import Lists, made
from tests.support.door import Door


@pytest.fixture
def mine(door: Door, team: Team) -> Lists:
    return made(door, team, "mine")


@pytest.fixture
def theirs(door: Door) -> Lists:
    return made(door, teams.create(door.conn, "other"), "theirs")
