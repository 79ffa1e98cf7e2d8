"""The embedded servers: real daemons, found again, and stopped by whoever comes by."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import psycopg
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from campaigns import settings
from campaigns.database import opened
from campaigns.errors import ConfigurationError
from cli import embedded
from cli.embedded import Servers
from cli.embedded.processes import command_line, find
from tests.support.processes import Processes
from tests.support.servers import session_home
from tests.support.waiting import eventually

START = (
    "import json, sys; from pathlib import Path; from cli import embedded;"
    " s = embedded.start(Path(sys.argv[1]));"
    " print(json.dumps([s.database_url, s.redis_url]), flush=True);"
    " import signal; signal.pause()"
)


@pytest.fixture
def new_home() -> Iterator[Path]:
    """A home where nothing ever ran."""
    with session_home() as home:
        yield home


@pytest.fixture(scope="module")
def used_home() -> Iterator[Path]:
    with session_home() as home:
        yield home


@pytest.fixture
def home(used_home: Path) -> Iterator[Path]:
    """A home where nothing runs, but servers may have run before; creating data takes a while."""
    yield used_home
    embedded.stop(used_home)


def postgres_pid(home: Path) -> int:
    return int((home / "embedded/postgres/data/postmaster.pid").read_text().split("\n")[0])


def redis_pid(home: Path) -> int:
    return int((home / "embedded/redis/redis.pid").read_text())


def kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(map(command_line, pids)), message="the killed processes are gone")


def processes_of(home: Path) -> list[str]:
    """Command lines that show the home: PostgreSQL's does for as long as it runs."""
    return [command_line(pid) for pid in find(lambda command: str(home) in command)]


def remember(servers: Servers, word: str) -> None:
    with opened(servers.database_url) as conn:
        conn.execute("DROP TABLE IF EXISTS remembered")
        conn.execute("CREATE TABLE remembered (word text)")
        conn.execute("INSERT INTO remembered VALUES (%s)", [word])
    with Redis.from_url(servers.redis_url) as client:
        client.set("remembered", word)


def remembered(servers: Servers) -> str:
    with opened(servers.database_url) as conn:
        row = conn.execute("SELECT word FROM remembered").fetchone()
        assert row is not None
        return str(row["word"])


def test_a_second_start_finds_the_servers_of_the_first(home: Path) -> None:
    first = embedded.start(home, durable=False)
    pids = postgres_pid(home), redis_pid(home)
    assert embedded.start(home, durable=False) == first
    assert embedded.running(home) == first
    assert (postgres_pid(home), redis_pid(home)) == pids


def test_stop_ends_the_processes_and_keeps_the_data(home: Path) -> None:
    servers = embedded.start(home)
    remember(servers, "kept")
    pids = postgres_pid(home), redis_pid(home)
    embedded.stop(home)
    assert not any(map(command_line, pids))
    assert embedded.running(home) is None
    again = embedded.start(home)
    assert remembered(again) == "kept"
    with Redis.from_url(again.redis_url, decode_responses=True) as client:
        assert client.get("remembered") == "kept"


def test_stop_where_nothing_ever_ran_does_nothing(tmp_path: Path) -> None:
    embedded.stop(tmp_path / "nowhere")
    assert embedded.running(tmp_path / "nowhere") is None
    assert list(tmp_path.iterdir()) == []


def test_killed_servers_start_again_with_what_was_committed(home: Path) -> None:
    servers = embedded.start(home)
    remember(servers, "committed")
    kill(postgres_pid(home), redis_pid(home))
    assert embedded.running(home) is None
    assert remembered(embedded.start(home)) == "committed"


def test_a_busy_session_of_a_killed_server_does_not_hinder_the_next(home: Path) -> None:
    """It would hold the shared memory until its statement ends, and it does not look around."""
    servers = embedded.start(home, durable=False)

    def be_busy() -> None:
        with pytest.raises(psycopg.OperationalError), opened(servers.database_url) as conn:
            conn.execute("DO $$ BEGIN LOOP END LOOP; END $$")

    thread = Thread(target=be_busy)
    thread.start()
    with opened(servers.database_url) as conn:
        busy = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'DO $$%' AND state = 'active'"
        row = eventually(lambda: conn.execute(busy).fetchone(), message="a session is busy")
    assert row is not None
    kill(postgres_pid(home))
    assert command_line(row["pid"])
    embedded.start(home, durable=False)
    assert not command_line(row["pid"])
    thread.join()


def test_a_pid_file_that_names_a_stranger_is_not_believed(home: Path) -> None:
    embedded.start(home, durable=False)
    file = home / "embedded/postgres/data/postmaster.pid"
    stranger, lines = redis_pid(home), file.read_text().split("\n")
    kill(int(lines[0]))
    file.write_text("\n".join([str(stranger), *lines[1:]]))
    assert embedded.running(home) is None
    embedded.start(home, durable=False)
    embedded.stop(home)
    assert not command_line(stranger)  # as Redis, not as what the file said


def test_stop_after_the_starter_was_killed(home: Path, processes: Processes) -> None:
    starter = processes.python("-c", START, home)
    starter.wait_for(r"^\[.*\]$")
    pids = postgres_pid(home), redis_pid(home)
    starter.kill()
    assert all(map(command_line, pids))
    embedded.stop(home)
    assert not any(map(command_line, pids))
    assert processes_of(home) == []


