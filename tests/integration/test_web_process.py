"""The door as a process: it says where it listens, ends when told to, and refuses bad settings."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.support.door import PROVIDERS
from tests.support.processes import Process, Processes


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
