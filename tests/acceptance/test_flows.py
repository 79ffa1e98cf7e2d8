"""The flows of docs/flows, as a person runs them: curl, the door, messages at the carrier."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from campaigns.team import clients, tokens
from tests.support import ledger
from tests.support import stack as stacks
from tests.support.environment import REPOSITORY
from tests.support.stack import Stack
from tests.support.waiting import eventually

FLOWS = REPOSITORY / "docs" / "flows"

OpenStack = Callable[..., Stack]


@pytest.fixture
def running(stack: OpenStack) -> Stack:
    opened = stack()
    opened.start()
    return opened


def run(name: str, running: Stack, folder: Path, **variables: str) -> str:
    """What the flow printed; it must have come to its end."""
    team = ledger.team_id(running.conn)
    secret = tokens.create(running.conn, team, "flows").secret
    done = subprocess.run(
        ["bash", str(FLOWS / f"{name}.sh")],
        env={"BASE": running.web(), "TOKEN": secret, "PATH": path_with_curl(folder), **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def path_with_curl(folder: Path) -> str:
    """The PATH, with a stand-in where this machine has no curl."""
    if shutil.which("curl"):
        return os.environ["PATH"]
    (folder / "curl").symlink_to(REPOSITORY / "tests" / "support" / "curl.py")
    return f"{folder}:{os.environ['PATH']}"


def texts(running: Stack) -> dict[str, str]:
    return {arrival.to or "": arrival.text or "" for arrival in running.carrier.log()}


def people(running: Stack) -> UUID:
    return stacks.group(running.conn, "people", stacks.numbers(1, 3))


def test_passona(running: Stack, tmp_path: Path) -> None:
    assert "Sent: campaign" in run("passona", running, tmp_path)
    assert texts(running) == {"447713252151": "Hello John", "447713252152": "Hello Jane"}


def test_horisen(running: Stack, tmp_path: Path) -> None:
    team = ledger.team_id(running.conn)
    client = clients.create(running.conn, team, "flows")
    run(
        "horisen",
        running,
        tmp_path,
        SERVICE_UUID=str(team),
        CLIENT_ID=str(client.client.id),
        CLIENT_SECRET=client.secret,
        LIST=str(people(running)),
    )
    assert sorted(arrival.text or "" for arrival in running.carrier.log()) == [
        *["Hello Ada"] * 3,
        *["Now -22C and 100km/h"] * 3,
    ]


def test_callback(running: Stack, tmp_path: Path) -> None:
    group = people(running)
    number = running.conn.execute(
        "SELECT number FROM contact_groups WHERE id = %s", (group,)
    ).fetchone()
    assert number is not None
    run("callback", running, tmp_path, LIST=str(number["number"]), CALLBACK="https://example.com/c")
    assert set(texts(running).values()) == {"Hello Ada"}


def test_inline_contacts(running: Stack, tmp_path: Path) -> None:
    run("inline", running, tmp_path)
    assert texts(running) == {"447713252151": "Hello John", "447713252152": "Hello Jane"}
    assert eventually(
        lambda: running.carrier.stats()["accepted"] == 2, timeout=5, message="nothing more is sent"
    )
