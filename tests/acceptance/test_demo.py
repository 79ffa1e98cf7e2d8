"""`sluice demo`: exit code 0 only for a clean verdict, and nothing is ever left running."""

from __future__ import annotations

import os
import re
import signal
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from cli.embedded import processes as processes_of
from tests.support.processes import Process, Processes
from tests.support.servers import session_home
from tests.support.waiting import eventually

Start = Callable[[], Process]


@pytest.fixture
def home() -> Iterator[Path]:
    with session_home() as folder:
        yield folder


@pytest.fixture
def start(processes: Processes, home: Path) -> Start:
    """Starts a demo that is small and short."""

    def demo() -> Process:
        options = ("--contacts", "500", "--seconds", "12")
        return processes.python(
            "-m", "cli.main", "demo", *options, name="demo", env={"SLUICE_HOME": str(home)}
        )

    return demo


def folder_of(home: Path) -> Path:
    """The newest demo's folder."""
    return max((home / "demo").glob("*/"))


def left(home: Path) -> list[int]:
    """The processes that run for any demo below ``home``, servers and all."""
    return processes_of.find(lambda command: f"{home}/demo" in command)


def carrier_of(home: Path) -> str:
    """Where the running demo's carrier takes messages."""
    file = eventually(
        lambda: next((home / "demo").glob("*/providers.toml"), None),
        timeout=90,
        message="the carrier runs",
    )
    assert file is not None
    url: str = tomllib.loads(file.read_text("utf-8"))["providers"]["carrier"]["url"]
    return url


def test_a_clean_demo_says_so_and_leaves_its_papers_and_no_process(start, home):
    output = start().succeed(timeout=120)
    for line in (
        r"expected +480 ",
        r"✓ received +480 ",
        r"✓ doubled +0 ",
        r"✓ missing +0 ",
        r"✓ unexpected +0 ",
        r"✓ misread +0 ",
        r"✓ in a pause +0 ",
        r"✓ while held +0 ",
        r"✓ off time +0 ",
        r"Clean: ",
        r"customers\.csv: \d+ imported, 6 not valid, 6 repeated",
        r"Pause pressed by the demo",
        r"Resume pressed",
    ):
        assert re.search(line, output), (line, output)
    folder = folder_of(home)
    assert len((folder / "report.csv").read_text("utf-8").splitlines()) == 481
    rejected = (folder / "lists" / "customers.rejects.csv").read_text("utf-8")
    assert len(rejected.splitlines()) == 13
    assert (folder / "logs" / "control.log").stat().st_size > 0
    assert not (folder / "embedded").exists()
    assert not left(home)


def test_a_message_to_somebody_who_was_not_to_get_one_makes_it_unclean(start, home):
    demo = start()
    stray = {"to": "447700900123", "from": "Sluice", "text": "Hello", "reference": "0-0"}
    httpx.post(carrier_of(home), json=stray, trust_env=False).raise_for_status()
    assert demo.wait(timeout=120) == 1
    assert re.search(r"✗ unexpected +1 ", demo.output())
    assert re.search(r"✓ missing +0 ", demo.output())
    assert "Not clean" in demo.output()
    assert not left(home)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_demo_ends_everything(start, home, signum, code):
    demo = start()
    demo.wait_for(r"arrived, ", timeout=90)
    assert left(home)
    os.kill(demo.pid, signum)
    assert demo.wait(timeout=60) == code
    assert not left(home)


def test_a_process_that_ends_ends_the_demo_which_says_which_it_was(start, home):
    demo = start()
    demo.wait_for(r"arrived, ", timeout=90)
    (beat,) = processes_of.find(lambda command: f"{folder_of(home)}/beat.pid" in command)
    os.kill(beat, signal.SIGKILL)
    assert demo.wait(timeout=60) == 1
    assert "beat has ended" in demo.output()
    assert not left(home)


def test_the_next_demo_cleans_up_after_a_killed_one(start, home):
    killed = start()
    killed.wait_for(r"arrived, ", timeout=90)
    first = folder_of(home)
    killed.kill()
    following = start()
    following.wait_for(r"tables created", timeout=90)
    assert not processes_of.find(lambda command: str(first) in command)
    assert not (first / "embedded").exists()
    assert following.terminate(timeout=60) == 143
    assert not left(home)
