"""A service with the document's list, behind the door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.database import Connection
from campaigns.team import teams
from campaigns.team.teams import Team
from tests.support import door as doors
from tests.support import horisen
from tests.support.door import Door
from tests.support.horisen import Service


@pytest.fixture
def door(database: str, conn: Connection, tmp_path: Path) -> Iterator[Door]:
    with doors.opened(database, conn, tmp_path, providers=horisen.PROVIDERS) as opened:
        yield opened


@pytest.fixture
def service(door: Door, team: Team) -> Service:
    return horisen.service(door, team)


@pytest.fixture
def stranger(door: Door) -> Service:
    """Another team, that has nothing."""
    other = teams.create(door.conn, "stranger", "GB")
    return Service(door, other, door.token(other.id))
