"""A client of the dialect, and what the examples of its documents name."""

from __future__ import annotations

import pytest

from campaigns.team.teams import Team
from tests.support import passona
from tests.support.door import Door
from tests.support.passona_client import Client


@pytest.fixture
def client(door: Door, team: Team, token: dict[str, str]) -> Client:
    passona.furnish(door.conn, team)
    return Client(door, team, token)
