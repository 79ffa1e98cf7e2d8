"""A duty of the tick that fails does not keep the others from their work."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from types import MappingProxyType

import psycopg
import pytest

from campaigns.database import Connection
from campaigns.providers import ProviderConfig, Providers
from scheduler.duties import forgetting, rolling, watching
from scheduler.memory import Memory
from scheduler.tick import tick
from tests.support import ledger

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
PROVIDERS = Providers(
    MappingProxyType({"carrier": ProviderConfig(name="carrier", adapter="sandbox", channel="sms")})
)


@pytest.mark.parametrize("duty", [rolling, forgetting, watching], ids=lambda one: one.__name__)
@pytest.mark.parametrize(
    "statement", ["SELECT 1 / 0", "SET LOCAL statement_timeout = 20; SELECT pg_sleep(60)"],
    ids=["an error", "too slow"],
)  # fmt: skip
def test_the_others_go_on_where_one_fails(conn: Connection, monkeypatch, caplog, duty, statement):
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 5, NOW)

    def fail(conn: Connection, *_: object) -> None:
        conn.execute("DELETE FROM deliveries")
        conn.execute(statement)

    memory = Memory()
    with monkeypatch.context() as patched:
        patched.setattr(duty, "run_once", fail)
        with pytest.raises(psycopg.Error):
            tick(conn, PROVIDERS, name="beat@test", now=NOW, memory=memory)
        for expected in (5, 0):
            report = tick(conn, PROVIDERS, name="beat@test", now=NOW, memory=memory)
            assert report is not None
            assert report.messages == expected
        assert memory.apart.needed
    assert ledger.statuses(conn, run_id) == {"pending": 5}, "what the failing one did is undone"
    words = [one.message for one in caplog.records if one.levelno == logging.ERROR]
    assert len(words) == 1
    assert "fails, the rest goes on" in words[0]
    tick(conn, PROVIDERS, name="beat@test", now=NOW, memory=memory)
    assert not memory.apart.needed


def test_a_lost_connection_ends_the_tick(conn: Connection, monkeypatch) -> None:
    memory = Memory()
    memory.apart.needed = True
    monkeypatch.setattr(rolling, "run_once", lambda conn, _: conn.close())
    with pytest.raises(psycopg.Error):
        tick(conn, PROVIDERS, name="beat@test", now=NOW, memory=memory)
