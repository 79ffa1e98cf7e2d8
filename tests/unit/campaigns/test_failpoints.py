"""Failpoints: what they do, how they are told, and that each stands where it says."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns import failpoints, settings
from campaigns.errors import ConfigurationError
from campaigns.failpoints import POINTS, Action, Raised
from tests.support.repository import ROOT

PACKAGES = ("campaigns", "scheduler", "worker", "cli")
_CALL = re.compile(r"\bfailpoints\.hit\(\s*(.*?)\s*\)")


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm(None)


def test_each_point_is_called_exactly_once_and_no_call_names_another() -> None:
    calls = [
        call
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for call in _CALL.findall(path.read_text("utf-8"))
    ]
    assert Counter(calls) == Counter(f'"{name}"' for name in POINTS)


def test_a_specification_is_read() -> None:
    spec = "claim.committed=kill@3, record.before=raise,send.departed=stall:2.5@10,"
    assert failpoints.parse(spec) == {
        "claim.committed": Action("kill", 3),
        "record.before": Action("raise", 1),
        "send.departed": Action("stall:2.5", 10, 2.5),
    }


@pytest.mark.parametrize(
    "entry",
    [
        "claim.committed",
        "claim.committed=",
        "claim.committed=explode",
        "claim.committed=kill@0",
        "claim.committed=kill@-1",
        "claim.committed=kill@",
        "claim.committed=stall",
        "claim.committed=stall:nan",
        "claim.committed=stall:-1",
        "claim.comitted=kill",
        "claim.committed=kill=2",
        "claim.committed=raise:1",
    ],
)
def test_a_mistake_is_told_in_one_sentence_that_names_it(entry: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^SLUICE_FAILPOINTS: '.+' .+[^.]\.$") as caught:
        failpoints.parse(f"record.before=raise,{entry}")
    assert repr(entry) in str(caught.value)


def test_a_point_has_one_action() -> None:
    with pytest.raises(ConfigurationError, match="second action"):
        failpoints.parse("record.before=raise,record.before=kill@2")


def test_a_mistake_leaves_armed_what_was() -> None:
    failpoints.arm("record.before=raise")
    with pytest.raises(ConfigurationError):
        failpoints.arm("record.before=rise")
    with pytest.raises(Raised):
        failpoints.hit("record.before")


def test_nothing_happens_while_nothing_is_armed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    failpoints.arm(None, log)
    for name in POINTS:
        failpoints.hit(name)
    assert not log.exists()


def test_an_action_happens_once_at_its_hit_and_nowhere_else(tmp_path: Path) -> None:
    log = tmp_path / "log"
    failpoints.arm("record.before=raise@3", log)
    raised = []
    for number in range(1, 7):
        failpoints.hit("record.committed")
        try:
            failpoints.hit("record.before")
        except Raised:
            raised.append(number)
    assert raised == [3]
    (line,) = log.read_text().splitlines()
    assert re.fullmatch(r"record\.before raise \d+ \d+\.\d{6}", line)


def test_threads_count_together() -> None:
    failpoints.arm("record.before=raise@400")
    raised = []

    def come_by() -> None:
        for _ in range(100):
            try:
                failpoints.hit("record.before")
            except Raised:
                raised.append(threading.get_ident())

    threads = [threading.Thread(target=come_by) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(raised) == 1


def test_a_stall_blocks_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(failpoints.time, "sleep", waited.append)
    failpoints.arm("send.departed=stall:2.5@2")
    for _ in range(3):
        failpoints.hit("send.departed")
    assert waited == [2.5]


@pytest.mark.parametrize("app", ["worker.app", "scheduler.app"])
def test_a_process_arms_itself_and_dies_where_it_is_told(app: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f"import {app}; from campaigns import failpoints; failpoints.hit('tick.begun')"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"SLUICE_FAILPOINTS": "tick.begun=kill", "SLUICE_FAILPOINT_LOG": str(log)},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert log.read_text().startswith("tick.begun kill ")


def test_the_settings_carry_what_is_to_be_armed() -> None:
    found = settings.load({"SLUICE_FAILPOINTS": "x", "SLUICE_FAILPOINT_LOG": "/log"})
    assert (found.failpoints, found.failpoint_log) == ("x", Path("/log"))
    assert settings.load({}).failpoints is None
