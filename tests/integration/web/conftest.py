"""The door on a fresh database, and a team that has a token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.database import Connection
from campaigns.team import teams
from campaigns.team.teams import Team
from tests.support import door as doors
from tests.support.door import Door


@pytest.fixture
def door(database: str, conn: Connection, tmp_path: Path) -> Iterator[Door]:
    with doors.opened(database, conn, tmp_path) as opened:
        yield opened


@pytest.fixture
def team(conn: Connection) -> Team:
    return teams.create(conn, "acme", "GB")


@pytest.fixture
def token(door: Door, team: Team) -> dict[str, str]:
    """Headers of a request that may do everything for ``team``."""
    return door.token(team.id)