@pytest.mark.parametrize("moment", ["data.*", "data/postmaster.pid", "../redis/redis.conf"])
def test_a_starter_killed_on_the_way_leaves_nothing_that_hinders(
    new_home: Path, processes: Processes, moment: str
) -> None:
    starter = processes.python("-c", START, new_home)
    eventually(lambda: list((new_home / "embedded/postgres").glob(moment)), message=moment)
    starter.kill()
    servers = embedded.start(new_home)
    remember(servers, "fine")
    assert remembered(servers) == "fine"
    embedded.stop(new_home)
    assert processes_of(new_home) == []


def test_starts_at_the_same_time_end_with_the_same_servers(
    new_home: Path, processes: Processes
) -> None:
    starters = [processes.python("-c", START, new_home) for _ in range(3)]
    answers = {starter.wait_for(r"^\[.*\]$").group() for starter in starters}
    assert len(answers) == 1
    assert Servers(*json.loads(answers.pop())) == embedded.running(new_home)


def test_a_port_that_was_taken_meanwhile_is_chosen_anew_and_remembered(home: Path) -> None:
    first = embedded.start(home, durable=False)
    embedded.stop(home)
    ports = [urlsplit(url).port for url in (first.database_url, first.redis_url)]
    with (
        socket.create_server(("127.0.0.1", ports[0])),
        socket.create_server(("127.0.0.1", ports[1])),
    ):
        second = embedded.start(home, durable=False)
        assert embedded.running(home) == second
        moved = [urlsplit(url).port for url in (second.database_url, second.redis_url)]
        assert set(moved).isdisjoint(ports)
    embedded.stop(home)
    assert embedded.start(home, durable=False) == second


@pytest.mark.parametrize(("durable", "expected"), [(True, "on"), (False, "off")])
def test_only_durable_servers_wait_for_the_disk(home: Path, durable: bool, expected: str) -> None:
    servers = embedded.start(home, durable=durable)
    with opened(servers.database_url) as conn:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            row = conn.execute("SELECT current_setting(%s) AS value", [name]).fetchone()
            assert row == {"value": expected}
    with Redis.from_url(servers.redis_url, decode_responses=True) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes" if durable else "no"}
        assert client.config_get("save") == {"save": ""}


def test_text_is_utf8_and_sorts_by_code_point(home: Path) -> None:
    servers = embedded.start(home, durable=False)
    with opened(servers.database_url) as conn:
        row = conn.execute(
            "SELECT current_setting('server_encoding') AS encoding, 'Ä' > 'b' AS by_code_point,"
            " upper('ä') AS upper, current_setting('server_version_num')::int / 10000 AS version"
        ).fetchone()
    assert row == {"encoding": "UTF8", "by_code_point": True, "upper": "Ä", "version": 18}


def test_nobody_else_can_read_the_data_or_the_passwords(home: Path) -> None:
    servers = embedded.start(home)
    for path in (home / "embedded/postgres", home / "embedded/redis"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        for file in path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
    without_password = re.sub(r":[0-9a-f]+@", "@", servers.database_url)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(without_password, passfile="/dev/null")
    with (
        Redis(port=urlsplit(servers.redis_url).port or 0, retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(AuthenticationError, match="authenticate"),
    ):
        client.ping()


def test_servers_listen_on_the_loopback_only(home: Path) -> None:
    servers = embedded.start(home, durable=False)
    with opened(servers.database_url) as conn:
        row = conn.execute("SELECT current_setting('listen_addresses') AS value").fetchone()
    assert row == {"value": "127.0.0.1"}
    with Redis.from_url(servers.redis_url, decode_responses=True) as client:
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_rows_and_statements_never_reach_the_log(home: Path) -> None:
    servers = embedded.start(home, durable=False)
    with opened(servers.database_url) as conn:
        conn.execute("CREATE TABLE people (address text UNIQUE)")
        conn.execute("INSERT INTO people VALUES ('34600111222')")
        for statement in ("INSERT INTO people VALUES (%s)", "SELECT %s::text::uuid"):
            with pytest.raises(psycopg.Error):
                conn.execute(statement, ["34600111222"])
        # A message that is written nonetheless comes without its statement.
        conn.execute("DO $$ BEGIN RAISE LOG 'marker' USING DETAIL = '34600111222'; END $$")
    embedded.stop(home)
    log = (home / "embedded/postgres/postgres.log").read_text()
    assert "marker" in log
    assert "34600111222" not in log


def test_data_of_another_version_is_refused_in_words(home: Path) -> None:
    embedded.start(home, durable=False)
    embedded.stop(home)
    file = home / "embedded/postgres/data/PG_VERSION"
    file.write_text("17\n")
    try:
        with pytest.raises(ConfigurationError, match="PostgreSQL 17, the embedded server is 18"):
            embedded.start(home, durable=False)
    finally:
        file.write_text("18\n")


def test_only_what_has_no_url_is_started(new_home: Path) -> None:
    given = settings.load(
        {"SLUICE_HOME": str(new_home), "SLUICE_DATABASE_URL": "postgresql://mine"}
    )
    filled = embedded.start_missing(given)
    assert filled.database_url == "postgresql://mine"
    assert filled.redis_url == filled.broker_url
    assert filled == embedded.with_running(given)
    assert not (new_home / "embedded/postgres").exists()


def test_with_all_urls_given_nothing_is_touched(tmp_path: Path) -> None:
    given = settings.load(
        {
            "SLUICE_HOME": str(tmp_path / "home"),
            "SLUICE_DATABASE_URL": "postgresql://mine",
            "SLUICE_REDIS_URL": "redis://mine",
        }
    )
    assert embedded.start_missing(given) == given
    assert embedded.with_running(given) == given
    assert list(tmp_path.iterdir()) == []
