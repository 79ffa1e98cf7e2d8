"""Fixtures of the tests of what is reported."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from campaigns.database import Connection
from tests.support.reported import Sending


@pytest.fixture
def sending(conn: Connection, database: str) -> Iterator[Sending]:
    started = Sending(conn, database)
    yield started
    started.finish()
