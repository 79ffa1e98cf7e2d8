"""The door as a process: it says where it listens, ends when told to, and refuses bad settings."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from campaigns.database import Connection, connect
from campaigns.team import tokens
from tests.support import ledger
from tests.support.door import PROVIDERS
from tests.support.processes import Process, Processes
from tests.support.waiting import eventually


def web(processes: Processes, database: str, folder: Path, **settings: str) -> Process:
    """The process, started."""
    file = folder / "providers.toml"
    file.write_text(PROVIDERS)
    env = {
        "SLUICE_DATABASE_URL": database,
        "SLUICE_PROVIDERS": str(file),
        "SLUICE_HOME": str(folder),
        "SLUICE_WEB_BIND": "127.0.0.1:0",
        **settings,
    }
    return processes.python("-m", "web", env=env)


def base_url(process: Process) -> str:
    return "http://" + process.wait_for(r"listening on (\S+)")[1]


def test_it_answers_where_it_says_and_ends_when_it_is_told_to(
    processes: Processes, database: str, tmp_path: Path
) -> None:
    process = web(processes, database, tmp_path)
    with httpx.Client(base_url=base_url(process)) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        # A connection that is kept alive holds up nothing.
        process.terminate()
    assert "Traceback" not in process.output()
    assert re.search(r"GET /healthz 200 \d+\.\d ms [0-9a-f]{32}", process.output())


def test_request_under_way_is_answered_before_it_ends(
    processes: Processes, database: str, conn: Connection, tmp_path: Path
) -> None:
    secret = tokens.create(conn, ledger.team_id(conn), "tests").secret
    process = web(processes, database, tmp_path)
    url = base_url(process) + "/api/2.0/campaigns"
    with connect(database) as other, ThreadPoolExecutor(2) as threads:
        with other.transaction():
            other.execute("LOCK TABLE api_tokens IN ACCESS EXCLUSIVE MODE")
            asked = threads.submit(httpx.get, url, headers={"Authorization": f"Bearer {secret}"})
            eventually(lambda: waiting(conn) == 1, timeout=20, message="the request waits")
            ended = threads.submit(process.terminate)
            eventually(lambda: refuses(url), timeout=20, message="it takes no more requests")
        assert asked.result().status_code == 200
        ended.result()


def refuses(url: str) -> bool:
    """Whether nobody listens there any more."""
    try:
        httpx.get(url)
    except httpx.ConnectError:
        return True
    return False


def waiting(conn: Connection) -> int:
    """How many sessions wait for a lock."""
    row = conn.execute(
        "SELECT count(*) AS n FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return 0 if row is None else row["n"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"SLUICE_WEB_BIND": "8000"}, "SLUICE_WEB_BIND: '8000' must be host:port"),
        ({"SLUICE_WEB_BIND": "192.0.2.1:80"}, "nothing can listen on 192.0.2.1:80"),
        ({"SLUICE_WEB_RATE": "0"}, "SLUICE_WEB_RATE: '0' must be whole requests per second"),
        ({"SLUICE_WEB_PROXIES": "proxy"}, "SLUICE_WEB_PROXIES: 'proxy' must be an address"),
    ],
)
def test_wrong_setting_ends_it_with_one_sentence(
    processes: Processes, database: str, tmp_path: Path, settings: dict[str, str], message: str
) -> None:
    process = web(processes, database, tmp_path, **settings)
    assert process.wait() == 1
    assert message in process.output()
    assert "Traceback" not in process.output()
