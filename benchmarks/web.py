"""How fast the HTTP door reads: a team with 1,000,000 contacts and 100,000 campaigns.

Each address is read many times, one request after the other on a kept connection, from the real
process. Beside each stands what the same process needs to say that it is healthy.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import UUID

import httpx

from benchmarks import contacts, figures
from benchmarks.figures import Figure, Report
from benchmarks.place import Place
from benchmarks.processes import Child
from campaigns import database, queries
from campaigns.database import Connection
from campaigns.team import teams, tokens
from campaigns.team.teams import Team

CONTACTS = 1_000_000
CAMPAIGNS = 100_000

#: Milliseconds within which 95 of 100 reads are answered.
PROMISE = 50.0

READS = 200
WARM_UP = 10

SQL = queries.load("benchmarks", "web.sql")

_DRAFTS = "sending_type=sms&status=draft&sort=-created_dt"

_PROVIDERS = """\
[providers.carrier]
adapter = "sandbox"
channel = "sms"
url = "http://127.0.0.1:9/messages"
rate = "200/s"
"""


@dataclass(frozen=True, slots=True)
class _Filled:
    """What there is to read."""

    team: Team
    group: UUID
    group_number: int
    campaign: UUID
    campaign_number: int
    secret: str


def measure(place: Place, *, scale: int = 1) -> Report:
    """The 95th percentile of each kind of read."""
    with place.database() as url, database.opened(url, statement_timeout_ms=0) as conn:
        filled = _fill(conn, CONTACTS // scale, CAMPAIGNS // scale)
        with _door(place, url) as client:
            client.headers["Authorization"] = f"Bearer {filled.secret}"
            healthy = _timed(client, "/healthz")
            found = {what: _timed(client, path) for what, path in _reads(filled).items()}
    rows = [
        figures.at_most(
            what,
            _percentile(times, 0.95),
            "ms",
            PROMISE,
            f"95 of 100; median {median(times):.1f}, "
            f"{median(times) / median(healthy):.1f} times /healthz",
        )
        for what, times in found.items()
    ]
    return Report(
        "web",
        f"Reads with {CONTACTS // scale:,} contacts and {CAMPAIGNS // scale:,} campaigns",
        [*rows, Figure("/healthz", _percentile(healthy, 0.95), "ms", detail="95 of 100")],
    )


def _reads(filled: _Filled) -> Mapping[str, str]:
    passona, horisen = "/api/2.0", f"/news/v1/services/{filled.team.id}/campaigns"
    group = f"{passona}/contact-groups/{filled.group}"
    return {
        "Passona: campaigns": f"{passona}/campaigns",
        "Passona: campaigns, page 100 of 100": f"{passona}/campaigns?per_page=100&page=100",
        "Passona: one campaign": f"{passona}/campaigns/{filled.campaign}",
        "Passona: groups": f"{passona}/contact-groups",
        "Passona: one group": group,
        "Passona: contacts": f"{group}/list-contacts",
        "Passona: contacts, page 200": f"{group}/list-contacts?page=200",
        "HORISEN: campaigns": horisen,
        "HORISEN: drafts, newest first": f"{horisen}?{_DRAFTS}",
        "HORISEN: by name": f"{horisen}?sort=name&page_size=50",
        "HORISEN: with tasks and messages": f"{horisen}?fields=tasks,messages",
        "HORISEN: one campaign": f"{horisen}/{filled.campaign}",
        "Callback: one campaign": f"/campaign/{filled.campaign_number}",
        "Inline: campaigns": "/api/Campaigns",
        "Inline: one campaign": f"/api/Campaigns/{filled.campaign}",
        "Inline: contacts of one": f"/api/Campaigns/{filled.campaign}/Contacts",
    }


@contextmanager
def _door(place: Place, url: str) -> Any:
    folder = place.folder()
    (folder / "providers.toml").write_text(_PROVIDERS, "utf-8")
    environment = {
        "SLUICE_DATABASE_URL": url,
        "SLUICE_REDIS_URL": place.servers.redis_url,
        "SLUICE_PROVIDERS": str(folder / "providers.toml"),
        "SLUICE_HOME": str(folder),
        "SLUICE_WEB_BIND": "127.0.0.1:0",
        "SLUICE_WEB_RATE": "100000",
    }
    child = Child(folder / "web.log", environment, "web")
    try:
        port = child.wait_for(r"listening on .*:(\d+)")[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        child.stop()


def _timed(client: httpx.Client, path: str) -> Sequence[float]:
    times = []
    for _ in range(WARM_UP + READS):
        begin = time.perf_counter()
        client.get(path).raise_for_status()
        times.append((time.perf_counter() - begin) * 1000)
    return times[WARM_UP:]


def _percentile(times: Sequence[float], part: float) -> float:
    return sorted(times)[math.ceil(len(times) * part) - 1]


def _fill(conn: Connection, contact_count: int, campaign_count: int) -> _Filled:
    team = teams.find(conn, "default")
    group = contacts.group(conn, team, "everybody", range(contact_count))
    conn.execute(
        SQL["campaigns"], {"team_id": team.id, "group_id": group, "amount": campaign_count}
    )
    conn.execute(SQL["campaign_groups"], {"team_id": team.id, "group_id": group})
    conn.execute(SQL["runs"], {"team_id": team.id})
    for table in ("campaigns", "campaign_groups", "runs"):
        conn.execute(f"ANALYZE {table}")
    sample = conn.execute(SQL["sample"], {"team_id": team.id, "group_id": group}).fetchone() or {}
    secret = tokens.create(conn, team.id, "benchmark").secret
    return _Filled(team, group, sample["group_number"], sample["id"], sample["number"], secret)
