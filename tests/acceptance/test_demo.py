"""`sluice demo`: exit code 0 only for a clean verdict, and nothing is ever left running."""

from __future__ import annotations

import json
import os
import re
import signal
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.carrier.log import parse
from cli.embedded import processes as processes_of
from tests.support.processes import Process, Processes
from tests.support.servers import session_home
from tests.support.waiting import eventually

Start = Callable[..., Process]

#: By how much a number of seconds with three decimals may be off.
ROUNDED = 0.001


@pytest.fixture
def home() -> Iterator[Path]:
    with session_home() as folder:
        yield folder


@pytest.fixture
def start(processes: Processes, home: Path) -> Start:
    """Starts a demo that is small and short."""

    def demo(*more: str) -> Process:
        options = ("--contacts", "500", "--seconds", "12", *more)
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


def last_words(output: str) -> dict[str, Any]:
    """What ``--json`` prints behind the story."""
    found: dict[str, Any] = json.loads(output[output.index("\n{") :])
    return found


#: What counts people, not moments, and so holds on any machine; and a clean demo's numbers.
_PEOPLE = {
    "expected": 480, "received": 480, "doubled": 0, "missing": 0, "unexpected": 0, "misread": 0,
}  # fmt: skip
#: By the names in the JSON, the lines about moments: a machine that stands still earns a ✗.
_MOMENTS = {"in_pauses": "in a pause", "while_held": "while held", "outside_window": "off time"}


def test_a_demo_gives_everybody_one_message_and_is_clean_where_the_moments_are_right_too(
    start, home
):
    """And leaves its papers and no process. Whether the machine was quick enough for the moments
    is judged by the carrier's log; what is asserted is that the verdict says the same."""
    demo = start("--json")
    code = demo.wait(timeout=120)
    output = demo.output()
    told = last_words(output)
    assert {name: told[name] for name in _PEOPLE} == _PEOPLE
    for name, number in _PEOPLE.items():
        assert re.search(rf"[ ✓] {name} +{number} ", output), (name, output)
    for name, line in _MOMENTS.items():
        mark = "✗" if told[name] else "✓"
        assert re.search(rf"{mark} {line} +{told[name]} ", output), (line, output)
    clean = not any(told[name] for name in _MOMENTS)
    assert (told["clean"], code, "  Clean: " in output) == (clean, 0 if clean else 1, clean), output

    arrivals = parse((folder_of(home) / "carrier.jsonl").read_bytes().splitlines(keepends=True))
    finish = max(arrival.t for arrival in arrivals) + told["spare_seconds"]
    late = sum(arrival.t >= finish - ROUNDED for arrival in arrivals)
    assert told["outside_window"] <= late, "nothing comes before the start"

    assert re.search(r"customers\.csv: \d+ imported, 6 not valid, 6 repeated", output)
    assert re.search(r"Pause pressed by the demo[^✓]*Resume pressed", output)
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


@pytest.mark.parametrize(
    ("moment", "signum", "code"),
    [(r"tables created", signal.SIGTERM, 143), (r"arrived, ", signal.SIGINT, 130)],
)
def test_an_interrupted_demo_ends_everything(start, home, moment, signum, code):
    demo = start()
    demo.wait_for(moment, timeout=90)
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
