"""PostgreSQL, Redis and the broker fail in every way while a campaign is sent: docs/faults.md.

One campaign goes through one fault after the other. The carrier's log is the judge: nobody is
doubled, nobody is lost, no more is sent than the limiter allows, and each time the campaign goes on
by itself within the stated time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.database import opened
from tests.support.outage_trial import OutageTrial, outage_trial
from tests.support.outages import OwnRedis, OwnServers, own_servers
from tests.support.processes import Processes


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServers]:
    with own_servers() as found:
        yield found


@pytest.mark.moments
def test_postgresql_fails_in_every_way(
    own: OwnServers, processes: Processes, tmp_path: Path
) -> None:
    with outage_trial(own, processes, tmp_path, recipients=6000) as trial:
        server = own.postgres
        trial.goes_through("a stop", server.stopped(), back_within=12)
        trial.goes_through("kill -9", server.killed(), back_within=12)
        trial.goes_through("hanging", server.hung(), back_within=12)
        trial.goes_through("no connection left", server.full(), back_within=12)
        for _ in range(3):
            lose_connections(own)
            trial.goes_on("lost connections", within=12)
        server.stop()
        server.start()
        trial.goes_on("a fast restart", within=12)
        trial.judge()
        trial.ends_although(server.hung())


def lose_connections(own: OwnServers) -> None:
    """Every connection of a send worker ends, between a claim and its record too."""
    with opened(own.postgres.url) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'sluice' AND pid <> pg_backend_pid()"
        )


@pytest.mark.moments
def test_redis_and_the_broker_fail_in_every_way(
    own: OwnServers, processes: Processes, tmp_path: Path
) -> None:
    """Without its limiter nothing may leave; without its broker, what was handed out before."""
    with outage_trial(own, processes, tmp_path, recipients=6000) as trial:
        fails_in_every_way(trial, own.limiter, silent=True)
        fails_in_every_way(trial, own.broker, silent=False)
        trial.judge()


def fails_in_every_way(trial: OutageTrial, server: OwnRedis, *, silent: bool) -> None:
    for what, outage in (
        ("kill -9", server.killed()),
        ("hanging", server.hung()),
        ("being read-only", server.read_only()),
        ("being out of memory", server.configured("maxmemory", "1")),
    ):
        trial.goes_through(what, outage, back_within=20, silent=silent)
    with server.client() as client:
        client.flushall()
    trial.goes_on("being flushed", within=15)
